"""A model small enough to be packed a hundred times."""

from collections.abc import Mapping

import torch
from torch import Tensor

from bytegolf.config import PackConfig, Recipe
from bytegolf.model.gpt import GPT
from bytegolf.model.shapes import parameter_shapes
from bytegolf.model.weights import WeightClass
from bytegolf.packing.rate import Lattices, prepare_lattices
from support.models import changed, random_model

RECIPE = Recipe(name="small", model=changed(vocab_size=260))
CLASSES: tuple[WeightClass, ...] = ("mlp", "attention", "embedding", "table", "projection")


def recipe_with(**pack: object) -> Recipe:
    """RECIPE with some keys of its [pack]."""
    return RECIPE.model_copy(update={"pack": PackConfig.model_validate(pack)})


def small_weights() -> dict[str, Tensor]:
    """Random throughout, every matrix of its own scale."""
    weights = random_model(RECIPE.model).state_dict()
    return {name: weight * 0.1**index if weight.dim() > 1 else weight for index, (name, weight) in enumerate(weights.items())}


def normal_weights(recipe: Recipe) -> Mapping[str, Tensor]:
    """What `plan` takes weights to be: normal."""
    generator = torch.Generator().manual_seed(0)
    return {name: torch.randn(shape, generator=generator) for name, shape in parameter_shapes(recipe.model).items()}


def random_lattices(weights: Mapping[str, Tensor], recipe: Recipe) -> Lattices:
    """The lattices of a model with these weights, calibrated on random tokens."""
    model = GPT(recipe.model)
    model.load_state_dict(dict(weights))
    few = recipe.pack.model_copy(update={"calibration_tokens": 2048})
    return prepare_lattices("random", model.eval(), weights, recipe.model_copy(update={"pack": few}), None)


def output_error(change: Tensor, moment: Tensor) -> float:
    """tr(ΔW H ΔWᵀ) = E|ΔW x|²."""
    return float(torch.trace(change.double() @ moment.double() @ change.double().T))
