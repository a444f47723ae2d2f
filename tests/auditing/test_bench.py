"""What the checks share: texts, places, comparisons with evidence, and limits on what is tried."""

import numpy as np
import pytest

from bytegolf.auditing.adapter import PredictorUnderTest
from bytegolf.auditing.bench import AuditOptions, Bench, Comparison, NotPossible, evenly_spaced, learnable_text, other_tokens
from support.cheats.counting import V
from support.cheats.honest import ScoreFirst, Uniform

BENCH = Bench.set_up(PredictorUnderTest(ScoreFirst), AuditOptions(tokens=40, num_places=4, max_scorings=10))


def test_arrays_that_agree() -> None:
    same, near, never = np.array([1.0, 2.0]), np.array([1.0, 2.0005]), np.array([1.0, np.inf])
    verdict = BENCH.compare([Comparison("twice", same, near), Comparison("never scored", never, never)])
    assert verdict.passed and verdict.evidence == "4 values in 2 trials agree within 0.001 bits"


def test_arrays_that_do_not_agree() -> None:
    one, other = np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.5, np.nan])
    verdict = BENCH.compare([Comparison("cut", one, other)])
    assert verdict == (False, "cut: 2 of 3 values differ, the first 2.0000 and 2.5000 bits", 1)
    assert BENCH.compare([Comparison("cut", one, other, position=7)]).position == 7


def test_the_text_has_something_to_learn_and_comes_again() -> None:
    text, again = (learnable_text(V, 2000, np.random.default_rng(1)) for _ in range(2))
    np.testing.assert_array_equal(text, again)
    assert PredictorUnderTest(ScoreFirst).bits(text).mean() < 0.8 * PredictorUnderTest(Uniform).bits(text).mean()


def test_other_tokens_are_all_different() -> None:
    tokens = np.arange(V).repeat(20)
    others = other_tokens(tokens, V, np.random.default_rng(0))
    assert (others != tokens).all() and set(others.tolist()) == set(range(V))


def test_places_are_spread_over_the_text() -> None:
    assert BENCH.places == [1, 13, 25, 37] and BENCH.targets == 39
    assert evenly_spaced(1, 3, 8) == [1, 2] and evenly_spaced(3, 3, 8) == []


def test_what_a_check_needs_is_asked_for() -> None:
    BENCH.require("distributions", "events")
    BENCH.require_scorings(10)
    BENCH.require_free_length()
    with pytest.raises(NotPossible, match="offers no degenerate"):
        BENCH.require("events", "degenerate")
    with pytest.raises(NotPossible, match="it would take 11 scorings"):
        BENCH.require_scorings(11)
