"""Every key of a recipe is explained, typed and checked against the others."""

import pytest
from pydantic import ValidationError

from bytegolf.config import ModelConfig, Recipe, ScoreConfig, TrainConfig
from bytegolf.recipe_table import RecipeTable

SECTIONS = {name: section for name, section in Recipe() if isinstance(section, RecipeTable)}


def test_a_recipe_that_says_nothing_is_valid() -> None:
    assert Recipe.model_validate({}) == Recipe()


@pytest.mark.parametrize("section", SECTIONS.values(), ids=SECTIONS)
def test_every_key_is_explained_in_one_line(section: RecipeTable) -> None:
    for name, field in type(section).model_fields.items():
        assert field.description and "\n" not in field.description, name


@pytest.mark.parametrize("section", SECTIONS.values(), ids=SECTIONS)
def test_an_unknown_key_is_refused(section: RecipeTable) -> None:
    with pytest.raises(ValidationError, match="other"):
        type(section).model_validate({"other": 1})


@pytest.mark.parametrize("section", SECTIONS.values(), ids=SECTIONS)
def test_a_value_is_never_converted(section: RecipeTable) -> None:
    """A number in quotes is a mistake, and so is a number where words belong."""
    for name, value in section:
        with pytest.raises(ValidationError, match=name):
            type(section).model_validate({name: 1j if isinstance(value, str) else str(value)})


def test_widths_follow_from_heads() -> None:
    model = ModelConfig(model_dim=96, num_heads=6, num_kv_heads=2, mlp_mult=2.5)
    assert (model.head_dim, model.kv_dim, model.mlp_dim) == (16, 32, 240)
    assert model.rotated_dims == 16, "0 is all dimensions of a head"
    assert ModelConfig(model_dim=96, num_heads=6, num_kv_heads=2, rope_dims=4).rotated_dims == 4


@pytest.mark.parametrize(
    ("loop", "order"),
    [
        ({}, (0, 1, 2, 3)),
        ({"loops": 1, "loop_first": 2}, (0, 1, 2, 3)),
        ({"loops": 2}, (0, 1, 2, 3, 0, 1, 2, 3)),
        ({"loops": 2, "loop_first": 1}, (0, 1, 2, 3, 1, 2, 3)),
        ({"loops": 3, "loop_first": 1, "loop_blocks": 2}, (0, 1, 2, 1, 2, 1, 2, 3)),
        ({"loops": 2, "loop_blocks": 1}, (0, 0, 1, 2, 3)),
        ({"loops": 2, "loop_first": 3, "loop_blocks": 1}, (0, 1, 2, 3, 3)),
    ],
)
def test_looped_blocks_are_run_again(loop: dict[str, int], order: tuple[int, ...]) -> None:
    model = ModelConfig.model_validate({"num_layers": 4, **loop})
    assert model.block_order == order and model.depth == len(order)


@pytest.mark.parametrize(
    ("section", "values", "key"),
    [
        (ModelConfig, {"num_heads": 3}, "num_heads: expected a divisor of model_dim 512, found 3"),
        (ModelConfig, {"num_layers": 2, "xsa_layers": 3}, "xsa_layers: expected at most num_layers 2, found 3"),
        (ModelConfig, {"num_layers": 4, "loop_first": 4}, "loop_first: expected a block, which num_layers 4 counts from 0 to 3, found 4"),
        (
            ModelConfig,
            {"num_layers": 4, "loop_first": 2, "loop_blocks": 3},
            "loop_blocks: expected at most 2, the blocks from loop_first on, found 3",
        ),
        (ModelConfig, {"num_layers": 4, "loops": 129}, "loops: expected at most 512 blocks run in all, found 516"),
        (ModelConfig, {"loops": 2**62}, "loops: expected at most 512 blocks run in all"),
        (TrainConfig, {"batch_tokens": 4096, "sequence_length": 1000}, "batch_tokens: expected a multiple of sequence_length 1000"),
        (TrainConfig, {"max_steps": 0}, "max_steps: expected a cap in steps or in max_seconds, found 0"),
        (ScoreConfig, {"window": 8, "stride": 9}, "stride: expected at most window 8, found 9"),
    ],
)
def test_keys_that_disagree_are_named_with_what_they_disagree_with(section: type[RecipeTable], values: dict[str, int], key: str) -> None:
    with pytest.raises(ValidationError, match=key):
        section.model_validate(values)
