"""The run's log: an object per event in log.jsonl, a line per event for people in train.log."""

import json
from pathlib import Path
from types import TracebackType
from typing import Self


class EventLog:
    """Appends events and flushes each. `position` says where a resumed run has to cut the log back to."""

    def __init__(self, events: Path, lines: Path, keep_bytes: int = 0) -> None:
        self._events = events.open("a+b")
        self._events.truncate(min(keep_bytes, self.position))
        self._lines = lines.open("a", encoding="utf-8")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._events.close()
        self._lines.close()

    @property
    def position(self) -> int:
        """Bytes written so far."""
        return self._events.seek(0, 2)

    def write(self, event: str, **values: object) -> None:
        self._events.write(json.dumps({"event": event, **values}).encode() + b"\n")
        self._events.flush()
        shown = "  ".join(f"{key} {value:.5g}" if isinstance(value, float) else f"{key} {value}" for key, value in values.items())
        print(f"{event:<10}{shown}", file=self._lines, flush=True)
