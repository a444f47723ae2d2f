"""Weights -> integers on the grid."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from bytegolf.artifact.container import Artifact, Quantized
from bytegolf.artifact.entropy import MAX_MAGNITUDE
from bytegolf.artifact.grid import quantize, steps_for_bits
from bytegolf.config import Recipe
from bytegolf.errors import InputError
from bytegolf.model.gpt import WeightClass, parameter_shapes, weight_class
from bytegolf.text.tokenizer import Tokenizer


def quantize_model(weights: Mapping[str, Tensor], recipe: Recipe, tokenizer: Tokenizer, bits: Mapping[WeightClass, float]) -> Artifact:
    """Round every matrix to the nearest point of its grid at the bits of its class; gains and scales become float16.

    Raises InputError for weights that are not finite or leave the range of float16.
    """
    quantized, controls = {}, {}
    for name in parameter_shapes(recipe.model):
        weight, kind = weights[name], weight_class(name)
        if not torch.isfinite(weight).all():
            raise InputError(f"{name}: expected finite weights, found NaN or infinity")
        if kind == "control":
            controls[name] = _half(name, weight)
        else:
            quantized[name] = _rounded(name, weight, bits[kind])
    return Artifact(recipe.model, recipe.score, tokenizer, quantized, controls)


def _rounded(name: str, weight: Tensor, bits: float) -> Quantized:
    stack = weight.float().reshape(-1, *weight.shape[-2:])
    steps = steps_for_bits(stack, bits)
    if not torch.isfinite(steps).all():
        raise InputError(f"{name}: expected weights below 1e19, found {float(weight.abs().max()):g}")
    integers = quantize(stack, steps)
    if integers.abs().max() > MAX_MAGNITUDE:
        raise InputError(
            f"{name}: expected weights within {MAX_MAGNITUDE:,} steps of 0, found {int(integers.abs().max()):,}; lower its bits"
        )
    return Quantized(integers.to(torch.int32).cpu().numpy(), steps.flatten().cpu().numpy())


def _half(name: str, weight: Tensor) -> np.ndarray[tuple[int, ...], np.dtype[np.float16]]:
    half = weight.to(torch.float16)
    if not torch.isfinite(half).all():
        raise InputError(f"{name}: expected gains within float16, found {float(weight.abs().max()):g}")
    return half.cpu().numpy()
