"""Progress of long work on stderr: a bar with rate and time left on a terminal, plain lines elsewhere."""

import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

PLAIN_INTERVAL_SECONDS = 10.0


def say(message: str) -> None:
    """One line to the user."""
    print(message, file=sys.stderr, flush=True)


class Progress:
    """`with Progress("train", total=200, unit="steps") as progress: progress.advance(note="loss 2.1")`."""

    def __init__(self, task: str, total: float, unit: str) -> None:
        self.task, self.total, self.unit = task, total, unit
        self.done, self.note = 0.0, ""
        self.began = self.spoke = time.monotonic()
        self.bar = _bar(unit) if sys.stderr.isatty() else None

    def __enter__(self) -> Self:
        if self.bar is not None:
            self.bar.start()
            self.bar.add_task(self.task, total=self.total, note="", rate="")
        else:
            say(f"{self.task}: {self.total:,.0f} {self.unit}")
        return self

    def advance(self, amount: float = 1, note: str = "") -> None:
        self.done += amount
        self.note = note or self.note
        now = time.monotonic()
        rate = self.done / max(now - self.began, 1e-9)
        if self.bar is not None:
            self.bar.update(self.bar.task_ids[0], completed=self.done, note=self.note, rate=f"{rate:,.1f} {self.unit}/s")
        elif now - self.spoke >= PLAIN_INTERVAL_SECONDS:
            self.spoke = now
            left = max(self.total - self.done, 0) / max(rate, 1e-9)
            say(f"{self.task}: {self.done:,.0f}/{self.total:,.0f} {self.unit}, {rate:,.1f}/s, {left:,.0f} s left  {self.note}")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.bar is not None:
            self.bar.stop()
        elif kind is None:
            say(f"{self.task}: done in {time.monotonic() - self.began:,.1f} s  {self.note}")


def _bar(unit: str) -> Bar:
    count = MofNCompleteColumn() if unit != "s" else TextColumn("{task.completed:.0f}/{task.total:.0f} s")
    return Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        count,
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
        console=Console(stderr=True),
    )
