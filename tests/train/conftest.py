"""A stream to train on, and a clock that tests move."""

from types import SimpleNamespace

import pytest

from bytegolf.text.shards import TokenStream
from bytegolf.train import schedule

from .cases import Stopwatch, write_stream


@pytest.fixture(scope="session")
def stream(tmp_path_factory: pytest.TempPathFactory) -> TokenStream:
    return write_stream(tmp_path_factory.mktemp("stream"))


@pytest.fixture
def stopwatch(monkeypatch: pytest.MonkeyPatch) -> Stopwatch:
    """In the place of the run's clock: a step takes one second."""
    watch = Stopwatch()
    monkeypatch.setattr(schedule, "time", SimpleNamespace(perf_counter=watch.perf_counter))
    return watch
