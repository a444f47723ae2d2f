"""A model lands just under any budget it can reach."""

import numpy as np
import pytest
import torch

from bytegolf.artifact.container import read_artifact
from bytegolf.artifact.entropy import entropy_bits
from bytegolf.artifact.grid import steps_for_bits
from bytegolf.config import Recipe
from bytegolf.model.gpt import weight_class
from bytegolf.pack.allocate import HIGHEST, LOWEST, BudgetTooSmallError, class_bits
from bytegolf.pack.fit import Fitted, fit, pack_at
from bytegolf.text.tokenizer import BytesTokenizer

from .cases import CLASSES, RECIPE, recipe_with, small_weights

TOKENIZER = BytesTokenizer()


def fitted(limit: int, recipe: Recipe = RECIPE) -> Fitted:
    return fit(small_weights(), recipe, TOKENIZER, limit)


@pytest.fixture(scope="module")
def smallest() -> int:
    """What the error says it is."""
    with pytest.raises(BudgetTooSmallError) as raised:
        fitted(1)
    return raised.value.smallest


@pytest.fixture(scope="module")
def largest() -> int:
    return len(fitted(10**9).file.data)


def test_budgets_from_the_smallest_to_the_largest(smallest: int, largest: int) -> None:
    """Within a kilobyte, here within 64 bytes; more budget never means fewer bits."""
    budgets = [smallest, smallest + 1, *range(smallest + 500, largest, (largest - smallest) // 9), largest - 1, largest, largest + 10_000]
    levels = []
    for budget in budgets:
        found = fitted(budget)
        size = len(found.file.data)
        assert size <= budget
        assert size == largest or budget - size <= 64, (budget, size)
        levels.append(found.bits["mlp"])
    assert levels[0] == pytest.approx(LOWEST, abs=0.02) and levels[-1] == HIGHEST
    apart = [level for level, budget, after in zip(levels, budgets, budgets[1:], strict=False) if after - budget > 64]
    assert apart == sorted(apart)


def test_the_smallest_size_is_the_smallest(smallest: int) -> None:
    """Every class at its lowest, not only those that set no higher sights."""
    bits = dict.fromkeys(CLASSES, LOWEST)
    assert smallest == len(pack_at(small_weights(), RECIPE, TOKENIZER, bits).file.data)


def test_a_budget_that_nothing_fits(smallest: int) -> None:
    for budget in (smallest - 1, smallest // 2, 1, 0, -5):
        with pytest.raises(BudgetTooSmallError) as raised:
            fitted(budget)
        assert raised.value.smallest == smallest
    assert len(fitted(smallest).file.data) == smallest


def test_what_is_fitted_is_the_file(smallest: int) -> None:
    found = fitted(2 * smallest)
    again = read_artifact(found.file.data)
    for name, weight in found.artifact.weights.items():
        np.testing.assert_array_equal(again.weights[name].integers, weight.integers)
    assert sum(found.file.sections.values()) == len(found.file.data)
    matrices = [matrix for weight in found.artifact.weights.values() for matrix in weight.integers]
    assert found.entropy_bits_per_weight == pytest.approx(entropy_bits(matrices) / sum(matrix.size for matrix in matrices))


def test_every_attempt_is_told(smallest: int) -> None:
    sizes: list[int] = []
    found = fit(small_weights(), RECIPE, TOKENIZER, 2 * smallest, sizes.append)
    assert len(found.file.data) == max(size for size in sizes if size <= 2 * smallest)


def test_the_same_weights_give_the_same_file(smallest: int) -> None:
    assert fitted(2 * smallest).file == fitted(2 * smallest).file


def test_bits_of_the_recipe_are_respected() -> None:
    recipe = recipe_with(attention_bits=5.0, table_bits=2.0)
    found = fitted(20_000, recipe)
    assert (found.bits["attention"], found.bits["table"], found.bits["projection"]) == (5.0, 2.0, 2.0)
    assert found.bits == class_bits(recipe.pack, level=found.bits["mlp"]) and found.bits["mlp"] > 5.0
    weights = small_weights()
    for name, quantized in found.artifact.weights.items():
        stack = weights[name].reshape(-1, *weights[name].shape[-2:])
        expected = steps_for_bits(stack, found.bits[weight_class(name)]).flatten().numpy()
        np.testing.assert_array_equal(quantized.steps, expected, name)


def test_bits_of_the_recipe_may_be_all_of_them() -> None:
    recipe = recipe_with(mlp_bits=3.0, attention_bits=3.0, embedding_bits=3.0, table_bits=3.0)
    found = fitted(10**6, recipe)
    assert found.bits == dict.fromkeys(CLASSES, 3.0)
    with pytest.raises(BudgetTooSmallError) as raised:
        fitted(len(found.file.data) - 1, recipe)
    assert raised.value.smallest == len(found.file.data)
    assert fitted(len(found.file.data), recipe).file == found.file


def test_a_model_that_was_hardly_trained_fits(smallest: int) -> None:
    """Tables of zeros but for one row take almost nothing, and are no obstacle at the highest level."""
    weights = small_weights()
    weights["bigram.table"] = torch.zeros_like(weights["bigram.table"])
    weights["bigram.table"][5, 5] = 1e-3
    found = fit(weights, RECIPE, TOKENIZER, 2 * smallest)
    assert 0 <= 2 * smallest - len(found.file.data) <= 64
