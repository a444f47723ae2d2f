"""Numbers in exact arithmetic: Python integers for every sum, Python floats one operation at a time.

What docs/exact.md says of functions, angles and rows of integers, written out; no code is shared with `bytegolf.exact`.
"""

import math
from decimal import Decimal, localcontext
from functools import cache
from itertools import accumulate
from typing import NamedTuple

EPSILON = 1.1920929e-7
TINY = 2.0**-100

Vector = list[float]
Matrix = list[list[float]]


def _ln2() -> Decimal:
    with localcontext(prec=60):
        return Decimal(2).ln()


LOG2_E = float(1 / _ln2())


def _coefficient(k: int) -> float:
    with localcontext(prec=60):
        return float(_ln2() ** k / math.factorial(k))


COEFFICIENTS = [_coefficient(k) for k in range(10)]


def exp(x: float) -> float:
    z = max(x * LOG2_E, -1000.0)
    n = round(z)
    f = z - n
    p = COEFFICIENTS[9]
    for coefficient in reversed(COEFFICIENTS[:9]):
        p = p * f
        p = p + coefficient
    return math.ldexp(p, n)


def tanh(x: float) -> float:
    e = exp(-2 * abs(x))
    return math.copysign((1 - e) / (1 + e), x)


def sigmoid(x: float) -> float:
    e = exp(-abs(x))
    return 1 / (1 + e) if x >= 0 else e / (1 + e)


def log(x: float) -> float:
    m, n = math.frexp(x)
    m, n = (2 * m, n - 1) if m <= 2 / 3 else (m, n)
    s = (m - 1) / (m + 1)
    series = 0.0
    for k in range(25, 0, -2):
        series = series * (s * s)
        series = series + 1 / k
    return n * float(_ln2()) + 2 * s * series


def frequencies(logits: Vector) -> list[int]:
    top = max(logits)
    weights = [round(exp(logit - top) * 2**30) for logit in logits]
    shares = [math.floor(so_far / sum(weights) * (2**30 - len(logits))) for so_far in accumulate(weights)]
    return [1 + share - before for before, share in zip([0, *shares], shares, strict=False)]


@cache
def cos_sin(position: int, exponent: int, rotated: int, base: float) -> tuple[float, float]:
    """By the series of both, in decimals."""
    with localcontext(prec=90):
        angle = position * (-Decimal(base).ln() * exponent / rotated).exp()
        cos, sin, term = Decimal(0), Decimal(0), Decimal(1)
        for k in range(0, 300, 2):
            sign = 1 if k % 4 == 0 else -1
            cos += sign * term
            term = term * angle / (k + 1)
            sin += sign * term
            term = term * angle / (k + 2)
        cosine, sine = float(cos), float(sin)
    return (cosine if abs(cosine) >= 2**-48 else 0.0), (sine if abs(sine) >= 2**-48 else 0.0)


# --- rows of integers


class Rounded(NamedTuple):
    """Integers that stand for themselves times a scale."""

    integers: list[int]
    scale: float


def rounded(x: Vector, bits: int) -> Rounded:
    largest = max(abs(value) for value in x)
    if largest < TINY:
        return Rounded([0] * len(x), 1.0)
    exponent = math.frexp(largest)[1]
    return Rounded([round(value * 2.0 ** (bits - exponent)) for value in x], 2.0 ** (exponent - bits))


def inverse_rms(x: Rounded) -> float:
    squares = sum(integer * integer for integer in x.integers)
    assert squares < 2**53
    mean = float(squares) * (x.scale * x.scale) / len(x.integers)
    return 1.0 / math.sqrt(mean + EPSILON)


def normed(x: Vector, bits: int, factor: float = 1.0) -> Rounded:
    """x / rms(x), still as integers."""
    row = rounded(x, bits)
    return Rounded(row.integers, row.scale * inverse_rms(row) * factor)


def values(x: Rounded) -> Vector:
    return [integer * x.scale for integer in x.integers]


def dot(a: list[int], b: list[int]) -> int:
    total = sum(x * y for x, y in zip(a, b, strict=True))
    assert sum(abs(x * y) for x, y in zip(a, b, strict=True)) <= 2**53
    return total


def without_traces(x: Vector) -> Vector:
    return [value if abs(value) >= TINY else 0.0 for value in x]


_rounded: dict[int, tuple[Matrix, list[Rounded]]] = {}  # by the identity of a matrix, which is kept so that it stays its own


def times(matrix: Matrix, x: Rounded) -> Vector:
    """matrix x, each row of the matrix rounded by itself."""
    if id(matrix) not in _rounded:
        _rounded[id(matrix)] = matrix, [rounded(without_traces(row), 15) for row in matrix]
    rows = _rounded[id(matrix)][1]
    return [float(dot(row.integers, x.integers)) * (x.scale * row.scale) for row in rows]


def unit_for(bound: float) -> float:
    return 2.0 ** (math.frexp(bound)[1] - 18)


def norm(row: Vector) -> float:
    """The length of a matrix's row as it is rounded."""
    integers, scale = rounded(without_traces(row), 15)
    return math.sqrt(sum(integer * integer for integer in integers)) * scale
