"""Who counts as lost, and who gets to say so. Ending a process is tried on real ones in tests/training/test_lost.py."""

from datetime import timedelta

import pytest
from torch.distributed import HashStore  # type: ignore[attr-defined]  # public, though torch does not say so to type checkers

from bytegolf.runtime import heartbeat as module
from bytegolf.runtime.heartbeat import Heartbeat


@pytest.fixture
def three() -> list[Heartbeat]:
    store = HashStore()
    store.set_timeout(timedelta(seconds=1))
    return [Heartbeat(store, rank, 3) for rank in range(3)]


def beat(hearts: list[Heartbeat], times: int) -> list[int | None]:
    """What each of `hearts` hears in the last of `times` rounds."""
    heard: list[int | None] = []
    for _ in range(times):
        heard = [heart._listen() for heart in hearts]
    return heard


def test_who_beats_is_not_lost_and_who_stops_is(three: list[Heartbeat]) -> None:
    assert beat(three, 200) == [None] * 3
    assert beat(three[:2], module.PATIENCE - 1) == [None] * 2
    assert beat(three[:2], 2) == [2, 2]


def test_silence_is_counted_in_own_beats(three: list[Heartbeat]) -> None:
    """Whoever slept itself has nobody to suspect."""
    beat(three, 3)
    beat(three[1:], 10 * module.PATIENCE)
    assert beat(three, module.PATIENCE - 1) == [None] * 3


def test_once_a_collective_failed_silence_means_more(three: list[Heartbeat], monkeypatch: pytest.MonkeyPatch) -> None:
    beat(three, 3)
    monkeypatch.setattr(module, "BEAT_SECONDS", 0.0)
    assert three[0].failure_claimed() is False
    assert beat(three[:2], module.SUSPICION) == [None, None]
    assert beat(three[:2], 1) == [2, None], "to the one whose collective failed"


def test_who_was_never_heard_of_may_still_be_starting(three: list[Heartbeat]) -> None:
    assert beat(three[:2], 2 * module.PATIENCE) == [None] * 2
    assert beat(three[:2], module.START_PATIENCE) == [2, 2]


def test_the_first_reason_is_the_reason(three: list[Heartbeat]) -> None:
    assert three[1].claim_failure("a shard is missing") is True
    assert three[0].claim_failure("a shard is missing") is False
    assert three[1].claim_failure("a shard is missing") is True
    assert three[2].failure_claimed() is True
