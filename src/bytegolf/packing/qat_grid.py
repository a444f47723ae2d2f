"""The packer's own grid for weights that are still in training, so that late QAT rounds to what `pack` will write.

The search is that of method rate with the recipe's budget, calibrated on less text: spacings alone need fewer tokens than the
order of columns and the feedback of their errors, which `pack` computes as well.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from bytegolf.artifact.trellis_weights import TrellisStack, TrellisWeights
from bytegolf.config import Recipe
from bytegolf.model.weights import Bits, Weights
from bytegolf.packing.fit import fit
from bytegolf.packing.methods import RateLadder
from bytegolf.packing.rate import calibrated_lattices
from bytegolf.packing.search import BudgetTooSmallError
from bytegolf.runtime.progress import say
from bytegolf.text.shards import TokenStream
from bytegolf.text.tokenizer import Tokenizer

CALIBRATION_TOKENS = 16_384


@dataclass(frozen=True)
class QatGrid:
    """The grid on which weights would be packed into the budget now: `stacks` by parameter, and the bits per weight of each class."""

    stacks: Mapping[str, TrellisStack]
    bits: Bits


def solve_qat_grid(recipe: Recipe, weights: Weights, tokens: TokenStream, tokenizer: Tokenizer, device: torch.device) -> QatGrid | None:
    """Return the grid on which method rate would pack `weights` into the recipe's budget, calibrated on `tokens`.

    Returns None, with a warning, where not even the coarsest grid is within the budget.
    """
    began, budget = time.perf_counter(), recipe.pack.budget
    calibration_tokens = min(recipe.pack.calibration_tokens, CALIBRATION_TOKENS)
    brief = recipe.model_copy(update={"pack": recipe.pack.model_copy(update={"calibration_tokens": calibration_tokens})})
    try:
        fitted = fit(RateLadder(calibrated_lattices(brief, weights, tokens, device), brief, tokenizer), budget)
    except BudgetTooSmallError as error:
        found = f"expected at least {error.smallest:,} bytes, the smallest possible, found {budget:,}"
        say(f"warning: pack.budget: {found}; training goes on without QAT")
        return None
    say(f"qat: on the grid of {budget:,} bytes, found in {time.perf_counter() - began:.1f} s")
    stored = fitted.artifact.weights
    assert isinstance(stored, TrellisWeights)  # as the ladder makes them
    return QatGrid(stored.stacks, fitted.bits)
