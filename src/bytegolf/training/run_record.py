"""A run on disk: beginning a run folder, and writing what a finished or imported run leaves in it."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors.torch import save as serialise

from bytegolf.config import Recipe
from bytegolf.errors import InputError, ParameterError
from bytegolf.model.shapes import parameter_count
from bytegolf.model.weights import Weights
from bytegolf.recipes import read_recipe, recipe_toml
from bytegolf.storage.files import atomic_file, atomic_folder, clear_partial, sha256_of, write_atomically, write_json
from bytegolf.storage.provenance import provenance
from bytegolf.storage.run_folder import RunFolder
from bytegolf.text.dataset import Dataset
from bytegolf.text.tokenizer import Tokenizer


def begin_run(run: RunFolder, recipe: Recipe, tokenizer: Tokenizer, resume: bool) -> bool:
    """Make the run folder, or check that it holds this recipe's run, and return whether that is finished already.

    Raises InputError if the folder exists and is not to be resumed, or began with another recipe or tokenizer.
    """
    if _is_blank(run, tokenizer):
        run.root.mkdir(parents=True, exist_ok=True)
        _write_start(run, recipe, tokenizer)
        return False
    if not run.recipe.exists():
        raise ParameterError("out", f"expected a new folder, an empty one or a run, found something else in {run.root}")
    if not resume:
        raise ParameterError("out", f"expected a new run folder, found {run.root} already there; resume it, or choose another folder")
    changed = difference(read_recipe(run.recipe), recipe)
    if changed:
        raise InputError(f"{run.root}: expected the recipe the run began with, found {changed}")
    kept = run.root / tokenizer.file_name
    if not kept.exists() or kept.read_bytes() != tokenizer.serialised:
        raise InputError(f"{run.root}: expected the tokenizer the run began with, found another in the data folder")
    if run.manifest.exists():
        return True
    for folder in (run.root, run.checkpoints):
        clear_partial(folder)
    return False


def _is_blank(run: RunFolder, tokenizer: Tokenizer) -> bool:
    """Return whether a run can begin in its folder: nothing is there, or no more than one leaves that was killed as it began."""
    if not run.root.exists():
        return True
    return all(path.name == tokenizer.file_name or path.name.startswith(".") for path in run.root.iterdir())


@contextmanager
def resumable(run: RunFolder) -> Iterator[None]:
    """Turn an OSError in here, of a full disk most of all, into an InputError: the run can be resumed and loses nothing."""
    try:
        yield
    except OSError as error:
        where, why = error.filename or run.root, error.strerror or error
        raise InputError(f"{where}: {why}; what was saved before still holds, resume the run") from error


def finish_run(run: RunFolder, recipe: Recipe, weights: Weights, dataset: Dataset, repeated: Mapping[str, str] | None) -> None:
    """Write the final weights, then the manifest that marks the run as finished; `repeated` is the run it repeated, if any."""
    _write_weights(run, weights)
    write_json(run.manifest, {**_manifest(run, recipe, dataset), "replay": repeated})


def record_import(run: RunFolder, recipe: Recipe, weights: Weights, tokenizer: Tokenizer, checkpoint: Path) -> None:
    """Make a finished run of weights that another program trained. What only training knows is null in its manifest.

    Raises InputError if the folder exists.
    """
    if not _is_blank(run, tokenizer):
        raise ParameterError("out", f"expected a new folder or an empty one, found something in {run.root}")
    event = {"event": "import", "checkpoint": checkpoint.name, "sha256": sha256_of(checkpoint)}
    unknown = dict.fromkeys(("seconds", "tokens_per_second", "val_bpb", "bytes_per_token", "data_sha256", "replay"))
    manifest = {"recipe": recipe.name, "parameters": parameter_count(recipe.model), "steps": 0, **unknown, "imported": event}
    with atomic_folder(run.root) as partial:
        made = RunFolder(partial)
        _write_start(made, recipe, tokenizer)
        write_atomically(made.log, json.dumps(event) + "\n")
        _write_weights(made, weights)
        write_json(made.manifest, {**manifest, "tokenizer_sha256": tokenizer.sha256, **provenance()})


def _write_start(run: RunFolder, recipe: Recipe, tokenizer: Tokenizer) -> None:
    """Write what a run begins with; the recipe, which marks a folder as a run's, last."""
    write_atomically(run.root / tokenizer.file_name, tokenizer.serialised)
    write_atomically(run.recipe, recipe_toml(recipe))


def _write_weights(run: RunFolder, weights: Weights) -> None:
    with atomic_file(run.weights) as file:
        file.write(serialise({name: weight.float().cpu().contiguous() for name, weight in weights.items()}))


def difference(old: Recipe, new: Recipe) -> str:
    """Return the first key in which two recipes differ, with both values; "" if they agree but for their names."""
    before, after = old.model_dump(), new.model_dump()
    for section, values in before.items():
        if isinstance(values, dict):
            for key, value in values.items():
                if value != after[section][key]:
                    return f"{section}.{key} = {after[section][key]} instead of {value}"
    return ""


def _manifest(run: RunFolder, recipe: Recipe, dataset: Dataset) -> dict[str, Any]:
    """Return the results of the run and all that it depended on."""
    events = run.events()
    validation = next(event for event in reversed(events) if event["event"] == "validate")
    done = events[-1]
    return {
        "recipe": recipe.name,
        "parameters": parameter_count(recipe.model),
        "steps": done["step"],
        "seconds": done["seconds"],
        "tokens_per_second": done["step"] * recipe.train.batch_tokens / done["seconds"],
        "val_bpb": validation["bpb"],
        "bytes_per_token": dataset.bytes_per_token,
        "data_sha256": dataset.sha256,
        "tokenizer_sha256": dataset.tokenizer.sha256,
        **provenance(),
    }
