"""Integer probabilities of logits."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from bytegolf.exact.output import TOTAL, integer_probabilities, nats_of_frequencies
from support import exact_numbers


@given(arrays(np.float64, (2, 3, 7), elements=st.floats(-60, 60)))
def test_every_token_is_possible_and_the_sum_is_exact(logits: NDArray[np.float64]) -> None:
    frequencies = integer_probabilities(logits)
    assert frequencies.dtype == np.int64 and frequencies.shape == logits.shape
    for row, found in zip(logits.reshape(-1, 7), frequencies.reshape(-1, 7), strict=True):
        assert found.tolist() == exact_numbers.frequencies(row.tolist())
        assert found.min() >= 1 and found.sum() == TOTAL


def test_they_are_the_softmax_to_a_billionth() -> None:
    logits = np.random.default_rng(0).normal(size=(5, 100)) * 4
    expected = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(integer_probabilities(logits) / TOTAL, expected, atol=1e-7)


def test_the_largest_vocabulary_leaves_every_token_a_part() -> None:
    frequencies = integer_probabilities(np.where(np.arange(65_536) == 3, 0.0, -500.0))
    assert frequencies.min() == 1 and frequencies[3] == TOTAL - 65_535


def test_nats_are_logarithms() -> None:
    np.testing.assert_allclose(
        nats_of_frequencies(np.array([[1, 5], [TOTAL // 2, TOTAL]])), [[20.794415, 19.184978], [0.693147, 0.0]], atol=1e-6
    )
