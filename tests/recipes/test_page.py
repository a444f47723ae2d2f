"""docs/recipes.md and docs/from-the-baseline.md say what the recipes and the variables are."""

from bytegolf.recipes import recipe_names
from bytegolf.recipes.load import RETIRED
from bytegolf.recipes.variables import VARIABLES
from support.recipe_page import BASELINE, RECIPES, baseline_page, recipes_page


def test_the_tables_are_those_of_the_recipes_and_variables() -> None:
    assert recipes_page() == RECIPES.read_text(), "make docs"
    assert baseline_page() == BASELINE.read_text(), "make docs"


def test_every_recipe_and_every_variable_has_its_row() -> None:
    recipes, variables = RECIPES.read_text(), BASELINE.read_text()
    assert all(recipes.count(f"\n| `{name}` | ") >= 1 for name in recipe_names())
    assert all(variables.count(f"\n| `{name}` | ") == 1 for name in VARIABLES)


def test_what_was_retired_is_told() -> None:
    assert all(f"`{name}`" in RECIPES.read_text() for name in RETIRED)
