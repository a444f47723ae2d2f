"""Write a recipe as TOML, with the meaning of each key beside it."""

import json
from collections.abc import Iterator

from bytegolf.config import Recipe
from bytegolf.recipe_table import RecipeTable


def recipe_toml(recipe: Recipe) -> str:
    """Return the recipe as TOML that `load_recipe` can read, with the meaning of each key beside it."""
    return "\n".join(_toml_lines(recipe)) + "\n"


def _toml_lines(recipe: Recipe) -> Iterator[str]:
    yield f"name = {_toml_value(recipe.name)}"
    yield f"description = {_toml_value(recipe.description)}"
    for title, section in recipe:
        if isinstance(section, RecipeTable):
            yield f"\n[{title}]"
            for key, field in type(section).model_fields.items():
                meaning = f"# {field.description}" if field.description else ""  # a submission's script has none
                yield f"{f'{key} = {_toml_value(getattr(section, key))}':<32}{meaning}".rstrip()


def _toml_value(value: object) -> str:
    """Return a scalar as TOML: JSON, except that a DEL is escaped."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
