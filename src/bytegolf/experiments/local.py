"""Run the cells of a sweep on this machine: as many at a time as it has room for, its cores or GPUs divided among them."""

import os
from collections.abc import Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Event

import torch

from bytegolf.errors import ParameterError
from bytegolf.experiments.work import CellOutcome, Work, outcome_of, threads_of
from bytegolf.runtime.device import has_mps
from bytegolf.runtime.workers import usable_cores

TICK_SECONDS = 1.0
VISIBLE = "CUDA_VISIBLE_DEVICES"


@dataclass(frozen=True)
class Room:
    """How many cells run at a time, on how many threads each, and the GPUs that they share out, if any."""

    jobs: int
    threads: int
    gpus: tuple[str, ...] = ()

    @classmethod
    def of(cls, cells: int, jobs: int = 0, threads: int = 0, device: str = "cpu") -> "Room":
        """Return the room of this machine for a number of cells that run on `device`.

        One at a time for each GPU, else as many as there are cores. The threads are shared out evenly. Either number may
        be given. Raises ParameterError for fewer than 0.
        """
        for name, number in (("jobs", jobs), ("threads", threads)):
            if number < 0:
                raise ParameterError(name, f"expected at least 1, or 0 to choose, found {number}")
        cores, gpus = usable_cores(), _gpus(device)
        room = len(gpus) or (1 if device in ("auto", "mps") and has_mps() else cores // (threads or 1))
        at_once = jobs or max(1, min(cells, room))
        return cls(at_once, threads or max(1, cores // at_once), gpus)

    def __str__(self) -> str:
        """Return in words how cells are run."""
        return f"{self.jobs} at a time on {self.threads} thread{'s' if self.threads > 1 else ''} each"

    def environments(self) -> list[dict[str, str]]:
        """Return the environment of each cell that runs at a time."""
        shared = {**os.environ, **threads_of(self.threads)}
        return [{**shared, **({VISIBLE: self.gpus[job % len(self.gpus)]} if self.gpus else {})} for job in range(self.jobs)]

    def run(self, works: Sequence[Work]) -> Generator[CellOutcome | None]:
        """Do all works and yield each outcome, or None every second.

        When the iterator is closed, what still runs is stopped, and can be continued.
        """
        stopped = Event()
        free: SimpleQueue[dict[str, str]] = SimpleQueue()
        for environment in self.environments():
            free.put(environment)

        def attempt(work: Work) -> CellOutcome:
            environment = free.get()
            try:
                return outcome_of(work, environment, stopped)
            finally:
                free.put(environment)

        with ThreadPoolExecutor(self.jobs) as pool:
            running = {pool.submit(attempt, work) for work in works}
            try:
                while running:
                    done, running = wait(running, TICK_SECONDS, FIRST_COMPLETED)
                    yield from (future.result() for future in done)
                    if not done:
                        yield None
            finally:
                stopped.set()
                for future in running:
                    future.cancel()


def _gpus(device: str) -> tuple[str, ...]:
    """Return the GPUs that cells are shared out among, as CUDA is told of them: none where a recipe names the CPU or a single one."""
    if device not in ("auto", "cuda"):
        return ()
    count = torch.cuda.device_count()
    visible = tuple(filter(None, os.environ.get(VISIBLE, "").split(",")))
    return visible[:count] if visible else tuple(map(str, range(count)))
