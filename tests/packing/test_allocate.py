"""One number sets the bits of all classes, but for those that the recipe names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytegolf.config import PackConfig
from bytegolf.packing.allocate import GRIDS, TRELLISES, Allocation

LOWEST, HIGHEST = GRIDS.lowest, GRIDS.highest


def test_bits_of_the_recipe_stand() -> None:
    allocation = Allocation({"mlp": 0.0, "attention": 0.25, "embedding": 1.5, "table": -0.5, "projection": 0.0}, LOWEST, HIGHEST)
    bits = allocation.bits(PackConfig(mlp_bits=5.0, table_bits=0.25), 7.0)
    assert bits == {"mlp": 5.0, "attention": 7.25, "embedding": 8.5, "table": 0.25, "projection": 0.25}
    bits = allocation.bits(PackConfig(attention_bits=12.0, embedding_bits=6.5), 2.0)
    assert bits == {"mlp": 2.0, "attention": 12.0, "embedding": 6.5, "table": 1.5, "projection": 2.0}


@pytest.mark.parametrize("allocation", [GRIDS, TRELLISES])
def test_bits_end_at_both_ends(allocation: Allocation) -> None:
    for level, end in ((allocation.lowest_level, allocation.lowest), (allocation.highest_level, allocation.highest)):
        assert set(allocation.bits(PackConfig(), level).values()) == {end}
        assert set(allocation.bits(PackConfig(), level + (level - 4)).values()) == {end}


@given(low=st.floats(0, 13), high=st.floats(0, 13))
def test_bits_rise_with_the_level_and_stay_in_bounds(low: float, high: float) -> None:
    low, high = sorted((low, high))
    below, above = GRIDS.bits(PackConfig(), low), GRIDS.bits(PackConfig(), high)
    assert all(LOWEST <= below[kind] <= above[kind] <= HIGHEST for kind in below)
