"""Weights -> integers on grids, and the artifact that they make."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from bytegolf.arrays import Halves
from bytegolf.artifact.container import Artifact
from bytegolf.artifact.grid import quantize, spacings_for_bits
from bytegolf.artifact.grid_weights import GridStack, GridWeights
from bytegolf.artifact.magnitudes import MAX_MAGNITUDE
from bytegolf.config import Recipe
from bytegolf.errors import InputError
from bytegolf.model.shapes import parameter_shapes
from bytegolf.model.weights import Bits, Weights, weight_class
from bytegolf.text.tokenizer import Tokenizer

# A parameter's name, its matrices (matrices, rows, columns) and their spacings -> integers of that shape, in a float dtype.
Rounding = Callable[[str, Tensor, Tensor], Tensor]


def nearest(name: str, stack: Tensor, spacings: Tensor) -> Tensor:
    """Return the nearest integers: the `Rounding` that needs to know nothing."""
    return quantize(stack, spacings)


def quantize_model(weights: Weights, recipe: Recipe, tokenizer: Tokenizer, bits: Bits, rounding: Rounding = nearest) -> Artifact:
    """Round every matrix to points of its grid at the bits of its class; gains and scales become float16.

    Raises InputError for weights that are not finite or leave the range of float16.
    """

    def pack(name: str, stack: Tensor) -> GridStack:
        return _on_grid(name, stack, bits[weight_class(name)], rounding)

    return assemble(weights, recipe, tokenizer, pack)


def assemble(weights: Weights, recipe: Recipe, tokenizer: Tokenizer, pack: Callable[[str, Tensor], GridStack]) -> Artifact:
    """Return the artifact whose parameters `pack` makes of their names and float32 stacks (matrices, rows, columns)."""
    stacks, controls = {}, {}
    for name in parameter_shapes(recipe.model):
        weight = weights[name]
        if not torch.isfinite(weight).all():
            raise InputError(f"{name}: expected finite weights, found NaN or infinity")
        if weight_class(name) == "control":
            controls[name] = to_float16(name, "gains", weight)
        else:
            stacks[name] = pack(name, weight.float().reshape(-1, *weight.shape[-2:]))
    return Artifact(recipe.model, recipe.score, tokenizer, GridWeights(stacks, controls), recipe.pack.coder, recipe.experts_used)


def to_float16(name: str, noun: str, values: Tensor) -> Halves:
    """Return values in float16. Raises InputError, calling a parameter's values `noun`, where they are beyond float16."""
    half = values.to(torch.float16)
    if not torch.isfinite(half).all():
        raise InputError(f"{name}: expected {noun} within float16, found {float(values.abs().max()):g}")
    rounded: Halves = half.cpu().numpy()
    return rounded


def _on_grid(name: str, stack: Tensor, bits: float, rounding: Rounding) -> GridStack:
    """Return a parameter rounded to the grids of its matrices. Raises InputError where float32 or the coder cannot hold it."""
    spacings = spacings_for_bits(stack, bits)
    if not torch.isfinite(spacings).all():
        raise InputError(f"{name}: expected weights below 1e19, found {float(stack.abs().max()):g}")
    integers = rounding(name, stack, spacings)
    if integers.abs().max() > MAX_MAGNITUDE:
        raise InputError(
            f"{name}: expected weights within {MAX_MAGNITUDE:,} spacings of 0, found {int(integers.abs().max()):,}; lower its bits"
        )
    return GridStack(integers.to(torch.int32).cpu().numpy(), spacings.flatten().cpu().numpy().astype(np.float32))
