"""Repeating a finished run: the clock it had, and whether the weights came out the same."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bytegolf.artifact.finished_run import read_run
from bytegolf.config import Recipe
from bytegolf.errors import InputError
from bytegolf.runtime.progress import say
from bytegolf.storage.files import sha256_of
from bytegolf.storage.provenance import provenance
from bytegolf.storage.run_folder import RunFolder
from bytegolf.text.dataset import Dataset
from bytegolf.training.run_record import difference
from bytegolf.training.schedule import Clock, ReplayedClock


@dataclass(frozen=True)
class Replay:
    """What to repeat: a finished run, known by its final weights, and its clock."""

    run: Path
    weights_sha256: str
    clock: Clock

    def to_json(self) -> dict[str, str]:
        """For the manifest of the run that repeats it."""
        return {"run": str(self.run), "weights_sha256": self.weights_sha256}

    def compare(self, run: RunFolder) -> None:
        """Say whether the finished `run` ended with the weights of the one it repeats."""
        same = sha256_of(run.weights) == self.weights_sha256
        say(f"replay: the weights of {self.run}, bit for bit" if same else f"warning: replay: the weights are not those of {self.run}")


def read_replay(root: Path, recipe: Recipe, dataset: Dataset) -> Replay:
    """The run in `root`, to be repeated.

    Raises InputError if it is not finished, if it had another recipe, data or tokenizer, or if its log lacks a step.
    """
    trained = read_run(root)
    manifest = trained.folder.read_manifest()
    changed = difference(trained.recipe, recipe)
    if changed:
        raise InputError(f"--replay {root}: expected the recipe of that run, found {changed}")
    for name, here in (("data", dataset.sha256), ("tokenizer", dataset.tokenizer.sha256)):
        there = manifest.get(f"{name}_sha256")
        if there != here:
            raise InputError(f"--replay {root}: expected the {name} of that run ({str(there)[:12]}), found another ({here[:12]})")
    elsewhere = [key for key, value in provenance().items() if manifest.get(key) != value]
    if elsewhere:
        say(f"warning: replay: {', '.join(elsewhere)} differ from those of {root}, and so may the weights")
    clock = _recorded(trained.folder, manifest) if recipe.train.max_seconds else Clock.of(recipe.train)
    return Replay(root, sha256_of(trained.folder.weights), clock)


def _recorded(run: RunFolder, manifest: Mapping[str, Any]) -> ReplayedClock:
    """The clock of a timed run, from the progress it logged for each of its steps."""
    ticks = [event for event in run.events() if event["event"] == "clock"]
    recorded: list[Any] = [event.get("progress") for event in ticks]
    steps = [event.get("step") for event in ticks]
    if not steps or steps != list(range(len(steps))) or len(steps) != manifest.get("steps") or not all(map(_is_share, recorded)):
        raise InputError(f"{run.log}: expected the progress of each of {manifest.get('steps')} steps, found it incomplete or damaged")
    return ReplayedClock(max_steps=len(recorded), max_seconds=0.0, recorded=recorded)


def _is_share(value: object) -> bool:
    return isinstance(value, float) and 0 <= value <= 1
