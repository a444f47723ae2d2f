"""Repeating a finished run with the clock it recorded, and comparing the weights that come out."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bytegolf.artifact.finished_run import read_run
from bytegolf.config import Recipe
from bytegolf.errors import InputError, ParameterError
from bytegolf.runtime.progress import say
from bytegolf.storage.files import sha256_of
from bytegolf.storage.provenance import provenance
from bytegolf.storage.run_folder import RunFolder
from bytegolf.text.dataset import Dataset
from bytegolf.training.run_record import difference
from bytegolf.training.schedule import Clock, RecordedClock


@dataclass(frozen=True)
class RecordedRun:
    """A finished run that is to be repeated: its clock, and the hash of its final weights."""

    run: Path
    weights_sha256: str
    clock: Clock

    def to_json(self) -> dict[str, str]:
        """Return what the manifest of the repeating run says of this one."""
        return {"run": str(self.run), "weights_sha256": self.weights_sha256}

    def compare(self, run: RunFolder) -> None:
        """Report whether the finished `run` ended with the same weights."""
        same = sha256_of(run.weights) == self.weights_sha256
        say(f"replay: the weights of {self.run}, bit for bit" if same else f"warning: replay: the weights are not those of {self.run}")


def read_recorded_run(root: Path, recipe: Recipe, dataset: Dataset) -> RecordedRun:
    """Return the run in `root`, to be repeated with `recipe` on `dataset`.

    Raises InputError if it is not finished, if it had another recipe, data or tokenizer, or if its log lacks a step.
    """
    trained = read_run(root)
    manifest = trained.folder.read_manifest()
    changed = difference(trained.recipe, recipe)
    if changed:
        raise ParameterError("replay", f"expected the recipe of {root}, found {changed}")
    for name, given in (("data", dataset.sha256), ("tokenizer", dataset.tokenizer.sha256)):
        recorded = manifest.get(f"{name}_sha256")
        if recorded != given:
            raise ParameterError("replay", f"expected the {name} of {root} ({str(recorded)[:12]}), found another ({given[:12]})")
    differing = [key for key, value in provenance().items() if manifest.get(key) != value]
    if differing:
        say(f"warning: replay: {', '.join(differing)} differ from those of {root}, and so may the weights")
    clock = _recorded_clock(trained.folder, manifest) if recipe.train.max_seconds else Clock.of(recipe.train)
    return RecordedRun(root, sha256_of(trained.folder.weights), clock)


def _recorded_clock(run: RunFolder, manifest: Mapping[str, Any]) -> RecordedClock:
    """Return the clock of a timed run, from the progress it logged for each of its steps."""
    ticks = [event for event in run.events() if event["event"] == "clock"]
    recorded: list[Any] = [event.get("progress") for event in ticks]
    steps = [event.get("step") for event in ticks]
    if not steps or steps != list(range(len(steps))) or len(steps) != manifest.get("steps") or not all(map(_is_share, recorded)):
        raise InputError(f"{run.log}: expected the progress of each of {manifest.get('steps')} steps, found it incomplete or damaged")
    return RecordedClock(max_steps=len(recorded), max_seconds=0.0, recorded=recorded)


def _is_share(value: object) -> bool:
    return isinstance(value, float) and 0 <= value <= 1
