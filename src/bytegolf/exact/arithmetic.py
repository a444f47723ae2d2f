"""Elementwise functions with one possible result: made of float64 + − × ÷ and square roots, each rounded once.

No library's exp or tanh is asked, for two libraries differ in the last bit. Nothing is fused: numba contracts no a·b + c where
`fastmath` is off. What is rounded to an integer stays in float64, whose sums of integers are exact below 2^53.
"""

import math
from decimal import Decimal, localcontext

import numpy as np

from bytegolf.arrays import Doubles
from bytegolf.compiling import compiled_without_counts

LEAST_EXPONENT = -100  # what is below 2^-100 counts as 0: products of several stay far from denormals, which some processors flush
LEAST = 2.0**LEAST_EXPONENT
ROUNDER = 1.5 * 2.0**52  # added to |x| < 2^51, it leaves x's nearest integer in the low bits
ROUNDER_BITS = int(np.float64(ROUNDER).view(np.int64))
MAGNITUDE = (1 << 63) - 1  # of a float64: all bits but the sign
FRACTION_BITS, EXPONENT_BIAS = 52, 1023  # of a float64
MOST_NEGATIVE = -1000.0  # power of 2 beyond which `exp` is as good as 0, and still no denormal


def _constants() -> tuple[float, float, tuple[float, ...]]:
    """Return ln 2, its inverse, and the coefficients of 2^f, to the last bit."""
    with localcontext(prec=50):
        ln2 = Decimal(2).ln()
        terms = [Decimal(1)]
        for k in range(1, 11):
            terms.append(terms[-1] * ln2 / k)
        return float(ln2), float(1 / ln2), tuple(map(float, terms))


LN_2, LOG2_E, TERMS = _constants()


@compiled_without_counts
def bits_of(x: float) -> int:
    """Return the bits of a float64 as an integer."""
    return int(np.float64(x).view(np.int64))


@compiled_without_counts
def from_bits(bits: int) -> float:
    """Return the float64 of these bits."""
    return float(np.int64(bits).view(np.float64))


@compiled_without_counts
def power_of_two(exponent: int) -> float:
    """Return 2^exponent."""
    return from_bits((exponent + EXPONENT_BIAS) << FRACTION_BITS)


@compiled_without_counts
def nearest(x: float) -> float:
    """Return the integer nearest to |x| < 2^51, the even one of two."""
    return (x + ROUNDER) - ROUNDER


@compiled_without_counts
def nearest_integer(x: float) -> int:
    """Return `nearest` as an integer, which unlike a sum of float64 is summed in any order."""
    return bits_of(x + ROUNDER) - ROUNDER_BITS


@compiled_without_counts
def exp(x: float) -> float:
    """Return e^x for x up to 700, to 1e-12 of itself: 2^n times a polynomial in f, for n + f = x / ln 2 and |f| <= 1/2."""
    z = max(x * LOG2_E, MOST_NEGATIVE)
    shifted = z + ROUNDER
    f = z - (shifted - ROUNDER)
    p = TERMS[9]
    p = p * f + TERMS[8]
    p = p * f + TERMS[7]
    p = p * f + TERMS[6]
    p = p * f + TERMS[5]
    p = p * f + TERMS[4]
    p = p * f + TERMS[3]
    p = p * f + TERMS[2]
    p = p * f + TERMS[1]
    p = p * f + TERMS[0]
    return from_bits(bits_of(p) + (bits_of(shifted) << FRACTION_BITS))


@compiled_without_counts
def tanh(x: float) -> float:
    """Return tanh x, from e^(-2|x|)."""
    decay = exp(-2.0 * abs(x))
    magnitude = (1.0 - decay) / (1.0 + decay)
    return magnitude if x >= 0.0 else -magnitude


@compiled_without_counts
def sigmoid(x: float) -> float:
    """Return 1 / (1 + e^-x), from e^-|x|."""
    decay = exp(-abs(x))
    return 1.0 / (1.0 + decay) if x >= 0.0 else decay / (1.0 + decay)


@compiled_without_counts
def log(x: float) -> float:
    """Return ln x of a normal x > 0: n ln 2 plus twice the artanh of (m - 1) / (m + 1), for x = 2^n m and m between 2/3 and 4/3."""
    bits = bits_of(x)
    n = (bits >> FRACTION_BITS) - EXPONENT_BIAS
    m = from_bits(bits - (n << FRACTION_BITS))
    if m > 4.0 / 3.0:
        m, n = m / 2.0, n + 1
    s = (m - 1.0) / (m + 1.0)
    square, series = s * s, 0.0
    for k in range(25, 0, -2):
        series = series * square + 1.0 / k
    return n * LN_2 + 2.0 * s * series


@compiled_without_counts
def largest(x_n: Doubles) -> float:
    """Return the largest of some numbers, found among their bits as integers: compilers vectorise that without leave to reorder."""
    best = -MAGNITUDE
    for i in range(len(x_n)):
        bits = bits_of(x_n[i])
        best = max(best, bits ^ ((bits >> 63) & MAGNITUDE))
    return from_bits(best ^ ((best >> 63) & MAGNITUDE))


@compiled_without_counts
def round_row(x_n: Doubles, bits: int, integers_n: Doubles) -> float:
    """Write a row as integers of up to 2^bits and return their unit, a power of two: x ≈ integers · unit."""
    top = 0
    for i in range(len(x_n)):
        top = max(top, bits_of(x_n[i]) & MAGNITUDE)
    exponent = (top >> FRACTION_BITS) - EXPONENT_BIAS + 1
    if exponent <= LEAST_EXPONENT:
        integers_n[:] = 0.0
        return 1.0
    factor = power_of_two(bits - exponent)
    for i in range(len(x_n)):
        integers_n[i] = nearest(x_n[i] * factor)
    return power_of_two(exponent - bits)


@compiled_without_counts
def sum_of_squares(integers_n: Doubles) -> float:
    """Return the sum of the squares of integers of up to 31 bits, exact below 2^53."""
    total = np.int64(0)
    for i in range(len(integers_n)):
        integer = np.int64(np.int32(nearest_integer(integers_n[i])))
        total += integer * integer
    return float(total)


@compiled_without_counts
def inverse_rms(integers_n: Doubles, unit: float, epsilon: float) -> float:
    """Return 1 / sqrt(mean(x²) + epsilon) of the row x = integers · unit."""
    return 1.0 / math.sqrt(sum_of_squares(integers_n) * (unit * unit) / len(integers_n) + epsilon)
