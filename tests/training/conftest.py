"""A stream to train on, a clock that tests move, and events at which something happens."""

import itertools
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from bytegolf.text.shards import TokenStream
from bytegolf.training import schedule
from bytegolf.training.log import EventLog
from support.runs import Stopwatch, write_stream


@pytest.fixture(scope="session")
def stream(tmp_path_factory: pytest.TempPathFactory) -> TokenStream:
    return write_stream(tmp_path_factory.mktemp("stream"))


@pytest.fixture
def stopwatch(monkeypatch: pytest.MonkeyPatch) -> Stopwatch:
    """In the place of the run's clock: a step takes one second."""
    watch = Stopwatch()
    monkeypatch.setattr(schedule, "time", SimpleNamespace(perf_counter=watch.perf_counter))
    return watch


@pytest.fixture
def at_event(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, Callable[[], None]], None]:
    """Calls a function once, right after the n-th event of the log was written."""

    def arrange(number: int, action: Callable[[], None]) -> None:
        write, count = EventLog.write, itertools.count(1)

        def watched(self: EventLog, event: str, **values: object) -> None:
            write(self, event, **values)
            if next(count) == number:
                action()

        monkeypatch.setattr(EventLog, "write", watched)

    return arrange
