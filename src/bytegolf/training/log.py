"""The run's log: an object per event in log.jsonl, a line per event for people in train.log."""

import json
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from bytegolf.storage.files import errors_name
from bytegolf.training.points import point_of
from bytegolf.training.trackers import Track


class EventLog:
    """The two log files of a run, open for appending; each event is flushed.

    `position` says where a resumed run has to cut the files back to; `track` receives the numbers of what people may read.
    """

    def __init__(self, events: Path, lines: Path, keep_bytes: tuple[int, int] = (0, 0), track: Track | None = None) -> None:
        self._track = track
        self._files = ExitStack()
        self._events = self._files.enter_context(LogFile(events, keep_bytes[0]))
        self._lines = self._files.enter_context(LogFile(lines, keep_bytes[1]))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._files.close()

    @property
    def position(self) -> tuple[int, int]:
        """Return the bytes written so far to log.jsonl and to train.log."""
        return self._events.size, self._lines.size

    def record(self, event: str, **values: object) -> None:
        """Log an event for programs alone."""
        self._events.append(json.dumps({"event": event, **values}))

    def write(self, event: str, **values: object) -> None:
        """Log an event for programs and for people."""
        self.record(event, **values)
        shown = "  ".join(f"{key} {value:.5g}" if isinstance(value, float) else f"{key} {value}" for key, value in values.items())
        self._lines.append(f"{event:<10}{shown}")
        if self._track is not None:
            self._track(point_of(event, values))


class NoLog(EventLog):
    """The log of a process that leaves writing to another."""

    def __init__(self) -> None:
        self._files = ExitStack()

    @property
    def position(self) -> tuple[int, int]:
        """Return 0 for both files."""
        return 0, 0

    def record(self, event: str, **values: object) -> None:
        """Log nothing."""

    def write(self, event: str, **values: object) -> None:
        """Log nothing."""


class LogFile:
    """A file that grows line by line, cut back to its first `keep_bytes` bytes when it is opened. Every OSError names it."""

    def __init__(self, path: Path, keep_bytes: int) -> None:
        self.path = path
        self.file = path.open("a+b")
        self.file.truncate(min(keep_bytes, self.size))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with errors_name(self.path):
            self.file.close()

    @property
    def size(self) -> int:
        """Return the bytes written so far."""
        return self.file.seek(0, 2)

    def append(self, line: str) -> None:
        """Write a line and flush it."""
        with errors_name(self.path):
            self.file.write(line.encode() + b"\n")
            self.file.flush()
