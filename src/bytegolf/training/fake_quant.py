"""Fake quantisation: the forward pass sees weights on a grid, the gradient passes straight through to the unrounded ones.

The straight-through estimator is that of Bengio et al. 2013 (arXiv 1308.3432).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from bytegolf.artifact.grid import dequantize, quantize, spacings_for_bits
from bytegolf.artifact.trellis_weights import TrellisStack, factors
from bytegolf.model.weights import Bits, Weights, weight_class


@dataclass(frozen=True)
class ClassBits:
    """A grid whose spacings follow the weights: every matrix has the bits of its class. A class without bits is not rounded."""

    bits: Bits

    @property
    def rounds(self) -> bool:
        """Return whether any weight is rounded."""
        return bool(self.bits)

    def spacings(self, name: str, weight: Tensor) -> Tensor | None:
        """Return the spacings in a shape that broadcasts against `weight`; None where it is not rounded."""
        bits = self.bits.get(weight_class(name))
        return None if bits is None else spacings_for_bits(weight, bits)


@dataclass(frozen=True)
class SpacingTable:
    """A grid whose spacings stay as the packer found them. A parameter without spacings is not rounded.

    `tensors` has for each PARAMETER a float32 "PARAMETER.rows" (matrices, rows, 1) and a "PARAMETER.columns" (matrices, 1, columns),
    whose product is the spacing of each weight.
    """

    tensors: Weights

    @property
    def rounds(self) -> bool:
        """Return whether any weight is rounded."""
        return bool(self.tensors)

    @classmethod
    def of(cls, stacks: Mapping[str, TrellisStack]) -> Self:
        """Return the spacings of packed weights, on the CPU."""
        tensors = {}
        for name, stack in stacks.items():
            by_row = stack.spacings[:, None] * factors(stack.row_scales)
            tensors[f"{name}.rows"] = torch.from_numpy(by_row)[:, :, None]
            tensors[f"{name}.columns"] = torch.from_numpy(factors(stack.column_scales))[:, None, :]
        return cls(tensors)

    def to(self, device: torch.device) -> Self:
        """Return the same table on `device`."""
        return type(self)({name: tensor.to(device) for name, tensor in self.tensors.items()})

    def spacings(self, name: str, weight: Tensor) -> Tensor | None:
        """Return the spacings in the shape of `weight`; None where it is not rounded."""
        rows = self.tensors.get(f"{name}.rows")
        return None if rows is None else (rows * self.tensors[f"{name}.columns"]).view(weight.shape)


Grid = ClassBits | SpacingTable


def fake_quantize(weights: Weights, grid: Grid) -> dict[str, Tensor]:
    """Return `weights` rounded to the nearest points of `grid`, with the gradients of the unrounded ones."""
    return {name: _rounded(weight, grid.spacings(name, weight)) for name, weight in weights.items()}


def _rounded(weight: Tensor, spacings: Tensor | None) -> Tensor:
    if spacings is None:
        return weight
    return weight + (dequantize(quantize(weight, spacings), spacings) - weight).detach()
