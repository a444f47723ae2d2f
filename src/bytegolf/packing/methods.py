"""The methods of packing, each a ladder of artifacts from which `fit` takes the largest that is within the budget.

`prepare_ladder` chooses by the recipe's `pack.method`. A new quantiser is a ladder here with a case there, an entry in
`size_model.predict_sections`, and one in `allocate.ALLOCATIONS` if its bits follow from a level. If it stores weights in a new way, it also
needs a class beside `artifact.grid_weights` and `artifact.trellis_weights`.
"""

from dataclasses import dataclass

import torch

from bytegolf.artifact.container import Artifact
from bytegolf.artifact.trellis_weights import TrellisWeights
from bytegolf.config import Recipe
from bytegolf.errors import ParameterError
from bytegolf.model.gpt import model_from_weights
from bytegolf.model.weights import Bits, Weights
from bytegolf.packing.allocate import GRIDS, TRELLISES, Allocation
from bytegolf.packing.baseline import quantize_baseline
from bytegolf.packing.calibration import calibrate
from bytegolf.packing.fit import Ladder
from bytegolf.packing.gptq import ErrorFeedback
from bytegolf.packing.rate import Lattices, calibrated_lattices
from bytegolf.packing.rounding import Rounding, nearest, quantize_model
from bytegolf.runtime.progress import Progress
from bytegolf.text.shards import TokenStream
from bytegolf.text.tokenizer import Tokenizer


@dataclass(frozen=True)
class RateLadder:
    """Method rate: lattices whose spacings all follow from the level."""

    lattices: Lattices
    recipe: Recipe
    tokenizer: Tokenizer
    lowest: float = TRELLISES.lowest
    highest: float = TRELLISES.highest

    def at(self, level: float) -> Artifact:
        """Return the artifact of a level."""
        weights = TrellisWeights(self.lattices.at(level))
        return Artifact(self.recipe.model, self.recipe.score, self.tokenizer, weights, self.recipe.pack.coder, self.recipe.experts_used)


@dataclass(frozen=True)
class GridLadder:
    """One grid for each matrix, whose spacing follows from the bits of its class. With error feedback it is method gptq."""

    weights: Weights
    recipe: Recipe
    tokenizer: Tokenizer
    rounding: Rounding = nearest
    allocation: Allocation = GRIDS

    @property
    def lowest(self) -> float:
        """Return the level at which every class has its fewest bits."""
        return self.allocation.lowest_level

    @property
    def highest(self) -> float:
        """Return the level at which every class has its most bits."""
        return self.allocation.highest_level

    def at(self, level: float) -> Artifact:
        """Return the artifact of a level."""
        bits = self.allocation.bits(self.recipe.pack, level)
        return quantize_model(self.weights, self.recipe, self.tokenizer, bits, self.rounding)


@dataclass(frozen=True)
class BaselineLadder:
    """Method baseline, whose widths are fixed: there is one level."""

    weights: Weights
    recipe: Recipe
    tokenizer: Tokenizer
    lowest: float = 0.0
    highest: float = 0.0

    def at(self, level: float) -> Artifact:
        """Return the one artifact there is."""
        return quantize_baseline(self.weights, self.recipe, self.tokenizer)


def prepare_ladder(recipe: Recipe, weights: Weights, tokenizer: Tokenizer, tokens: TokenStream | None, device: torch.device) -> Ladder:
    """Return the ladder of the recipe's method for `weights`, calibrated on training text `tokens` where the method learns from text.

    Raises ParameterError if method gptq is given no text.
    """
    match recipe.pack.method:
        case "rate":
            return RateLadder(calibrated_lattices(recipe, weights, tokens, device), recipe, tokenizer)
        case "gptq":
            if tokens is None:
                raise ParameterError("data", "expected a data folder, whose training text method gptq learns from, found none")
            return GridLadder(weights, recipe, tokenizer, _error_feedback(recipe, weights, tokens, device))
        case "baseline":
            return BaselineLadder(weights, recipe, tokenizer)


def estimate_artifact(recipe: Recipe, weights: Weights, tokenizer: Tokenizer, bits: Bits) -> Artifact:
    """Return an artifact of about the size that the recipe's method will give `weights`, without a search or a text.

    It is on grids of `bits` per class. For method baseline it is the very file.
    """
    if recipe.pack.method == "baseline":
        return quantize_baseline(weights, recipe, tokenizer)
    return quantize_model(weights, recipe, tokenizer, bits)


def _error_feedback(recipe: Recipe, weights: Weights, tokens: TokenStream, device: torch.device) -> ErrorFeedback:
    """Return error feedback by what the model's matrices read of training text."""
    model = model_from_weights(recipe.model, weights, device)
    with Progress("calibrate", recipe.pack.calibration_tokens, "tokens") as progress:
        return ErrorFeedback(calibrate(model, recipe, tokens, progress.advance), recipe.pack)
