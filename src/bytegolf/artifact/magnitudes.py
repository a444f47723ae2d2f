"""The part that the coders of integers share: how a magnitude splits into a token and plain bits, and its largest value.

A large magnitude is split as in JPEG XL's hybrid integers: a token that keeps the leading bits, which is coded by a histogram, and
the other bits as they are, for they are nearly random. Magnitudes below EXACT are tokens of their own.
"""

import numpy as np

from bytegolf.arrays import Integers

EXACT = 32  # magnitudes below this are tokens of their own
KEPT_BITS = 4  # of a larger magnitude, beside its leading one
MAX_MAGNITUDE = (1 << 20) - 1
MAX_TOKENS = EXACT + (1 << KEPT_BITS) * (MAX_MAGNITUDE.bit_length() - EXACT.bit_length() + 1)


class CorruptStreamError(Exception):
    """The bytes are not a stream that an encoder of integers wrote."""


def largest_magnitude(matrix: Integers) -> int:
    """Return the largest magnitude of a matrix's integers, 0 for a matrix without any. −2³¹ is no problem."""
    return max(-int(matrix.min()), int(matrix.max())) if matrix.size else 0


def split_magnitudes(magnitudes: Integers) -> tuple[Integers, Integers, Integers]:
    """Return the token of each magnitude, the number of its plain bits, and their value."""
    length = np.frexp(magnitudes.astype(np.float64))[1].astype(np.int32)  # in bits
    extra_bits = np.where(magnitudes < EXACT, 0, length - 1 - KEPT_BITS).astype(np.int32)
    kept = magnitudes >> extra_bits  # below EXACT, or KEPT_BITS after a leading one
    octave = np.maximum(length - EXACT.bit_length(), 0)
    tokens = np.where(magnitudes < EXACT, magnitudes, EXACT + (octave << KEPT_BITS) + kept - (1 << KEPT_BITS))
    return tokens.astype(np.int32), extra_bits, (magnitudes - (kept << extra_bits)).astype(np.int32)


def join_tokens(tokens: Integers) -> tuple[Integers, Integers]:
    """Return the number of plain bits of each token, and its smallest magnitude: the inverse of `split_magnitudes`."""
    above = np.maximum(tokens - EXACT, 0)
    octave = above >> KEPT_BITS
    extra_bits = np.where(tokens < EXACT, 0, octave + EXACT.bit_length() - 1 - KEPT_BITS).astype(np.int32)
    kept = (above & ((1 << KEPT_BITS) - 1)) + (1 << KEPT_BITS)
    return extra_bits, np.where(tokens < EXACT, tokens, kept << extra_bits).astype(np.int32)
