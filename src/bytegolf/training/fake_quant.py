"""Quantisation-aware training: the forward pass sees weights on the artifact's grid, the gradient passes straight through."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from bytegolf.artifact.grid import dequantize, quantize, spacings_for_bits
from bytegolf.artifact.trellis_weights import TrellisStack, factors
from bytegolf.model.weights import Bits, Weights, weight_class


@dataclass(frozen=True)
class ClassBits:
    """Lanes that follow the weights: every matrix has the bits of its class. A class that has none is not rounded."""

    bits: Bits

    @property
    def rounds(self) -> bool:
        return bool(self.bits)

    def steps(self, name: str, weight: Tensor) -> Tensor | None:
        """In a shape that broadcasts against `weight`; None where it is not rounded."""
        bits = self.bits.get(weight_class(name))
        return None if bits is None else spacings_for_bits(weight, bits)


@dataclass(frozen=True)
class StepTable:
    """Lanes that stay as the packer found them. A parameter that it does not name is not rounded.

    `tensors` has for each PARAMETER a float32 "PARAMETER.rows" (matrices, rows, 1) and a "PARAMETER.columns" (matrices, 1, columns),
    whose product are the steps of its weights.
    """

    tensors: Weights

    @property
    def rounds(self) -> bool:
        return bool(self.tensors)

    @classmethod
    def of(cls, weights: Mapping[str, TrellisStack]) -> Self:
        tensors = {}
        for name, weight in weights.items():
            by_row = weight.spacings[:, None] * factors(weight.row_scales)
            tensors[f"{name}.rows"] = torch.from_numpy(by_row)[:, :, None]
            tensors[f"{name}.columns"] = torch.from_numpy(factors(weight.column_scales))[:, None, :]
        return cls(tensors)

    def to(self, device: torch.device) -> Self:
        return type(self)({name: tensor.to(device) for name, tensor in self.tensors.items()})

    def steps(self, name: str, weight: Tensor) -> Tensor | None:
        """In the shape of `weight`; None where it is not rounded."""
        rows = self.tensors.get(f"{name}.rows")
        return None if rows is None else (rows * self.tensors[f"{name}.columns"]).view(weight.shape)


Grid = ClassBits | StepTable


@dataclass(frozen=True)
class Solved:
    """The grid on which weights would be packed into the budget: `table`, on the CPU, and the bits a weight that it comes to."""

    table: StepTable
    bits: Bits


Solve = Callable[[Weights], Solved | None]  # None where not even the coarsest grid is within the budget


def fake_quantize(weights: Weights, grid: Grid) -> dict[str, Tensor]:
    """`weights` rounded to the nearest points of `grid` (straight-through, arXiv 1308.3432)."""
    return {name: _rounded(weight, grid.steps(name, weight)) for name, weight in weights.items()}


def _rounded(weight: Tensor, steps: Tensor | None) -> Tensor:
    if steps is None:
        return weight
    return weight + (dequantize(quantize(weight, steps), steps) - weight).detach()
