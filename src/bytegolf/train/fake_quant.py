"""Quantisation-aware training: the forward pass sees weights on the artifact's grid, the gradient passes straight through."""

from collections.abc import Mapping

from torch import Tensor

from bytegolf.artifact.grid import dequantize, quantize, steps_for_bits
from bytegolf.model.gpt import WeightClass, weight_class

Bits = Mapping[WeightClass, float]


def fake_quantize(weights: Mapping[str, Tensor], bits: Bits) -> dict[str, Tensor]:
    """`weights` with every class that `bits` names rounded to its grid (straight-through, arXiv 1308.3432)."""
    return {name: _rounded(weight, bits[weight_class(name)]) if weight_class(name) in bits else weight for name, weight in weights.items()}


def _rounded(weight: Tensor, bits: float) -> Tensor:
    steps = steps_for_bits(weight, bits)
    return weight + (dequantize(quantize(weight, steps), steps) - weight).detach()
