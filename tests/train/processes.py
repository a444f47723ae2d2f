"""Runs of several real processes, started as torchrun starts them; as a script, what such a process does."""

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import torch
from torch import Tensor

from train.cases import MICRO, environment

TESTS = str(Path(__file__).parents[1])


@dataclass(frozen=True)
class Ended:
    """One process's exit status and what it said."""

    status: int
    out: str
    err: str


class Run(AbstractContextManager["Run"]):
    """`size` processes of a command; `arguments[rank]` are those of each, or all have the same. Killed when left."""

    def __init__(self, size: int, *command: str, own: Mapping[int, Sequence[str]] | None = None) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        meet = {"WORLD_SIZE": str(size), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)} if size > 1 else {}
        base = {**environment(), "COLUMNS": "200", **meet}
        base["PYTHONPATH"] = os.pathsep.join((base["PYTHONPATH"], TESTS))
        self.processes = [
            subprocess.Popen(
                [sys.executable, *command, *(own or {}).get(rank, ())],
                env={**base, "RANK": str(rank), "LOCAL_RANK": str(rank)} if size > 1 else base,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for rank in range(size)
        ]

    def wait(self, seconds: float = 240) -> list[Ended]:
        said = [process.communicate(timeout=seconds) for process in self.processes]
        return [Ended(process.returncode, *streams) for process, streams in zip(self.processes, said, strict=True)]

    def until(self, begins: str) -> None:
        """Return once process 0 says a line that begins so."""
        stream = self.processes[0].stderr
        assert stream is not None
        for line in stream:
            if line.startswith(begins):
                return
        raise AssertionError(f"never said {begins!r}")

    def signal(self, rank: int, number: signal.Signals) -> None:
        self.processes[rank].send_signal(number)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for process in self.processes:
            process.kill()
            process.communicate()


def training(data: Path, out: Path, *overrides: str) -> list[str]:
    """The command that trains the micro recipe."""
    sets = [part for override in overrides for part in ("--set", override)]
    return ["-m", "bytegolf", "train", str(MICRO), "--data", str(data), "--out", str(out), *sets]


def losses(run: Path) -> list[float]:
    events = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return [event["loss"] for event in events if event["event"] == "step"]


# --- what a process of `python -m train.processes` does


def digest(tensors: Mapping[str, Tensor]) -> str:
    parts = hashlib.sha256()
    for name in sorted(tensors):
        parts.update(tensors[name].detach().float().numpy().tobytes())
    return parts.hexdigest()


def main(data: Path, out: Path, disturbed: int, *overrides: str) -> None:
    """Train the micro recipe, and print a hash of weights and averages after each step, and the shapes of Muon's state.

    Before step `disturbed` a weight of the last process is moved by a hair.
    """
    from bytegolf import flow
    from bytegolf.recipes import load_recipe
    from bytegolf.train.learner import Learner

    hashes: list[list[str]] = []
    shapes: list[list[int]] = []
    take = Learner.step

    def step(self: Learner, batch: object, number: int, scale: float) -> Tensor:
        if number == disturbed and self.group.rank == self.group.size - 1:
            self.model.banks.up.data[0, 0, 0] += 2e-7
        loss = take(self, batch, number, scale)  # type: ignore[arg-type]
        hashes.append([digest(self.weights), digest(self.averages.ema)])
        shapes[:] = [list(state["momentum"].shape) for state in self.optimizers.muon.state.values()]
        return loss

    Learner.step = step  # type: ignore[method-assign,assignment]
    torch.set_num_threads(1)
    flow.train(load_recipe(MICRO, overrides), data, out)
    print(json.dumps({"hashes": hashes, "momentum": shapes}))


if __name__ == "__main__":
    from bytegolf.cli import _together
    from bytegolf.errors import InputError

    try:
        with _together():
            main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:])
    except InputError as error:
        sys.exit(f"error: {error}")
