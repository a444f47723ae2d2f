"""The quantiser of grids: integers times a spacing, one spacing per matrix, unbounded.

Methods gptq and baseline store weights so, and training rounds to it while no other spacings are known; `trellis_states` describes
the other quantiser. Precision is named in bits: a normal distribution of the matrix's root mean square, rounded at this spacing, would
have that many bits of entropy (in the high-rate limit).
"""

import math

import torch
from torch import Tensor

GAUSSIAN_BITS = 0.5 * math.log2(2 * math.pi * math.e)  # differential entropy of a unit normal


def spacings_for_bits(weight: Tensor, bits: float) -> Tensor:
    """Return the spacing (..., 1, 1) of each matrix in `weight` (..., rows, columns) at `bits` per weight; 1 for a matrix of zeros."""
    rms = weight.detach().square().mean(dim=(-2, -1), keepdim=True).sqrt()
    return torch.where(rms > 0, rms * 2.0 ** (GAUSSIAN_BITS - bits), 1.0)


def quantize(weight: Tensor, spacings: Tensor) -> Tensor:
    """Return the nearest integers (in a float dtype) of `weight` over `spacings`."""
    return (weight / spacings).round()


def dequantize(integers: Tensor, spacings: Tensor) -> Tensor:
    """Return the weights that integers stand for."""
    return integers * spacings
