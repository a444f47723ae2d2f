"""Magnitudes split into tokens and plain bits, and join again."""

import numpy as np

from bytegolf.artifact.magnitudes import EXACT, KEPT_BITS, MAX_MAGNITUDE, MAX_TOKENS, join_tokens, largest_magnitude, split_magnitudes


def test_every_magnitude_comes_back() -> None:
    magnitudes = np.concatenate([np.arange(1 << 14), np.arange(MAX_MAGNITUDE - 100, MAX_MAGNITUDE + 1)]).astype(np.int32)
    tokens, extra_bits, extra = split_magnitudes(magnitudes)
    bits_again, smallest = join_tokens(tokens)
    np.testing.assert_array_equal(bits_again, extra_bits)
    np.testing.assert_array_equal(smallest + extra, magnitudes)
    assert (extra >= 0).all() and (extra < 1 << extra_bits).all()
    assert (np.diff(tokens) >= 0).all() and tokens.max() == MAX_TOKENS - 1


def test_small_magnitudes_are_tokens_and_larger_ones_keep_their_leading_bits() -> None:
    tokens, extra_bits, _ = split_magnitudes(np.arange(2 * EXACT, dtype=np.int32))
    np.testing.assert_array_equal(tokens[:EXACT], np.arange(EXACT))
    assert not extra_bits[:EXACT].any() and (extra_bits[EXACT:] == 1).all()
    assert len(np.unique(tokens[EXACT:])) == 1 << KEPT_BITS


def test_the_largest_magnitude() -> None:
    assert largest_magnitude(np.array([[3, -5]], np.int32)) == 5
    assert largest_magnitude(np.array([[-(1 << 31)]], np.int32)) == 1 << 31
    assert largest_magnitude(np.empty((0, 3), np.int32)) == 0
