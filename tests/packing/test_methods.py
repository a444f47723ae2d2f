"""The recipe's method chooses the ladder, and every ladder rises."""

from typing import get_args

import pytest
import torch

from bytegolf.artifact.grid_weights import GridWeights
from bytegolf.artifact.trellis_weights import TrellisWeights
from bytegolf.config import Recipe
from bytegolf.errors import ParameterError
from bytegolf.names import MethodName
from bytegolf.packing.fit import Fitted, Ladder
from bytegolf.packing.gptq import ErrorFeedback
from bytegolf.packing.methods import BaselineLadder, GridLadder, RateLadder, prepare_ladder
from bytegolf.text.tokenizer import BytesTokenizer
from support.trained import Trained

LADDERS = {"rate": RateLadder, "gptq": GridLadder, "baseline": BaselineLadder}
CPU = torch.device("cpu")


def recipe_of(trained: Trained, method: MethodName) -> Recipe:
    return trained.recipe.model_copy(update={"pack": trained.recipe.pack.model_copy(update={"method": method})})


def ladder_of(trained: Trained, method: MethodName) -> Ladder:
    return prepare_ladder(recipe_of(trained, method), trained.weights, BytesTokenizer(), trained.stream, CPU)


@pytest.mark.parametrize("method", get_args(MethodName))
def test_each_method_has_its_ladder(trained: Trained, method: MethodName) -> None:
    ladder = ladder_of(trained, method)
    assert isinstance(ladder, LADDERS[method])
    kind = TrellisWeights if method == "rate" else GridWeights
    assert isinstance(ladder.at(ladder.lowest).weights, kind)
    assert isinstance(ladder, GridLadder) == (method == "gptq")
    if isinstance(ladder, GridLadder):
        assert isinstance(ladder.rounding, ErrorFeedback)


@pytest.mark.parametrize("method", get_args(MethodName))
def test_higher_levels_take_more_bytes_and_lose_less(trained: Trained, method: MethodName) -> None:
    """But for method baseline, which has one level."""
    ladder = ladder_of(trained, method)
    fitted = [
        Fitted.of(ladder.at(level)) for level in sorted({min(max(level, ladder.lowest), ladder.highest) for level in (2.0, 4.0, 6.0)})
    ]
    sizes = [each.size for each in fitted]
    losses = [trained.divergence(each.artifact.model()) for each in fitted]
    assert len(sizes) == (1 if method == "baseline" else 3)
    assert sizes == sorted(sizes) and losses == sorted(losses, reverse=True)


def test_gptq_needs_text_and_the_others_do_not(trained: Trained) -> None:
    with pytest.raises(ParameterError, match=r"^data: expected a data folder, whose training text method gptq learns from, found none$"):
        prepare_ladder(recipe_of(trained, "gptq"), trained.weights, BytesTokenizer(), None, CPU)
    others: tuple[MethodName, ...] = ("rate", "baseline")
    for method in others:
        assert prepare_ladder(recipe_of(trained, method), trained.weights, BytesTokenizer(), None, CPU).at(3.0).model() is not None
