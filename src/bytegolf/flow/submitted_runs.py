"""The runs that a submission is made of: seeds of one recipe, and the data folder that they were trained on."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from bytegolf.artifact.finished_run import FinishedRun
from bytegolf.config import Recipe
from bytegolf.errors import InputError, ParameterError
from bytegolf.flow.models import require_same_tokenizer
from bytegolf.text.dataset import Dataset, open_data
from bytegolf.training.run_record import difference

MAKERS = {"code_sha256": "code", "torch": "torch"}  # what a run records of what trained it, by name


def data_beside(run: FinishedRun, tokenizer: Path | None) -> Path:
    """Return the data folder that a run was trained on, if it is near. Raises ParameterError otherwise."""
    for folder in run.folder.data_places():
        with suppress(InputError):
            if open_data(folder, tokenizer).sha256 == run.folder.read_manifest()["data_sha256"]:
                return folder
    raise ParameterError("data", f"expected the data folder that {run.folder.root} was trained on, found none beside it; name it")


def require_one_submission(runs: Sequence[FinishedRun], dataset: Dataset) -> None:
    """Raise InputError unless runs are seeds of one recipe that were trained on a data folder."""
    first = runs[0]
    seen: dict[int, Path] = {}
    for run in runs:
        root, seed, manifest = run.folder.root, run.recipe.train.seed, run.folder.read_manifest()
        if seed in seen:
            raise InputError(f"{root}: expected another seed than {seen[seed]}, found {seed} again")
        seen[seed] = root
        if changed := difference(first.recipe, _reseeded(run.recipe, first.recipe.train.seed)):
            raise InputError(f"{root}: expected the recipe of {first.folder.root}, found {changed}")
        if manifest["seconds"] is None:
            raise InputError(f"{root}: expected a run that bytegolf trained, found an imported one, which no script here trains again")
        _require_same_makers(first, run)
        if manifest["data_sha256"] != dataset.sha256:
            raise InputError(f"{root}: expected a run trained on {dataset.folder.root}, found one trained on other data")
        require_same_tokenizer(dataset, run.tokenizer)


def _require_same_makers(first: FinishedRun, run: FinishedRun) -> None:
    """Raise InputError unless two runs were trained by the same code with the same versions: seeds are of one configuration."""
    expected, found = first.folder.read_manifest(), run.folder.read_manifest()
    for key, name in MAKERS.items():
        if expected.get(key) != found.get(key):
            told = (
                f"expected one trained with the {name} of {first.folder.root}, {_short(expected.get(key))}, found {_short(found.get(key))}"
            )
            raise InputError(f"{run.folder.root}: {told}; seeds of a submission are of one configuration")


def _short(value: object) -> str:
    return str(value)[:12]


def _reseeded(recipe: Recipe, seed: int) -> Recipe:
    return recipe.model_copy(update={"train": recipe.train.model_copy(update={"seed": seed})})
