"""float16 numbers as integers, so that a coder of integers takes them."""

import numpy as np

from bytegolf.arrays import Halves, Integers
from bytegolf.artifact.magnitudes import CorruptStreamError, largest_magnitude

LARGEST_HALF = 0x7BFF  # the bits of 65504; what lies above is no finite number


def half_patterns(halves: Halves) -> Integers:
    """Return the bits of float16 numbers as integers: the number's sign, and exponent and fraction as the magnitude."""
    bits = halves.view(np.uint16).astype(np.int32)
    return np.where(bits >> 15, -(bits & 0x7FFF), bits).astype(np.int32)


def halves_from(patterns: Integers) -> Halves:
    """Return the numbers of `half_patterns`; the sign of 0 is lost. Raises CorruptStreamError for what is no finite number."""
    if largest_magnitude(patterns) > LARGEST_HALF:
        raise CorruptStreamError("numbers that are not finite")
    magnitudes = np.abs(patterns)
    return np.where(patterns < 0, magnitudes | 0x8000, magnitudes).astype(np.uint16).view(np.float16)
