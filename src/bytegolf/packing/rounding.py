"""Weights -> integers on the grid."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from bytegolf.arrays import Halves
from bytegolf.artifact.container import Artifact
from bytegolf.artifact.grid import quantize, spacings_for_bits
from bytegolf.artifact.grid_weights import GridStack
from bytegolf.artifact.static_coder import MAX_MAGNITUDE
from bytegolf.config import Recipe
from bytegolf.errors import InputError
from bytegolf.model.gpt import parameter_shapes
from bytegolf.model.weights import WeightClass, weight_class
from bytegolf.text.tokenizer import Tokenizer

# A parameter's name, its matrices (matrices, rows, columns) and their steps -> integers of that shape, in a float dtype.
Rounding = Callable[[str, Tensor, Tensor], Tensor]


def nearest(name: str, stack: Tensor, steps: Tensor) -> Tensor:
    return quantize(stack, steps)


def quantize_model(
    weights: Mapping[str, Tensor],
    recipe: Recipe,
    tokenizer: Tokenizer,
    bits: Mapping[WeightClass, float],
    rounding: Rounding = nearest,
) -> Artifact:
    """Round every matrix to points of its grid at the bits of its class; gains and scales become float16.

    Raises InputError for weights that are not finite or leave the range of float16.
    """
    return assemble(weights, recipe, tokenizer, lambda name, stack: _on_grid(name, stack, bits[weight_class(name)], rounding))


def assemble(weights: Mapping[str, Tensor], recipe: Recipe, tokenizer: Tokenizer, pack: Callable[[str, Tensor], GridStack]) -> Artifact:
    """The artifact whose parameters `pack` makes of their names and float32 stacks (matrices, rows, columns)."""
    quantized, controls = {}, {}
    for name in parameter_shapes(recipe.model):
        weight = weights[name]
        if not torch.isfinite(weight).all():
            raise InputError(f"{name}: expected finite weights, found NaN or infinity")
        if weight_class(name) == "control":
            controls[name] = halves(name, "gains", weight)
        else:
            quantized[name] = pack(name, weight.float().reshape(-1, *weight.shape[-2:]))
    return Artifact(recipe.model, recipe.score, tokenizer, quantized, controls, recipe.pack.coder)


def halves(name: str, what: str, values: Tensor) -> Halves:
    """Raises InputError for values beyond float16."""
    half = values.to(torch.float16)
    if not torch.isfinite(half).all():
        raise InputError(f"{name}: expected {what} within float16, found {float(values.abs().max()):g}")
    rounded: Halves = half.cpu().numpy()
    return rounded


def _on_grid(name: str, stack: Tensor, bits: float, rounding: Rounding) -> GridStack:
    steps = spacings_for_bits(stack, bits)
    if not torch.isfinite(steps).all():
        raise InputError(f"{name}: expected weights below 1e19, found {float(stack.abs().max()):g}")
    integers = rounding(name, stack, steps)
    if integers.abs().max() > MAX_MAGNITUDE:
        raise InputError(
            f"{name}: expected weights within {MAX_MAGNITUDE:,} steps of 0, found {int(integers.abs().max()):,}; lower its bits"
        )
    return GridStack(integers.to(torch.int32).cpu().numpy(), steps.flatten().cpu().numpy().astype(np.float32))
