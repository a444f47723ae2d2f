"""Axes hold all values, and their ticks are few, round and different."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bytegolf.reporting.axis import Axis, axis_of

NUMBERS = st.lists(st.floats(1e-6, 1e9), min_size=1, max_size=5)


@given(NUMBERS, st.sampled_from([None, False, True]), st.booleans())
def test_every_value_has_its_place(values: list[float], log: bool | None, zero: bool) -> None:
    axis = axis_of(values, log=log, zero=zero)
    places = [axis.place(value) for value in sorted(values)]
    assert places == sorted(places) and places[0] >= 0 and places[-1] <= 1
    assert axis.low <= min(values) and max(values) <= axis.high


@given(NUMBERS, st.booleans(), st.integers(3, 8))
def test_ticks_are_few_and_on_the_axis_and_told_apart(values: list[float], log: bool, most: int) -> None:
    axis = axis_of(values, log=log)
    assume(axis.high / axis.low < 1e9 and axis.high - axis.low > 1e-6 * axis.high)
    ticks = axis.ticks(most)
    assert 1 <= len(ticks) <= most + 1 and ticks == sorted(set(ticks))
    slack = 1e-6 * (axis.high - axis.low)
    assert axis.low - slack <= ticks[0] and ticks[-1] <= axis.high + slack


def test_a_plain_axis() -> None:
    axis = Axis(0.0, 10.0)
    assert axis.place(2.5) == 0.25 and axis.place(-1) == 0 and axis.place(11) == 1
    assert axis.ticks(5) == [0, 2, 4, 6, 8, 10] and [axis.label(tick) for tick in axis.ticks(5)] == ["0", "2", "4", "6", "8", "10"]
    assert Axis(-0.03, 0.0).label(-0.02) == "−0.020" and Axis(0.0, 900_000.0).label(800_000) == "800 k"


def test_an_axis_of_ratios() -> None:
    axis = Axis(1.0, 100.0, log=True)
    assert axis.place(10) == pytest.approx(0.5) and axis.ticks(3) == [1, 10, 100] and axis.label(0.01) == "0.01"


def test_values_that_span_a_wide_ratio_have_an_axis_of_ratios() -> None:
    assert axis_of([1.0, 5.0]).log and not axis_of([1.0, 3.0]).log and not axis_of([0.0, 5.0]).log


def test_one_value_or_none_still_make_an_axis() -> None:
    for values in ([], [3.0], [0.0], [math.nan]):
        axis = axis_of(values)
        assert axis.low < axis.high and axis.ticks()


def test_an_axis_from_zero() -> None:
    assert axis_of([2.0, 4.0], zero=True, log=False).low == 0
