"""The tables of docs/recipes.md and docs/from-the-baseline.md, from the recipes and the variables themselves.

cd tests && python -m support.recipe_page     # write them anew
"""

from collections.abc import Iterator
from pathlib import Path

from bytegolf.config import Recipe
from bytegolf.model.flops import training_flops_per_token
from bytegolf.model.shapes import parameter_count
from bytegolf.names import MethodName
from bytegolf.packing.plan import plan_artifact
from bytegolf.recipes import load_recipe, recipe_groups
from bytegolf.recipes.variables import VARIABLES

DOCS = Path(__file__).parents[2] / "docs"
RECIPES, BASELINE = DOCS / "recipes.md", DOCS / "from-the-baseline.md"


def own() -> Iterator[tuple[str, ...]]:
    """What bytegolf's own recipes cost before anything is measured."""
    yield "recipe", "parameters", "ends after", "tokens a step", "MFLOP a token", "budget", "bits a weight"
    names, *_ = recipe_groups().values()
    for name in names:
        recipe = load_recipe(name)
        weights = parameter_count(recipe.model)
        yield (
            f"`{name}`",
            f"{weights:,}",
            end(recipe),
            f"{recipe.train.batch_tokens:,}",
            f"{training_flops_per_token(recipe) / 1e6:.1f}",
            f"{recipe.pack.budget:,}",
            f"{8 * recipe.pack.budget / weights:.1f}",
        )


def presets() -> Iterator[tuple[str, ...]]:
    yield (
        *("recipe", "parameters", "layers", "ends after", "MFLOP a token", "QAT begins", "average", "MLP, attention", "TTT"),
        *("baseline's bytes", "bits a weight"),
    )
    _, *groups = recipe_groups().values()
    for name in (name for group in groups for name in group):
        recipe = load_recipe(name)
        size = planned_bytes(recipe, "baseline")
        yield (
            f"`{name}`",
            f"{parameter_count(recipe.model):,}",
            f"{recipe.model.num_layers}",
            end(recipe),
            f"{training_flops_per_token(recipe) / 1e6:.0f}",
            fake_quantisation(recipe),
            "EMA" if recipe.average.ema_decay else "SWA" if recipe.average.swa_below else "none",
            f"INT{recipe.pack.mlp_int}, INT{recipe.pack.attention_int}",
            "yes" if recipe.ttt.enabled else "",
            f"{size / 1e6:.1f} MB" + (", over" if size > recipe.pack.budget else ""),
            f"{8 * recipe.pack.budget / parameter_count(recipe.model):.2f}",
        )


def planned_bytes(recipe: Recipe, method: MethodName) -> int:
    """The artifact as `plan` predicts it for a method, which has one size if its widths are fixed."""
    return plan_artifact(recipe.model_copy(update={"pack": recipe.pack.model_copy(update={"method": method})})).predicted_bytes


def end(recipe: Recipe) -> str:
    return f"{recipe.train.max_seconds:g} s" if recipe.train.max_seconds else f"{recipe.train.max_steps:,} steps"


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


def with_tables(page: str, **tables: Iterator[tuple[str, ...]]) -> str:
    """`page` with its tables as they should be, each between comments that name it."""
    for name, rows in tables.items():
        begin, close = f"<!-- {name}, written by `make docs` -->\n", f"\n<!-- end of {name} -->"
        before, _, rest = page.partition(begin)
        _, found, after = rest.partition(close)
        assert found, f"no table called {name}"
        page = f"{before}{begin}\n{table(rows)}\n{close}{after}"
    return page


def recipes_page() -> str:
    return with_tables(RECIPES.read_text(), recipes=own(), presets=presets())


def baseline_page() -> str:
    return with_tables(BASELINE.read_text(), variables=variables())


if __name__ == "__main__":
    RECIPES.write_text(recipes_page())
    BASELINE.write_text(baseline_page())
