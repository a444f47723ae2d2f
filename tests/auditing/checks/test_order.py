"""Learning before scoring is found, from the order of events and by leaving an update out."""

import pytest

from bytegolf.auditing.adapter import Event, PredictorUnderTest, TokenIds
from bytegolf.auditing.bench import AuditOptions, Bench, NotPossible
from bytegolf.auditing.checks import order
from support.cheats.counting import CHUNK
from support.cheats.honest import ScoreFirst, Uniform
from support.cheats.order import ScoreAfterUpdate


def bench(factory: type) -> Bench:
    return Bench.set_up(PredictorUnderTest(factory), AuditOptions(tokens=60))


def happening(*events: Event) -> type:
    class Happening(Uniform):
        def events(self, tokens: TokenIds) -> list[Event]:
            return list(events)

    return Happening


def test_what_is_honest_passes() -> None:
    assert order.left_out_update(bench(ScoreFirst)).passed and order.order_of_events(bench(ScoreFirst)).passed


def test_an_update_that_shows_in_what_it_learned_from() -> None:
    verdict = order.left_out_update(bench(ScoreAfterUpdate))
    assert not verdict.passed and verdict.position is not None and verdict.position < CHUNK
    assert verdict.evidence.startswith("update 0, which learned from targets up to 23, left out")


def test_updates_before_their_scores() -> None:
    assert order.order_of_events(bench(happening(("score", 0, 59), ("update", 0, 59)))).passed
    early = order.order_of_events(bench(happening(("score", 0, 10), ("update", 0, 12), ("score", 10, 59))))
    assert early == (False, "an update learns from targets up to 11 when 10 are scored", 10)


def test_predictors_without_events_are_left_out() -> None:
    for check in (order.order_of_events, order.left_out_update):
        with pytest.raises(NotPossible, match="offers no events"):
            check(bench(Uniform))
