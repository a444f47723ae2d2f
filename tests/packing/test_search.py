"""The largest that fits is found with few trials, whatever the sizes do."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bytegolf.packing.search import BudgetTooSmallError, largest_fitting

Size = Callable[[float], int]

LOWEST, HIGHEST = 1.0, 12.0  # bits, beyond which sizes do not change
LOWEST_LEVEL, HIGHEST_LEVEL = -0.5, 12.5


def found_level(size: Size, limit: int) -> float:
    """The level itself is what is built."""
    return largest_fitting(lambda level: level, size, limit, LOWEST_LEVEL, HIGHEST_LEVEL)


def share(level: float) -> float:
    """How far the level is from the lowest to the highest bits; beyond them nothing changes."""
    return min(max((level - LOWEST) / (HIGHEST - LOWEST), 0.0), 1.0)


def tolerance(limit: int) -> int:
    """What `pack` may leave unused."""
    return max(64, limit // 10_000)


@st.composite
def smooth_sizes(draw: st.DrawFn) -> tuple[Size, int]:
    """A size that grows with the level, straight or bent either way, and a limit that some levels meet and others do not."""
    smallest, bend = draw(st.integers(1_000, 3_000_000)), draw(st.floats(-0.8, 0.8))
    growth = draw(st.integers(smallest // 4, 12 * smallest))

    def size(level: float) -> int:
        x = share(level)
        return smallest + math.floor(growth * (x + bend * x * (1 - x)))

    return size, smallest + draw(st.integers(growth // 100, growth - 1))


@st.composite
def any_sizes(draw: st.DrawFn) -> tuple[Size, int]:
    """Sizes of real files: they grow with the level, but in jumps, and may fall by some bytes on the way."""
    smallest, growth = draw(st.integers(100, 100_000)), draw(st.integers(0, 1_000_000))
    noise, jumps, seed = draw(st.sampled_from([0, 0, 3, 3000])), draw(st.sampled_from([0, 10, 1000])), draw(st.integers(0, 1000))

    def size(level: float) -> int:
        x = share(level)
        wobble = noise * math.sin(1e6 * level + seed) if 0 < x < 1 else 0.0
        return max(1, round(smallest + growth * (math.floor(jumps * x) / jumps if jumps else x) + wobble))

    return size, smallest + draw(st.integers(-50, growth + 50))


@given(case=smooth_sizes())
@settings(max_examples=300, deadline=None)
def test_the_limit_is_met_closely(case: tuple[Size, int]) -> None:
    size, limit = case
    level = found_level(size, limit)
    assert limit - tolerance(limit) <= size(level) <= limit


@given(case=any_sizes())
@settings(max_examples=300, deadline=None)
def test_the_limit_is_never_passed(case: tuple[Size, int]) -> None:
    size, limit = case
    tried = []

    def counted(level: float) -> int:
        tried.append(level)
        return size(level)

    try:
        level = found_level(counted, limit)
    except BudgetTooSmallError as error:
        assert error.smallest == size(LOWEST) > limit
    else:
        assert size(level) <= limit
    assert len(tried) <= 52 and len(set(tried)) == len(tried)  # each trial packs a whole model


@given(case=any_sizes())
@settings(max_examples=100, deadline=None)
def test_jumps_are_found_from_below(case: tuple[Size, int]) -> None:
    """Where sizes never fall, no other level fits better by more than the tolerance."""
    size, limit = case
    sizes = [size(LOWEST + (HIGHEST - LOWEST) * i / 2000) for i in range(2001)]
    if sorted(sizes) == sizes and sizes[0] <= limit:
        best = max(found for found in sizes if found <= limit)
        assert size(found_level(size, limit)) >= best - tolerance(limit)


def test_a_straight_line_takes_few_trials() -> None:
    tried = []

    def size(level: float) -> int:
        tried.append(level)
        return round(1e6 * level)

    assert found_level(size, 5_000_000) == pytest.approx(5.0, abs=1e-3)
    assert len(tried) <= 5


def test_a_cliff_is_found() -> None:
    """Interpolating alone would creep towards it."""
    assert found_level(lambda level: 10**9 if level > 10.5 else 1000, 2000) == pytest.approx(10.5, abs=0.01)
    assert found_level(lambda level: 10**6 + 1 if level > 1.5 else 1000, 10**6) == pytest.approx(1.5, abs=0.01)


@pytest.mark.parametrize(("size", "limit"), [(0, 1000), (900, 1000), (1000, 1000), (1000, 10**9)])
def test_everything_fits(size: int, limit: int) -> None:
    """The highest, but where some level fills the limit already."""
    level = found_level(lambda _: size, limit)
    assert level == HIGHEST_LEVEL or limit - size <= tolerance(limit)


def test_the_smallest_size_is_told() -> None:
    def size(level: float) -> int:
        return round(1000 + 9000 * share(level))

    with pytest.raises(BudgetTooSmallError, match="1,000 bytes") as raised:
        found_level(size, 999)
    assert raised.value.smallest == 1000
    assert size(found_level(size, 1000)) == 1000


def test_what_was_built_is_returned_and_built_once() -> None:
    built = []

    def build(level: float) -> list[float]:
        built.append([level])
        return built[-1]

    best = largest_fitting(build, lambda made: round(1e5 * made[0]), 700_000, LOWEST_LEVEL, HIGHEST_LEVEL)
    assert any(best is made for made in built)
    assert best[0] == max(made[0] for made in built if round(1e5 * made[0]) <= 700_000)


def test_sizes_that_fall_on_the_way() -> None:
    """The largest that fits is kept, though a higher level came to less."""
    sizes: dict[float, int] = {}

    def size(level: float) -> int:
        sizes[level] = 9_000 if level <= 4.0 else 8_000 if level < 7.0 else 100_000
        return sizes[level]

    assert size(found_level(size, 10_000)) == max(found for found in sizes.values() if found <= 10_000) == 9_000
