"""docs/recipes.md says what the recipes and the variables are."""

from bytegolf.recipes.load import RETIRED
from support.recipe_page import PAGE, presets, table, variables, with_tables


def test_the_tables_are_those_of_the_recipes_and_variables() -> None:
    page = PAGE.read_text()
    assert with_tables(page) == page, "cd tests && python -m recipes.page"
    assert page.count(table(presets())) == page.count(table(variables())) == 1


def test_what_was_retired_is_told() -> None:
    assert all(f"`{name}`" in PAGE.read_text() for name in RETIRED)
