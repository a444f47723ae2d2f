"""The functions of `exact.arithmetic` on tensors of float64, to the same bits, on whatever device has IEEE 754 arithmetic.

Each operation is one of torch's elementwise kernels, which rounds once: nothing is compiled or fused, so nothing is contracted.
Sums and products are of integers below 2^53, exact in any order.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from bytegolf.exact.arithmetic import EXPONENT_BIAS, FRACTION_BITS, LEAST_EXPONENT, LOG2_E, MOST_NEGATIVE, ROUNDER, TERMS
from bytegolf.exact.norm import EPSILON


class TensorRows(NamedTuple):
    """Rows (…, n) as integers, each with a unit (…, 1) that it is times."""

    integers: Tensor
    units: Tensor

    def values(self) -> Tensor:
        """Return what the rows stand for."""
        return self.integers * self.units


def powers_of_two(exponents: Tensor) -> Tensor:
    """Return 2^exponent of int64 exponents."""
    return ((exponents + EXPONENT_BIAS) << FRACTION_BITS).view(torch.float64)


def nearest(x: Tensor) -> Tensor:
    """Return the integers nearest to |x| < 2^51, the even one of two."""
    return (x + ROUNDER) - ROUNDER


def divided(x: Tensor, number: float) -> Tensor:
    """Return x / number. Given a number, torch would multiply by its inverse, which rounds twice."""
    return x / torch.full_like(x, number)


def square_root(x: Tensor) -> Tensor:
    """Return the root of x. On a processor torch may ask a library whose last bit is off at times; numpy asks the processor."""
    return torch.from_numpy(np.sqrt(x.numpy())) if x.device.type == "cpu" else x.sqrt()


def exp(x: Tensor) -> Tensor:
    """Return e^x for x up to 700."""
    z = (x * LOG2_E).clamp(min=MOST_NEGATIVE)
    shifted = z + ROUNDER
    f = z - (shifted - ROUNDER)
    p = torch.full_like(f, TERMS[9])
    for term in reversed(TERMS[:9]):
        p = p * f
        p = p + term
    return (p.view(torch.int64) + (shifted.view(torch.int64) << FRACTION_BITS)).view(torch.float64)


def sigmoid(x: Tensor) -> Tensor:
    """Return 1 / (1 + e^-x), from e^-|x|."""
    decay = exp(-x.abs())
    return torch.where(x >= 0.0, torch.ones_like(x), decay) / (1.0 + decay)


def rounded(x: Tensor, bits: int) -> TensorRows:
    """Return rows (…, n) as integers of up to 2^bits."""
    top = x.abs().amax(dim=-1, keepdim=True)
    exponents = (top.view(torch.int64) >> FRACTION_BITS) - EXPONENT_BIAS + 1
    visible = exponents > LEAST_EXPONENT
    exponents = torch.where(visible, exponents, bits)
    integers = nearest(x * powers_of_two(bits - exponents))
    return TensorRows(torch.where(visible, integers, 0.0), powers_of_two(exponents - bits))


def inverse_rms(rows: TensorRows) -> Tensor:
    """Return 1 / sqrt(mean(x²) + ε) of rows, (…, 1)."""
    squares = (rows.integers * rows.integers).sum(dim=-1, keepdim=True)
    mean = divided(squares * (rows.units * rows.units), rows.integers.shape[-1])
    return 1.0 / square_root(mean + EPSILON)


def normed(x: Tensor, bits: int, factor: float | Tensor = 1.0) -> TensorRows:
    """Return factor · x / rms(x) of rows."""
    rows = rounded(x, bits)
    return TensorRows(rows.integers, rows.units * inverse_rms(rows) * factor)
