"""Show progress of long work on stderr: a bar with rate and time left on a terminal, plain lines elsewhere."""

import os
import sys
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

PLAIN_INTERVAL_SECONDS = 10.0


def is_main_process() -> bool:
    """Return whether this process talks to the user. Of several that work as one (see `parallel`), only the first does."""
    return os.environ.get("WORLD_SIZE", "1") == "1" or os.environ.get("RANK", "0") == "0"


def say(message: str) -> None:
    """Print one line to the user."""
    if is_main_process():
        with suppress(OSError):  # work goes on where nobody reads of it
            print(message, file=sys.stderr, flush=True)


class Advancing(Protocol):
    """Anything that is told how far work has come."""

    def advance(self, amount: int, /) -> None:
        """Take note that so much more is done."""


class Progress:
    """A progress display: `with Progress("train", total=200, unit="steps") as progress: progress.advance(note="loss 2.1")`.

    `total` is None if it is unknown; `done` is what an earlier attempt already did. Only the main thread has a bar: work beside it
    prints lines, which a terminal shows above the bar.
    """

    def __init__(self, task: str, total: float | None, unit: str, done: float = 0.0) -> None:
        """Prepare the display and start its clock."""
        self.task, self.total, self.unit = task, total, unit
        self.done = self.first = done
        self.note = ""
        self.began = self.spoke = time.monotonic()
        in_front = is_main_process() and threading.current_thread() is threading.main_thread()
        self.bar = _bar() if in_front and sys.stderr.isatty() else None

    def __enter__(self) -> Self:
        """Show the task, and return the display."""
        if self.bar is not None:
            self.bar.start()
            task = self.bar.add_task(self.task, total=self.total, rate="", note="")
            self.bar.update(task, completed=self.done)
        else:
            say(f"{self.task}: begins" if self.total is None else f"{self.task}: {self._share()}")
        return self

    def advance(self, amount: float = 1, note: str = "") -> None:
        """Add `amount` to what is done. `note` is shown beside the bar until the next note."""
        self.done += amount
        self.note = note or self.note
        now = time.monotonic()
        rate = (self.done - self.first) / max(now - self.began, 1e-9)
        pace = "" if self.unit == "s" else f"{rate:,.1f} {self.unit}/s"
        if self.bar is not None:
            self.bar.update(self.bar.task_ids[0], completed=self.done, rate=pace, note=self.note)
        elif now - self.spoke >= PLAIN_INTERVAL_SECONDS:
            self.spoke = now
            left = "" if self.total is None or rate <= 0 else f"{max(self.total - self.done, 0) / rate:,.0f} s left"
            say(f"{self.task}: {', '.join(part for part in (self._share(), pace, left, self.note) if part)}")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close the bar or, without an error, print the final line."""
        if self.bar is not None:
            self.bar.stop()
        elif kind is None:
            say(f"{self.task}: {', '.join(part for part in (f'done in {time.monotonic() - self.began:,.1f} s', self.note) if part)}")

    def _share(self) -> str:
        return f"{self.done:,.0f} {self.unit}" if self.total is None else f"{self.done:,.0f}/{self.total:,.0f} {self.unit}"


def _bar() -> "Bar":
    from rich.console import Console  # what is not shown on a terminal does without
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    return Bar(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(elapsed_when_finished=True),
        TextColumn("{task.fields[note]}"),
        console=Console(stderr=True),
    )
