"""Every key of a recipe is explained, typed and checked against the others."""

import pytest
from pydantic import ValidationError

from bytegolf.config import ModelConfig, Recipe, RecipeTable, ScoreConfig, TrainConfig

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
    ("section", "values", "key"),
    [
        (ModelConfig, {"num_heads": 3}, "num_heads: expected a divisor of model_dim 512, found 3"),
        (ModelConfig, {"num_layers": 2, "xsa_layers": 3}, "xsa_layers: expected at most num_layers 2, found 3"),
        (TrainConfig, {"batch_tokens": 4096, "sequence_length": 1000}, "batch_tokens: expected a multiple of sequence_length 1000"),
        (TrainConfig, {"max_steps": 0}, "max_steps: expected a cap in steps or in max_seconds, found 0"),
        (ScoreConfig, {"window": 8, "stride": 9}, "stride: expected at most window 8, found 9"),
    ],
)
def test_keys_that_disagree_are_named_with_what_they_disagree_with(section: type[RecipeTable], values: dict[str, int], key: str) -> None:
    with pytest.raises(ValidationError, match=key):
        section.model_validate(values)
