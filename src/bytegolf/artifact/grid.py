"""The one quantiser: integers times a step, one step per matrix, unbounded.

Training, packing and loading all round with this grid. Precision is named in bits: a normal distribution of the
matrix's root mean square, rounded at this step, would have that many bits of entropy (in the high-rate limit).
"""

import math

import torch
from torch import Tensor

GAUSSIAN_BITS = 0.5 * math.log2(2 * math.pi * math.e)  # differential entropy of a unit normal


def spacings_for_bits(weight: Tensor, bits: float) -> Tensor:
    """The step (..., 1, 1) of each matrix in `weight` (..., rows, columns) at `bits` per weight; 1 for a matrix of zeros."""
    rms = weight.detach().square().mean(dim=(-2, -1), keepdim=True).sqrt()
    return torch.where(rms > 0, rms * 2.0 ** (GAUSSIAN_BITS - bits), 1.0)


def quantize(weight: Tensor, steps: Tensor) -> Tensor:
    """Nearest integers (float dtype) of `weight` over `steps`."""
    return (weight / steps).round()


def dequantize(integers: Tensor, steps: Tensor) -> Tensor:
    return integers * steps
