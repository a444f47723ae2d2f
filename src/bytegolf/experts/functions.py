"""Logarithm, exponential and logistic function in double precision, with one possible result on any machine.

A library's functions differ in the last bit from one version to the next. These are made of additions, multiplications and divisions
in a stated order, each rounded once, and of exact changes of the exponent; compiled without `fastmath`, so that nothing is reordered or
fused. Errors are below 1e-13 of the result, or of 1 if that is more.
"""

import math

import numba

compiled = numba.njit(cache=True, nogil=True, error_model="numpy")

LN2 = 0.6931471805599453
LOG2_E = 1.4426950408889634
SQRT_HALF = 0.7071067811865476
TAYLOR = tuple(1.0 / math.factorial(n) for n in range(13, -1, -1))  # of e to the x, the highest power first
ARTANH = tuple(1.0 / n for n in range(17, 0, -2))  # of artanh(s) / s in powers of s², the highest first
LARGEST = 30.0  # of the logistic function's argument; beyond it the result would be closer to 0 or 1 than anything needs


@compiled
def logarithm(x: float) -> float:
    """Return ln x of a positive, normal x: the series of 2 artanh((m − 1) / (m + 1)) for m from √½ to √2, and the exponent."""
    mantissa, exponent = math.frexp(x)
    if mantissa < SQRT_HALF:
        mantissa, exponent = mantissa * 2.0, exponent - 1
    s = (mantissa - 1.0) / (mantissa + 1.0)
    z = s * s
    series = 0.0
    for coefficient in ARTANH:
        series = series * z + coefficient
    return exponent * LN2 + 2.0 * s * series


@compiled
def exponential(x: float) -> float:
    """Return e to the x, for |x| up to 700: Taylor's series of 2 to a fraction from −½ to ½, and the whole part as exponent."""
    scaled = x * LOG2_E
    whole = math.floor(scaled + 0.5)
    f = (scaled - whole) * LN2
    series = 0.0
    for coefficient in TAYLOR:
        series = series * f + coefficient
    return math.ldexp(series, int(whole))


@compiled
def logistic(x: float) -> float:
    """Return 1 / (1 + e to the −x), the probability whose log odds are x."""
    return 1.0 / (1.0 + exponential(-min(max(x, -LARGEST), LARGEST)))


@compiled
def log_odds(p: float) -> float:
    """Return ln(p / (1 − p)), the inverse of `logistic`."""
    return logarithm(p / (1.0 - p))
