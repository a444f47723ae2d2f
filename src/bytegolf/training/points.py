"""The numbers of a run's log as points of series, which trackers show: `step/loss` over steps."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

FOR_PROGRAMS = ("clock",)  # events that no one watches


class Point(NamedTuple):
    """The numbers of one event, by the names of their series."""

    event: str
    step: int
    numbers: Mapping[str, float]


def point_of(event: str, values: Mapping[str, object]) -> Point:
    """Return the point that an event with a step makes; what is no number is left out."""
    numbers = {f"{event}/{key}": float(value) for key, value in values.items() if isinstance(value, int | float) and key != "step"}
    step = values["step"]
    assert isinstance(step, int)
    return Point(event, step, numbers)


def kept_points(log: Path, keep_bytes: int) -> list[Point]:
    """Return the points in the first `keep_bytes` bytes of a run's log: those of the steps that a resumed run has done."""
    if not keep_bytes:
        return []
    events = (json.loads(line) for line in log.read_bytes()[:keep_bytes].splitlines())
    return [point_of(values.pop("event"), values) for values in events if values["event"] not in FOR_PROGRAMS]
