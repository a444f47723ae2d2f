"""The tables of docs/recipes.md, from the recipes and the variables themselves.

cd tests && python -m recipes.page     # write them anew
"""

import re
from collections.abc import Iterator
from pathlib import Path

from bytegolf.config import Recipe
from bytegolf.model.shapes import parameter_count
from bytegolf.recipes import load_recipe, recipe_groups
from bytegolf.recipes.variables import VARIABLES

PAGE = Path(__file__).parents[2] / "docs" / "recipes.md"


def presets() -> Iterator[tuple[str, ...]]:
    yield "recipe", "parameters", "layers", "ends after", "QAT begins", "average", "MLP, attention", "TTT"
    _, *groups = recipe_groups().values()
    for name in (name for group in groups for name in group):
        recipe = load_recipe(name)
        yield (
            f"`{name}`",
            f"{parameter_count(recipe.model):,}",
            f"{recipe.model.num_layers}",
            f"{recipe.train.max_seconds:g} s" if recipe.train.max_seconds else f"{recipe.train.max_steps:,} steps",
            fake_quantisation(recipe),
            "EMA" if recipe.average.ema_decay else "SWA" if recipe.average.swa_below else "none",
            f"INT{recipe.pack.mlp_int}, INT{recipe.pack.attention_int}",
            "yes" if recipe.ttt.enabled else "",
        )


def fake_quantisation(recipe: Recipe) -> str:
    qat = recipe.qat
    if qat.below_scale:
        return f"below {qat.below_scale:g} of the rate"
    return "never" if qat.start == 1 else f"at {qat.start:.0%}" if qat.start else "at once"


def variables() -> Iterator[tuple[str, ...]]:
    yield "variable", "default", "here"
    for variable in VARIABLES.values():
        yield f"`{variable.name}`", f"`{variable.default}`", variable.effect


def table(rows: Iterator[tuple[str, ...]]) -> str:
    head, *body = (f"| {' | '.join(row)} |" for row in rows)
    return "\n".join([head, "|---" * (head.count("|") - 1) + "|", *body])


def with_tables(page: str) -> str:
    """`page` with its tables as they should be, in their order."""
    made = iter([table(presets()), table(variables())])
    return re.sub(r"(?m)^\|(?:.*\n\|)*.*$", lambda _: next(made), page)


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text()))
