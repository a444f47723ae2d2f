"""What is known before training: parameters, operations, and whether the artifact will fit."""

import pytest

from bytegolf.config import ModelConfig, Recipe, TrainConfig
from bytegolf.model.flops import training_flops_per_token
from bytegolf.model.shapes import parameter_count
from bytegolf.packing.allocate import TRELLISES
from bytegolf.packing.plan import plan_artifact
from bytegolf.recipes import load_recipe


def test_fixed_widths_fit_or_do_not() -> None:
    recipe = load_recipe("small", ["pack.method=baseline"])
    size = plan_artifact(recipe).predicted_bytes
    for budget, fits in ((size, True), (size - 1, False)):
        plan = plan_artifact(load_recipe("small", ["pack.method=baseline", f"pack.budget={budget}"]))
        assert (plan.fits, plan.predicted_bytes) == (fits, size)


@pytest.mark.parametrize("name", ["pocket", "tiny", "small", "v10_banked", "quickstart", "frontier_small", "frontier"])
def test_a_plan_of_each_recipe(name: str) -> None:
    recipe = load_recipe(name)
    plan = plan_artifact(recipe)
    assert (plan.recipe, plan.parameters, plan.budget) == (name, parameter_count(recipe.model), recipe.pack.budget)
    assert plan.fits and plan.predicted_bytes <= plan.budget
    assert plan.flops_per_token == training_flops_per_token(recipe)
    assert plan.to_json()["predicted_bytes"] == plan.predicted_bytes == sum(plan.predicted.values())


def test_more_budget_is_more_bits() -> None:
    plans = [plan_artifact(load_recipe("tiny", [f"pack.budget={budget}"])) for budget in range(200_000, 2_000_000, 100_000)]
    levels = [plan.bits["mlp"] for plan in plans]
    assert levels == sorted(levels) and levels[0] < 1.5 and levels[-1] == TRELLISES.highest


@pytest.mark.parametrize("method", ["rate", "gptq"])
def test_a_budget_that_is_too_small(method: str) -> None:
    plan = plan_artifact(load_recipe("tiny", [f"pack.method={method}", "pack.budget=20000"]))
    assert not plan.fits and plan.predicted_bytes > plan.budget


@pytest.mark.parametrize(("method", "budgets"), [("rate", range(15_000, 90_000, 5_000)), ("gptq", range(130_000, 200_000, 5_000))])
def test_a_plan_fits_if_its_bytes_do(method: str, budgets: range) -> None:
    """Around the smallest size there is."""
    plans = [plan_artifact(load_recipe("tiny", [f"pack.method={method}", f"pack.budget={budget}"])) for budget in budgets]
    assert [plan.fits for plan in plans] == [plan.predicted_bytes <= plan.budget for plan in plans]
    assert {plan.fits for plan in plans} == {True, False}


def test_bits_of_the_recipe_that_are_too_many() -> None:
    plan = plan_artifact(load_recipe("tiny", ["pack.mlp_bits=12", "pack.attention_bits=12", "pack.budget=700000"]))
    assert not plan.fits and plan.predicted_bytes > 700_000
    assert plan.bits["mlp"] == plan.bits["attention"] == 12.0


# --- operations


def test_operations_per_token_by_hand() -> None:
    """D = 8, V = 32, L = 3, H = 2, K = 1, MLP 16 wide, a bigram table 5 wide; sequences of 64."""
    model = ModelConfig(vocab_size=32, num_layers=3, model_dim=8, num_heads=2, num_kv_heads=1, mlp_mult=2.0, bigram_size=10, bigram_dim=5)
    recipe = Recipe(model=model, train=TrainConfig(sequence_length=64, batch_tokens=64))
    in_a_block = 8 * 8 + 4 * 8 + 4 * 8 + 8 * 8 + 16 * 8 + 8 * 16
    products = 3 * in_a_block + 8 * 5 + 8 * 32
    attention = 3 * (64 // 2) * (8 + 8) * 6  # half of 64 keys on average, scores and values, 2 operations forward and 4 backward
    assert training_flops_per_token(recipe) == 6 * products + attention


def test_operations_of_a_loop_are_those_of_the_model_written_out() -> None:
    """Blocks 1 and 2 of four, three times in all, are eight that are run. Hashes are looked up once."""
    shape = {"bigram_size": 64, "trigram_size": 64, "value_embed_layers": 2, "unet_skips": False}
    looped = ModelConfig.model_validate({**shape, "num_layers": 4, "loop_first": 1, "loop_blocks": 2, "loops": 3})
    written_out = ModelConfig.model_validate({**shape, "num_layers": 8})
    assert training_flops_per_token(Recipe(model=looped)) == training_flops_per_token(Recipe(model=written_out))
    assert parameter_count(looped) == parameter_count(ModelConfig.model_validate({**shape, "num_layers": 4}))


def test_an_untied_head_takes_no_more_operations() -> None:
    tied, untied = (Recipe(model=ModelConfig(tie_embeddings=tie)) for tie in (True, False))
    assert training_flops_per_token(tied) == training_flops_per_token(untied)
