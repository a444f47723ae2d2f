"""Runs that are killed at named moments: `killed_runs.py RECIPE DATA OUT [KEY=VALUE...]` leaves OUT/whole and OUT/MOMENT of each.

Prints {moment: signal that ended it} as JSON. A real process dies at each moment; they are forked from the one that
trains the whole run, because what a process does first takes longer than the run.
"""

import itertools
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bytegolf as bg
import bytegolf.flow.train
from bytegolf.recipes import load_recipe
from bytegolf.text.shards import TokenStream
from bytegolf.training import checkpoint
from bytegolf.training import run_record as record
from bytegolf.training.adamw import FlatAdamW
from bytegolf.training.averaging import Averages
from bytegolf.training.log import LogFile


def die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def patch(owner: Any, name: str, call: int, instead: Callable[..., object], where: Callable[..., bool] = lambda *_: True) -> None:
    """`instead(original, *arguments)` in the place of the n-th call of `owner.name` with arguments that `where` accepts."""
    original, calls = getattr(owner, name), itertools.count(1)

    def watched(*arguments: Any, **options: Any) -> Any:
        if where(*arguments) and next(calls) == call:
            return instead(original, *arguments)
        return original(*arguments, **options)

    setattr(owner, name, watched)


def before(owner: Any, name: str, call: int = 1, where: Callable[..., bool] = lambda *_: True) -> None:
    patch(owner, name, call, die, where)


def after(owner: Any, name: str, call: int = 1) -> None:
    patch(owner, name, call, lambda original, *arguments: die(original(*arguments)))


def half_a_line(append: Callable[..., None], log_file: LogFile, line: str) -> None:
    log_file.file.write(line.encode()[: len(line) // 2])
    log_file.file.flush()
    die()


def half_a_folder(remove: Callable[..., None], folder: Path, *_: object) -> None:
    (folder / "state.json").unlink()
    die()


def half_a_score(score: Callable[..., object], *arguments: Any) -> None:
    """Die at the first batch, which the last argument is called after."""
    score(*arguments[:-1], die)


def saved(path: Path, *_: object) -> bool:
    return path.name.startswith("step-")


# A run of 30 steps with checkpoints after each fifth and validations after each sixth.
MOMENTS: dict[str, Callable[[], None]] = {
    "making the run folder": lambda: before(record, "recipe_toml"),
    "loading the first batch": lambda: before(TokenStream, "__getitem__", 1),
    "loading a batch": lambda: before(TokenStream, "__getitem__", 13 * 8 + 4),
    "in a step, half of the weights moved": lambda: before(FlatAdamW, "step", 13),
    "in a step, before the averages": lambda: before(Averages, "update", 24),
    "in a line of the log": lambda: patch(LogFile, "append", 28, half_a_line),
    "in a validation": lambda: patch(bytegolf.flow.train, "score_tokens", 2, half_a_score),
    "in the first checkpoint": lambda: after(checkpoint, "save_file", 1),
    "in a checkpoint, before its tensors": lambda: before(checkpoint, "save_file", 3),
    "in a checkpoint, before its state": lambda: after(checkpoint, "save_file", 3),
    "in a checkpoint, before it has its name": lambda: before(Path, "rename", 4),
    "in a checkpoint, before the oldest goes": lambda: before(shutil, "rmtree", 1, saved),
    "in a checkpoint, the oldest half gone": lambda: patch(shutil, "rmtree", 1, half_a_folder, saved),
    "in the last validation": lambda: patch(bytegolf.flow.train, "score_tokens", 5, half_a_score),
    "in the weights, before they have their name": lambda: before(Path, "replace", 1, lambda path, _: "weights" in path.name),
    "before the manifest": lambda: before(record, "write_json"),
}


def main(recipe: str, data: str, out: str, *overrides: str) -> None:
    bg.train(load_recipe(recipe, overrides), Path(data), Path(out) / "whole")
    ended = {}
    for moment, arrange in MOMENTS.items():
        child = os.fork()
        if child == 0:
            arrange()
            bg.train(load_recipe(recipe, overrides), Path(data), Path(out) / moment)
            os._exit(0)
        ended[moment] = os.WTERMSIG(os.waitpid(child, 0)[1])
    print(json.dumps(ended))


if __name__ == "__main__":
    main(*sys.argv[1:])
