"""A model lands just under any budget it can reach."""

import math

import numpy as np
import pytest
import torch

from bytegolf.artifact.container import read_artifact
from bytegolf.artifact.grid import GAUSSIAN_BITS, spacings_for_bits
from bytegolf.artifact.grid_weights import GridStack, GridWeights
from bytegolf.artifact.static_coder import entropy_bits
from bytegolf.artifact.trellis_weights import TrellisStack
from bytegolf.config import Recipe
from bytegolf.model.weights import weight_class
from bytegolf.packing.allocate import GRIDS
from bytegolf.packing.fit import Fitted, Ladder, fit
from bytegolf.packing.methods import BaselineLadder, GridLadder, RateLadder
from bytegolf.packing.search import BudgetTooSmallError
from bytegolf.text.tokenizer import BytesTokenizer
from support.artifacts import grids_of
from support.models import random_model
from support.packing_cases import CLASSES, RECIPE, random_lattices, recipe_with, small_weights

TOKENIZER = BytesTokenizer()


@pytest.fixture(scope="module", params=["grid", "lattice"])
def ladder(request: pytest.FixtureRequest) -> Ladder:
    if request.param == "grid":
        return GridLadder(small_weights(), RECIPE, TOKENIZER)
    return RateLadder(random_lattices(small_weights(), RECIPE), RECIPE, TOKENIZER)


@pytest.fixture(scope="module")
def smallest(ladder: Ladder) -> int:
    """The smallest size, as the error says it is."""
    with pytest.raises(BudgetTooSmallError) as raised:
        fit(ladder, 1)
    return raised.value.smallest


@pytest.fixture(scope="module")
def largest(ladder: Ladder) -> int:
    return len(fit(ladder, 10**9).file.data)


def on_grids(limit: int, recipe: Recipe = RECIPE) -> Fitted:
    return fit(GridLadder(small_weights(), recipe, TOKENIZER), limit)


def precision(found: Fitted, name: str = "banks.up") -> float:
    """The bits that normal weights would take on the grid of the first matrix of a parameter."""
    stack, matrix = found.artifact.weights.stacks[name], small_weights()[name][0]
    assert isinstance(stack, GridStack | TrellisStack)
    return GAUSSIAN_BITS + math.log2(float(matrix.square().mean().sqrt()) / float(stack.spacings[0]))


def test_budgets_from_the_smallest_to_the_largest(ladder: Ladder, smallest: int, largest: int) -> None:
    """Within a kilobyte, here within 100 bytes; more budget never means coarser grids."""
    budgets = [smallest, smallest + 1, *range(smallest + 500, largest, (largest - smallest) // 9), largest - 1, largest, largest + 10_000]
    levels = []
    for budget in budgets:
        found = fit(ladder, budget)
        size = len(found.file.data)
        assert size <= budget
        assert size == largest or budget - size <= 100, (budget, size)
        levels.append(precision(found))
    apart = [level for level, budget, after in zip(levels, budgets, budgets[1:], strict=False) if after - budget > 100]
    assert apart == sorted(apart)


def test_the_smallest_size_is_the_smallest(ladder: Ladder, smallest: int) -> None:
    assert smallest == len(Fitted.of(ladder.at(ladder.lowest)).file.data)


def test_grids_end_where_all_classes_end() -> None:
    """Every class at its lowest, not only those that set no higher sights; and the same at the highest."""
    for found, end in (
        (Fitted.of(GridLadder(small_weights(), RECIPE, TOKENIZER).at(-9.0)), GRIDS.lowest),
        (on_grids(10**9), GRIDS.highest),
    ):
        for name in ("banks.up", "banks.kv"):
            assert precision(found, name) == pytest.approx(end, abs=0.02)


def test_a_budget_that_nothing_fits(ladder: Ladder, smallest: int) -> None:
    for budget in (smallest - 1, smallest // 2, 1, 0, -5):
        with pytest.raises(BudgetTooSmallError) as raised:
            fit(ladder, budget)
        assert raised.value.smallest == smallest
    assert len(fit(ladder, smallest).file.data) == smallest


def test_what_is_fitted_is_the_file(ladder: Ladder, smallest: int) -> None:
    found = fit(ladder, 2 * smallest)
    again = read_artifact(found.file.data)
    for name, stack in found.artifact.weights.stacks.items():
        np.testing.assert_array_equal(again.weights.stacks[name].integers, stack.integers)
    assert sum(found.file.sections.values()) == len(found.file.data)
    matrices = [matrix for stack in found.artifact.weights.stacks.values() for matrix in stack.integers]
    bits = found.entropy_bits_per_weight * sum(matrix.size for matrix in matrices)
    if isinstance(found.artifact.weights, GridWeights):
        assert bits == pytest.approx(entropy_bits(matrices))
    else:  # what is learnt on the way, of so small a model a few percent
        assert 0.9 < bits / (8 * sum(found.file.sections[section] for section in ("controls", *CLASSES))) < 1
    assert set(found.bits) == set(CLASSES)
    for kind in CLASSES:
        count = sum(stack.integers.size for name, stack in found.artifact.weights.stacks.items() if weight_class(name) == kind)
        assert found.bits[kind] == 8 * found.file.sections[kind] / count


def test_every_attempt_is_told(ladder: Ladder, smallest: int) -> None:
    sizes: list[int] = []
    found = fit(ladder, 2 * smallest, sizes.append)
    assert len(found.file.data) == max(size for size in sizes if size <= 2 * smallest)


def test_the_same_weights_give_the_same_file(ladder: Ladder, smallest: int) -> None:
    assert fit(ladder, 2 * smallest).file == fit(ladder, 2 * smallest).file


def test_method_baseline_has_one_size() -> None:
    ladder = BaselineLadder(small_weights(), RECIPE, TOKENIZER)
    size = len(fit(ladder, 10**9).file.data)
    assert len(fit(ladder, size).file.data) == size
    with pytest.raises(BudgetTooSmallError) as raised:
        fit(ladder, size - 1)
    assert raised.value.smallest == size


def test_bits_of_the_recipe_are_respected() -> None:
    recipe = recipe_with(attention_bits=5.0, table_bits=2.0)
    found = on_grids(20_000, recipe)
    bits, weights = GRIDS.bits(recipe.pack, precision(found)), small_weights()
    assert (bits["attention"], bits["table"], bits["projection"]) == (5.0, 2.0, 2.0) and bits["mlp"] > 5.0
    for name, quantized in grids_of(found.artifact).stacks.items():
        stack = weights[name].reshape(-1, *weights[name].shape[-2:])
        expected = spacings_for_bits(stack, bits[weight_class(name)]).flatten().numpy()
        np.testing.assert_allclose(quantized.spacings, expected, rtol=1e-5, err_msg=name)


def test_bits_of_the_recipe_are_those_of_lattices() -> None:
    """A class that the recipe gives bits stays where it is at every level, and has about as many."""
    recipe, weights = recipe_with(mlp_bits=5.0, table_bits=3.0), random_model(RECIPE.model).state_dict()
    ladder = RateLadder(random_lattices(weights, recipe), recipe, TOKENIZER)
    low, high = Fitted.of(ladder.at(2.0)), Fitted.of(ladder.at(6.0))
    for name in ("tokens", "banks.qo", "banks.up", "bigram.table", "bigram.projection"):
        same = np.array_equal(low.artifact.weights.stacks[name].integers, high.artifact.weights.stacks[name].integers)
        assert same == (weight_class(name) in ("mlp", "table", "projection")), name
    assert low.bits["mlp"] == pytest.approx(5.0, abs=0.5) and high.bits["attention"] > low.bits["attention"] + 3


def test_bits_of_the_recipe_may_be_all_of_them() -> None:
    recipe = recipe_with(mlp_bits=3.0, attention_bits=3.0, embedding_bits=3.0, table_bits=3.0)
    found = on_grids(10**6, recipe)
    assert precision(found) == pytest.approx(3.0, abs=1e-3)
    with pytest.raises(BudgetTooSmallError) as raised:
        on_grids(len(found.file.data) - 1, recipe)
    assert raised.value.smallest == len(found.file.data)
    assert on_grids(len(found.file.data), recipe).file == found.file


@pytest.mark.parametrize("kind", ["grid", "lattice"])
def test_a_model_that_was_hardly_trained_fits(kind: str) -> None:
    """Tables of zeros but for one row take almost nothing, and are no obstacle at the highest level. Nor are constant rows."""
    weights = small_weights()
    weights["bigram.table"] = torch.zeros_like(weights["bigram.table"])
    weights["bigram.table"][5, 5] = 1e-3
    weights["trigram.table"] = torch.zeros_like(weights["trigram.table"])
    weights["value_embedding.table"][3] = 0.25
    ladder = GridLadder(weights, RECIPE, TOKENIZER) if kind == "grid" else RateLadder(random_lattices(weights, RECIPE), RECIPE, TOKENIZER)
    smallest = len(Fitted.of(ladder.at(ladder.lowest)).file.data)
    found = fit(ladder, 2 * smallest)
    assert 0 <= 2 * smallest - len(found.file.data) <= 100
    assert not found.artifact.weights.stacks["trigram.table"].integers.any()
