"""The two operators that bytegolf has its own versions of, by torch's alone."""

import torch
from torch import Tensor

from bytegolf.model.kernels import Kernel, by_torch


def product(x: Tensor, weight: Tensor) -> Tensor:
    """Return x weightᵀ: (..., in) times (out, in) is (..., out)."""
    return x @ weight.T


def kernel_for(device: torch.device, dtype: torch.dtype, masked: bool) -> Kernel:
    """Return what computes attention."""
    return by_torch
