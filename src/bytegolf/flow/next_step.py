"""What a working folder holds of the flow, and the command that comes next."""

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from shlex import quote
from typing import NamedTuple

from bytegolf.storage.run_folder import RunFolder

PLACES = ("", "*/", "runs/*/", "runs/*/*/", "*/*/")  # where data folders and runs are looked for
TINY_VOCABULARY = "1024"
MOST = 200  # of each kind that are looked at


@dataclass(frozen=True)
class NextStep:
    """The command to give next and why, and what was found, as lines."""

    found: list[str]
    why: str
    command: str


class _Stage(NamedTuple):
    """How far a run is, in words, and the command that takes it further; RUN and DATA stand for its folders."""

    reached: str
    command: str


def next_step(folder: Path = Path()) -> NextStep:
    """Return the command that comes next in `folder`: for the run that was touched last, or for the data, or to begin with."""
    runs = sorted(_holding(folder, "recipe.toml"), key=_touched, reverse=True)
    data = sorted(_holding(folder, "val_*.bin", "*_val_*.bin"), key=_touched, reverse=True)
    unfinished = list(islice(folder.glob(".*.unfinished/record.json"), MOST))
    found = [f"data in {_shown(place, folder)}" for place in data]
    found += [f"a preparation that was interrupted, of {path.parent.name[1:].removesuffix('.unfinished')}" for path in unfinished]
    found += [f"run {_shown(run, folder)}: {_stage(RunFolder(run)).reached}" for run in runs]
    if runs:
        reached, command = _stage(RunFolder(runs[0]))
        own = _data_of(RunFolder(runs[0]), data)
        shown = quote(_shown(own, folder)) if own else "DATA"
        return NextStep(found, f"{_shown(runs[0], folder)} is {reached}", command.format(run=quote(_shown(runs[0], folder)), data=shown))
    if data:
        place = quote(_shown(data[0], folder))
        return NextStep(found, f"{place} is prepared", f"bytegolf train tiny --data {place} --out runs/tiny{_vocabulary(data[0])}")
    if unfinished:
        return NextStep(found, "a preparation was interrupted", "the same bytegolf prepare … again: it goes on where it was")
    return NextStep(found, "nothing is here yet; the whole flow takes about five minutes", "bytegolf quickstart --out runs/quickstart")


def _stage(run: RunFolder) -> _Stage:
    """Return how far a run is."""
    if not run.manifest.exists():
        return _Stage("not finished", "bytegolf train {run}/recipe.toml --data {data} --out {run} --resume")
    if not run.artifact.exists():
        return _Stage("trained", "bytegolf pack {run} --data {data}")
    if (run.root / "receipt.json").exists():
        return _Stage("proved", "bytegolf report {run} --out report.html")
    if any(run.root.glob("score-*.json")):
        return _Stage("packed and scored", "bytegolf prove {run}/artifact.bgz --data {data}")
    return _Stage("packed", "bytegolf score {run}/artifact.bgz --data {data} --protocol sliding")


def _data_of(run: RunFolder, data: Sequence[Path]) -> Path | None:
    """Return the data folder that a run was trained on, if its manifest tells; else the first there is."""
    recorded = run.manifest.read_text(errors="replace") if run.manifest.is_file() else ""
    own = (place for place in data if (file := place / "manifest.json").is_file() and _sha256(file) in recorded)
    return next(chain(own, data), None)


def _vocabulary(data: Path) -> str:
    """Return the option that fits the recipe tiny to the vocabulary of a data folder, if it needs one."""
    manifest = data / "manifest.json"
    size = re.search(r'"vocab_size": (\d+)', manifest.read_text(errors="replace")) if manifest.is_file() else None
    return f" --set model.vocab_size={size[1]}" if size and size[1] != TINY_VOCABULARY else ""


def _holding(folder: Path, *names: str) -> Iterator[Path]:
    """Yield the folders at the usual places that hold a file of such a name, each once."""
    found = (path.parent for place in PLACES for name in names for path in islice(folder.glob(place + name), MOST))
    yield from dict.fromkeys(place for place in found if not any(part.startswith(".") for part in place.relative_to(folder).parts))


def _touched(run: Path) -> float:
    return max(entry.stat().st_mtime for entry in os.scandir(run))


def _shown(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
