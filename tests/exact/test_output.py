"""Integer probabilities of logits."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from bytegolf.exact.output import integer_probabilities
from support import exact_numbers


@given(arrays(np.float64, (2, 3, 7), elements=st.floats(-60, 60)))
def test_every_token_is_possible_and_totals_are_exact(logits: NDArray[np.float64]) -> None:
    frequencies, totals = integer_probabilities(logits)
    assert frequencies.dtype == np.uint64 and frequencies.shape == logits.shape and totals.shape == logits.shape[:-1]
    for row, found, total in zip(logits.reshape(-1, 7), frequencies.reshape(-1, 7), totals.reshape(-1), strict=True):
        assert found.tolist() == exact_numbers.frequencies(row.tolist())
        assert found.min() >= 1 and found.max() == 2**30 + 1
        assert int(total) == sum(found.tolist())


def test_they_are_the_softmax_to_a_billionth() -> None:
    logits = np.random.default_rng(0).normal(size=(5, 100)) * 4
    frequencies, totals = integer_probabilities(logits)
    expected = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(frequencies / totals[:, None], expected, atol=2e-9)
