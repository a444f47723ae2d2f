"""The cosines and sines of rotary embeddings, from decimals and integers: no library's cos or pow is asked."""

from decimal import Decimal, localcontext
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from bytegolf.arrays import Doubles

PRECISION = 96  # bits after the point
ONE = 1 << PRECISION


class Angles(NamedTuple):
    """The cosine and sine of position times frequency, each (positions, rotated/2)."""

    cos: Doubles
    sin: Doubles


@lru_cache(maxsize=8)
def angles(positions: int, rotated: int, base: float) -> Angles:
    """Return the angles of the first positions: each a turn further than the one before, in integers of PRECISION bits."""
    steps = [_cos_sin(_frequency(2 * pair, rotated, base)) for pair in range(rotated // 2)]
    turn_cos, turn_sin = (np.array(column, dtype=object) for column in zip(*steps, strict=True))
    cos, sin = np.full_like(turn_cos, ONE), np.full_like(turn_sin, 0)
    table = np.empty((2, positions, len(steps)))
    for position in range(positions):
        table[:, position] = cos / ONE, sin / ONE  # an integer over an integer is rounded once
        cos, sin = (cos * turn_cos - sin * turn_sin) >> PRECISION, (sin * turn_cos + cos * turn_sin) >> PRECISION
    table[np.abs(table) < 1 / (1 << PRECISION // 2)] = 0.0
    return Angles(*table)


def _frequency(exponent: int, rotated: int, base: float) -> int:
    """Return base^(-exponent / rotated), at most 1, in units of 2^-PRECISION."""
    with localcontext(prec=60):
        return int((-Decimal(base).ln() * exponent / rotated).exp() * ONE)


def _cos_sin(angle: int) -> tuple[int, int]:
    """Return the cosine and sine of an angle of up to 1, by their series; all in units of 2^-PRECISION."""
    term, sums, k = ONE, [0, 0], 0
    while term:
        sums[k % 2] += term if k % 4 < 2 else -term
        k += 1
        term = term * angle // (k << PRECISION)
    return sums[0], sums[1]
