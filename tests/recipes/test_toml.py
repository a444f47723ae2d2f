"""A recipe that is written reads back the same, and explains every key."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bytegolf.config import Recipe
from bytegolf.recipe_table import RecipeTable
from bytegolf.recipes import load_recipe, read_recipe, recipe_names, recipe_toml, validate_recipe

Write = Callable[..., Path]


@pytest.mark.parametrize("name", recipe_names())
def test_a_shipped_recipe_reads_back_as_written(name: str, write: Write) -> None:
    recipe = load_recipe(name)
    assert load_recipe(write(recipe_toml(recipe))) == read_recipe(write(recipe_toml(recipe))) == recipe


def test_the_written_recipe_holds_every_key_and_its_meaning() -> None:
    text = recipe_toml(load_recipe("tiny"))
    lines = text.splitlines()
    for section, _ in load_recipe("tiny"):
        annotation = Recipe.model_fields[section].annotation
        if isinstance(annotation, type) and issubclass(annotation, RecipeTable):
            assert f"[{section}]" in lines
            for key, field in annotation.model_fields.items():
                assert field.description
                assert any(line.startswith(f"{key} = ") and line.endswith(f"# {field.description}") for line in lines)


ANY_TEXT = st.text(max_size=40)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    description=ANY_TEXT,
    base=st.floats(1.0, 1e38, exclude_min=True),
    eps=st.floats(0, 1, exclude_min=True),
    seed=st.integers(0, 2**62),
    tied=st.booleans(),
    device=ANY_TEXT,
)
@example(description='quotes " and \\ and # and \n', base=1e22, eps=5e-324, seed=0, tied=True, device="cuda:0")
@example(description="😀", base=2.0, eps=1.0, seed=0, tied=True, device="\x7f")
def test_any_recipe_reads_back_as_written(
    write: Write, description: str, base: float, eps: float, seed: int, tied: bool, device: str
) -> None:
    recipe = validate_recipe(
        {
            "description": description,
            "model": {"rope_base": base, "tie_embeddings": tied},
            "train": {"max_steps": 1, "seed": seed, "device": device},
            "optim": {"adam_eps": eps},
        },
        "drawn",
    )
    assert load_recipe(write(recipe_toml(recipe))) == recipe
