"""The search through the trellis finds the best way there is, and is worth what theory says."""

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bytegolf.artifact.trellis_states import NEXT, shifts
from bytegolf.packing.lattice import TRELLIS_ERROR
from bytegolf.packing.viterbi import ARRIVALS, ColumnBlock, best_levels, round_block


def found_levels(targets: NDArray[np.float64]) -> NDArray[np.int32]:
    levels = np.empty(len(targets), np.int32)
    best_levels(targets, ARRIVALS, levels)
    return levels


def least_distance(targets: list[float]) -> float:
    """Of all ways there are, one after the other. Given the parities, each integer is the nearest of its parity on its state's grid."""
    best = math.inf
    for parities in product(range(2), repeat=len(targets)):
        state, total = 0, 0.0
        for target, parity in zip(targets, parities, strict=True):
            subset = 2 * parity + (state & 1)
            total += (target - subset - 4 * round((target - subset) / 4)) ** 2
            state = int(NEXT[state, parity])
        best = min(best, total)
    return best


@given(targets=st.lists(st.floats(-20, 20), min_size=1, max_size=9))
@settings(max_examples=150, deadline=None)
def test_the_best_of_all_ways(targets: list[float]) -> None:
    found = found_levels(np.array(targets))
    assert float(((found - np.array(targets)) ** 2).sum()) == pytest.approx(least_distance(targets), abs=1e-9)


@given(targets=st.lists(st.floats(-1e5, 1e5), min_size=1, max_size=60))
@settings(max_examples=100, deadline=None)
def test_the_decoder_comes_the_same_way(targets: list[float]) -> None:
    """Whether a level is odd is what the integers before it say."""
    levels = found_levels(np.array(targets))
    assert (shifts((levels >> 1)[None, :, None])[0, :, 0] == levels & 1).all()


def conditional_entropy(integers: NDArray[np.int32], shifted: NDArray[np.integer]) -> float:
    total = 0.0
    for shift in range(2):
        counts = np.unique(integers[shifted == shift], return_counts=True)[1]
        total -= float((counts * np.log2(counts / counts.sum())).sum())
    return total / len(integers)


@pytest.mark.parametrize("spacing", [0.25, 0.5, 1.0])
def test_it_is_worth_a_sixth_of_a_bit(spacing: float) -> None:
    """Against Shannon's bound for normal weights, of bits given the shift, with the aim that the rate term sets: 0.076 bit, where
    rounding to the nearest is 0.25 above."""
    weights = np.random.default_rng(0).standard_normal(200_000)
    levels = found_levels(2 * weights / (spacing * (1 + TRELLIS_ERROR * spacing**2)))
    error = float(np.square(weights - levels * spacing / 2).mean())
    bits = conditional_entropy(levels >> 1, levels & 1)
    assert bits - 0.5 * math.log2(1 / error) == pytest.approx(0.077, abs=0.006)


def test_the_error_it_leaves() -> None:
    targets = 100 * np.random.default_rng(0).standard_normal(200_000)
    assert float(np.square(targets - found_levels(targets)).mean()) / 4 == pytest.approx(TRELLIS_ERROR, rel=0.03)


def test_a_block_column_by_column() -> None:
    """Against the same written with whole columns."""
    random = np.random.default_rng(0)
    columns, rows = 7, 40
    block, shares = random.standard_normal((columns, rows)), np.triu(0.3 * random.standard_normal((columns, columns)))
    column_spacings, row_spacings, shrinkage = 0.2 + random.random(columns), 0.5 + random.random(rows), random.random((columns, rows))
    expected = block.copy()
    for column in range(columns):
        spacings = column_spacings[column] * row_spacings
        levels = found_levels(2 * expected[column] / spacings / (1 + spacings**2 * shrinkage[column]))
        expected[column] -= levels * spacings / 2
        expected[column + 1 :] -= shares[column, column + 1 :, None] * expected[column]
    found = np.empty(block.shape, np.int32)
    round_block(ColumnBlock(block, shares, column_spacings, row_spacings, shrinkage), ARRIVALS, found)
    np.testing.assert_allclose(block, expected, atol=1e-12)
