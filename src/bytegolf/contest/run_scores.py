"""The scores that run folders keep: which figure is compared, and whether the runs are seeds of one configuration."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from bytegolf.config import Recipe
from bytegolf.errors import InputError, ParameterError
from bytegolf.names import ProtocolName
from bytegolf.recipes import read_recipe
from bytegolf.storage.files import sha256_of
from bytegolf.storage.records import read_record
from bytegolf.storage.run_folder import RunFolder
from bytegolf.storage.run_records import ScoreRecord

AT_THE_END = "standard score at the end of training"  # which the manifest keeps
PREFERRED: tuple[ProtocolName, ...] = ("sliding", "streaming", "lora", "ttt", "standard")


@dataclass(frozen=True)
class RunScore:
    """One run's score, which figure it is, and what it was counted over. `tokens_of` is the text that `bytes_per_token` is of."""

    folder: Path
    seed: int
    bpb: float
    figure: str
    data: str | None  # hash of the data folder
    bytes: int | None
    bytes_per_token: float | None
    tokens_of: str


def read_run_scores(folders: Sequence[Path], protocol: ProtocolName | None = None) -> list[RunScore]:
    """Return the same figure of every run: the score of `protocol`, or of the first one that all have, else that of the manifest.

    Raises InputError for what is no finished run, for runs that have no figure in common, and for runs that differ in more
    than their seed.
    """
    if protocol is not None and protocol not in get_args(ProtocolName):
        raise ParameterError("protocol", f"expected {' or '.join(get_args(ProtocolName))}, found {protocol!r}")
    kept = [kept_scores(folder) for folder in folders]
    figures = [figure for figure in kept[0] if all(figure in scores for scores in kept)]
    wanted = [figure for figure in figures if protocol is None or figure.startswith(f"{protocol} ")]
    if not wanted:
        listed = "; ".join(f"{folder}: {', '.join(scores) or 'none'}" for folder, scores in zip(folders, kept, strict=True))
        raise InputError(f"expected {f'the {protocol} score' if protocol else 'one kind of score'} of every run, found {listed}")
    runs = [scores[wanted[0]] for scores in kept]
    _require_one_configuration(runs)
    return runs


def kept_scores(folder: Path) -> dict[str, RunScore]:
    """Return the scores that a run keeps, by figure, those to be preferred first. Raises InputError for what is no finished run."""
    run = RunFolder(folder)
    manifest = run.read_manifest()
    seed = read_recipe(run.recipe).train.seed
    found: dict[str, RunScore] = {}
    for protocol in PREFERRED:
        if (path := run.score(protocol)).exists():
            record = read_record(path, ScoreRecord, "a score")
            scored = folder / record.of
            if scored.exists() and sha256_of(scored) != record.sha256:
                continue  # the file was made anew since
            figure = f"{record.protocol} score of {record.of}"
            ratio = record.bytes / record.tokens if record.bytes and record.tokens else None
            found[figure] = RunScore(folder, seed, record.bpb, figure, record.data, record.bytes, ratio, "held-out text")
    if manifest["val_bpb"] is not None:
        ratio = manifest["bytes_per_token"]
        found[AT_THE_END] = RunScore(folder, seed, manifest["val_bpb"], AT_THE_END, manifest["data_sha256"], None, ratio, "training text")
    return found


def _require_one_configuration(runs: list[RunScore]) -> None:
    """Raise InputError if runs differ in anything but their seed: recipe, data, or bytes scored."""
    first, *others = runs
    recipe = flat_recipe(read_recipe(RunFolder(first.folder).recipe))
    for run in others:
        for what, here, there in (("data", run.data, first.data), ("number of bytes", run.bytes, first.bytes)):
            if here != there:
                raise InputError(f"{run.folder}: expected the {what} that {first.folder} was scored on, {there}, found {here}")
        for key, value in flat_recipe(read_recipe(RunFolder(run.folder).recipe)).items():
            if value != recipe[key]:
                raise InputError(f"{run.folder}: expected one configuration, {key} = {recipe[key]} as in {first.folder}, found {value}")


def flat_recipe(recipe: Recipe) -> dict[str, Any]:
    """Return a recipe as one level of keys, without the seed."""
    sections = recipe.model_dump()
    flat = {f"{section}.{key}": value for section, keys in sections.items() if isinstance(keys, dict) for key, value in keys.items()}
    flat.pop("train.seed")
    return flat
