"""Real processes that run one command together, as torchrun would start them, but forked from one that has imported everything."""

import itertools
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
import torch._dynamo  # which optimisers load when first used
from torch import Tensor
from torch._C._distributed_c10d import TCPStore

from bytegolf.cli import app as cli
from bytegolf.runtime import heartbeat
from bytegolf.runtime.parallel import Group, Transfer
from bytegolf.training import muon, schedule
from bytegolf.training.adamw import FlatAdamW
from bytegolf.training.learner import Learner
from support.runs import MICRO

NAP = 0.05  # seconds
Hook = Callable[[int, Path], None]  # called in each process, with its rank and the crowd's folder, before the command


@dataclass
class Crowd:
    """Processes that run; `folder` holds what each wrote to stderr, in RANK.err."""

    processes: list[ForkServerProcess]
    folder: Path
    store: TCPStore  # which torchrun keeps for them, in a process of its own

    def wait(self, seconds: float = 120, ranks: Sequence[int] | None = None) -> list[int | None]:
        """Exit status of each of `ranks` (all); None of one that does not end in time. Nothing is left running.

        Seconds are counted in naps, so that time in which this process was stopped itself does not count.
        """
        awaited = self.processes if ranks is None else [self.processes[rank] for rank in ranks]
        naps = 0
        while naps * NAP < seconds and any(process.exitcode is None for process in awaited):
            time.sleep(NAP)
            naps += 1
        status = [process.exitcode for process in awaited]
        for process in self.processes:
            process.kill()
            process.join()
        return status

    def said(self, rank: int) -> list[str]:
        return (self.folder / f"{rank}.err").read_text().splitlines()

    def errors(self) -> list[str]:
        return [line for rank in range(len(self.processes)) for line in self.said(rank) if line.startswith("error:")]


def start(folder: Path, commands: Sequence[Sequence[object]], hooks: Sequence[Hook] = ()) -> Crowd:
    """A process for each of `commands`, which run `bytegolf COMMAND` as one, or the hooks alone where it is empty."""
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["PYTHONPATH"] = os.pathsep.join(sys.path)  # for the process that they are forked from
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    members = [
        context.Process(target=_member, args=(rank, len(commands), store.port, folder, [str(word) for word in command], hooks))
        for rank, command in enumerate(commands)
    ]
    for member in members:
        member.start()
    return Crowd(members, folder, store)


def train_command(data: Path, run: Path, *overrides: str) -> list[object]:
    return ["train", MICRO, "--data", data, "--out", run, "--resume", "--json", *(word for text in overrides for word in ("--set", text))]


def finish(folder: Path, size: int, data: Path, run: Path, *overrides: str, hooks: Sequence[Hook] = ()) -> Crowd:
    """Train the micro recipe to its end, or on from a checkpoint, on `size` processes."""
    crowd = start(folder, [train_command(data, run, *overrides)] * size, hooks)
    assert crowd.wait() == [0] * size, crowd.errors()
    return crowd


def _member(rank: int, size: int, port: int, folder: Path, arguments: list[str], hooks: Sequence[Hook]) -> None:
    names = {"RANK": rank, "WORLD_SIZE": size, "LOCAL_RANK": rank, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    os.environ.update({name: str(value) for name, value in names.items()}, TORCHELASTIC_USE_AGENT_STORE="True")
    with (folder / f"{rank}.err").open("w") as errors:
        os.dup2(errors.fileno(), 2)
    with (folder / f"{rank}.out").open("w") as output:
        os.dup2(output.fileno(), 1)
    torch.set_num_threads(1)
    for hook in hooks:
        hook(rank, folder)
    if arguments:
        sys.argv = ["bytegolf", *arguments]
        cli.main()


# --- hooks


def in_step(action: Callable[[Learner], None], number: int) -> None:
    """Do something right after step `number`, counted from 1."""
    step, count = Learner.step, itertools.count(1)

    def watched(self: Learner, *arguments: Any) -> Tensor:
        loss = step(self, *arguments)
        if next(count) == number:
            action(self)
        return loss

    Learner.step = watched  # type: ignore[method-assign, assignment]


@dataclass(frozen=True)
class Signal:
    """One process signals itself after a step."""

    rank: int
    number: signal.Signals
    step: int = 7

    def __call__(self, rank: int, folder: Path) -> None:
        if rank == self.rank:
            in_step(lambda _: os.kill(os.getpid(), self.number), self.step)


@dataclass(frozen=True)
class Dawdle:
    """One process takes longer over a step than another may be silent."""

    rank: int
    seconds: float

    def __call__(self, rank: int, folder: Path) -> None:
        if rank == self.rank:
            in_step(lambda _: time.sleep(self.seconds), 3)


@dataclass(frozen=True)
class Slow:
    """One process's clock gains on the others'."""

    rank: int

    def __call__(self, rank: int, folder: Path) -> None:
        if rank == self.rank:
            schedule.time = SimpleNamespace(perf_counter=lambda: 1.3 * time.perf_counter())  # type: ignore[assignment, attr-defined]


def flip_a_bit(rank: int, folder: Path) -> None:
    """The last bit of one average, on process 1, after the fourth step."""

    def flip(learner: Learner) -> None:
        learner.averages.ema["tokens"].view(torch.int32)[5, 7] ^= 1

    if rank == 1:
        in_step(flip, 4)


def impatient(rank: int, folder: Path) -> None:
    heartbeat.PATIENCE = 8


def hashing(rank: int, folder: Path) -> None:
    """Write a hash of weights and averages after every step, a line each, to RANK.hashes."""
    step = Learner.step

    def hashed(self: Learner, *arguments: Any) -> Tensor:
        loss = step(self, *arguments)
        digest = sha256()
        for tensors in (self.weights, self.averages.ema, self.averages.swa):
            for name in sorted(tensors):
                digest.update(tensors[name].numpy().tobytes())
        with (folder / f"{rank}.hashes").open("a") as file:
            file.write(digest.hexdigest() + "\n")
        return loss

    Learner.step = hashed  # type: ignore[method-assign, assignment]


class WatchedTransfer(Transfer):
    """A transfer under way that notes when it is first waited for."""

    def __init__(self, transfer: Transfer, label: str, note: Callable[[str], None]) -> None:
        self.transfer, self.label, self.note = transfer, label, note
        self.waited = False

    def wait(self) -> Tensor:
        if not self.waited:
            self.waited = True
            self.note(f"wait {self.label}")
        return self.transfer.wait()


@dataclass
class Recorder:
    """Writes what passes between processes to a file, as it happens."""

    file: Path
    lines: list[str] = field(default_factory=list)

    def note(self, line: str) -> None:
        self.lines.append(line)
        self.file.write_text(json.dumps(self.lines))

    def watched(
        self, name: str, begin: Callable[..., Transfer], shape: Callable[[Group, Tensor], Sequence[int]]
    ) -> Callable[..., Transfer]:
        """Return `begin`, noting each transfer by `name` and the `shape` of its result."""

        def call(group: Group, tensor: Tensor, *arguments: Any) -> Transfer:
            if tensor.dtype == torch.float64:  # what is agreed on between steps, and the norm
                return begin(group, tensor, *arguments)
            label = f"{name} {tuple(shape(group, tensor))}"
            self.note(f"start {label}")
            return WatchedTransfer(begin(group, tensor, *arguments), label, self.note)

        return call

    def noted(self, function: Callable[..., Any], line: Callable[..., str]) -> Callable[..., Any]:
        """Return `function`, noting each call."""

        def call(*arguments: Any, **options: Any) -> Any:
            self.note(line(*arguments))
            return function(*arguments, **options)

        return call


def recording(rank: int, folder: Path) -> None:
    """Write what passes between processes, and when, to RANK.transfers: starts, waits and orthogonalisations of all steps."""
    recorder = Recorder(folder / f"{rank}.transfers")
    muon.orthogonalise = recorder.noted(muon.orthogonalise, lambda gradient, *_: f"orthogonalise {tuple(gradient.shape)}")
    FlatAdamW.step = recorder.noted(FlatAdamW.step, lambda *_: "adam")  # type: ignore[method-assign]
    patches = {
        "begin_sum": recorder.watched("sum", Group.begin_sum, lambda group, tensor: tensor.shape),
        "begin_sum_part": recorder.watched(
            "scatter", Group.begin_sum_part, lambda group, tensor: (-(-len(tensor) // group.size), *tensor.shape[1:])
        ),
        "begin_join": recorder.watched("gather", Group.begin_join, lambda group, part: (len(part) * group.size, *part.shape[1:])),
    }
    for name, method in patches.items():
        setattr(Group, name, method)
