"""The grid on which a run will be packed, asked for while it is still in training."""

import time
from collections.abc import Mapping

import torch
from torch import Tensor

from bytegolf.artifact.trellis_weights import TrellisWeights
from bytegolf.config import Recipe
from bytegolf.packing.fit import fit
from bytegolf.packing.methods import RateLadder
from bytegolf.packing.rate import calibrated_lattices
from bytegolf.packing.search import BudgetTooSmallError
from bytegolf.runtime.progress import say
from bytegolf.text.dataset import Dataset
from bytegolf.training.fake_quant import Solve, Solved, StepTable

CALIBRATION_TOKENS = 16_384  # steps ask for fewer than the order and the errors of columns, which pack needs as well


def grid_solver(recipe: Recipe, dataset: Dataset, device: torch.device) -> Solve | None:
    """What finds method rate's steps for weights; None for methods whose steps follow from bits alone, and for QAT from the first
    step on, when no weight has learned yet what it will be packed for."""
    pack = recipe.pack
    if pack.method != "rate" or not recipe.qat.start:
        return None
    brief = recipe.model_copy(
        update={"pack": pack.model_copy(update={"calibration_tokens": min(pack.calibration_tokens, CALIBRATION_TOKENS)})}
    )

    def solve(weights: Mapping[str, Tensor]) -> Solved | None:
        began = time.perf_counter()
        ladder = RateLadder(calibrated_lattices(brief, weights, dataset.train, device), brief, dataset.tokenizer)
        try:
            fitted = fit(ladder, pack.budget)
        except BudgetTooSmallError as error:
            found = f"expected at least {error.smallest:,} bytes, the smallest possible, found {pack.budget:,}"
            say(f"warning: pack.budget: {found}; training goes on without QAT")
            return None
        say(f"qat: on the grid of {pack.budget:,} bytes, found in {time.perf_counter() - began:.1f} s")
        weights_on_it = fitted.artifact.weights
        assert isinstance(weights_on_it, TrellisWeights)  # as all that are fitted to lattices
        return Solved(StepTable.of(weights_on_it.stacks), fitted.bits)

    return solve
