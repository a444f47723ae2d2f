"""What the adaptive coder expects before it has met anything, and how it learns."""

import numpy as np
import pytest

from bytegolf.artifact.adaptive_model import (
    CLASSES,
    INCREMENT,
    LIMIT,
    PRIOR,
    Histograms,
    expected_ratios,
    first_counts,
    learn,
    plain_bits_of,
    thresholds,
)
from bytegolf.artifact.magnitudes import MAX_MAGNITUDE, MAX_TOKENS, split_magnitudes


@pytest.mark.parametrize("kind", [20, 24, 28, 32])
def test_first_histograms_have_the_size_of_their_class(kind: int) -> None:
    """Mean magnitudes in half spacings, where hardly any are beyond tokens of one integer each; class 16 ends at 1."""
    tokens = np.arange(32)
    for shift in range(2):
        counts = first_counts()[kind, shift, :32]
        mean = float(((2 * tokens + shift) * counts).sum() / counts.sum())
        assert mean == pytest.approx(2 ** ((kind - 16.5) / 4), rel=0.15)
        assert counts.sum() <= PRIOR + 32 and first_counts()[kind, shift].min() >= 1


def test_classes_are_quarter_octaves() -> None:
    assert len(thresholds()) == CLASSES - 1 == 100
    np.testing.assert_allclose(thresholds()[40:], 2.0 ** (4 + np.arange(40, 100) / 4), rtol=1e-3)


def test_rows_of_finer_spacing_are_expected_to_be_larger() -> None:
    """By √2 for each half octave, around a mean of 1 in units of 2⁻¹⁶."""
    ratios = expected_ratios(np.array([0, -1, -2, 2], np.int32)).astype(float)
    np.testing.assert_allclose(ratios[1:] / ratios[0], [2**0.5, 2.0, 0.5], rtol=1e-3)
    assert ratios.mean() == pytest.approx(1 << 16, rel=1e-3)


def test_a_histogram_counts_and_is_halved() -> None:
    histograms = Histograms.first()
    learn(histograms, 3, 1, 5)
    assert histograms.counts[3, 1, 5] == first_counts()[3, 1, 5] + INCREMENT
    assert histograms.met[3, 1].sum() == histograms.met[3, 1, 5] == 1
    for _ in range(LIMIT // INCREMENT):
        learn(histograms, 3, 1, 7)
    assert histograms.totals[3, 1] == histograms.counts[3, 1].sum() < 0.6 * LIMIT
    assert histograms.counts[3, 1].min() >= 1, "every token can still be coded"


def test_tokens_have_the_plain_bits_that_magnitudes_are_split_into() -> None:
    magnitudes = np.array([0, 31, 32, 33, 100, 5000, MAX_MAGNITUDE], np.int32)
    tokens, extra_bits, extra = split_magnitudes(magnitudes)
    assert [plain_bits_of(token) for token in tokens.tolist()] == list(zip(extra_bits, magnitudes - extra, strict=True))
    assert tokens[-1] == MAX_TOKENS - 1
