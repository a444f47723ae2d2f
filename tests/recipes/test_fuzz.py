"""Recipes with bytes changed, lost and added: loaded, or refused in one line."""

from pathlib import Path

from bytegolf.recipes import load_recipe
from bytegolf.recipes.toml import recipe_toml
from support.fuzz import amounts, mutations, require_read_or_refused


@amounts
def test_recipes(tmp_path: Path, count: int) -> None:
    path = tmp_path / "mine.toml"
    valid = recipe_toml(load_recipe("tiny")).encode()

    def read(data: bytes) -> None:
        path.write_bytes(data)
        load_recipe(path)

    require_read_or_refused(read, mutations(valid, count))
