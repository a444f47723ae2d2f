"""Verbs to begin with: the whole flow, the recipes, the plan of a run."""

from pathlib import Path
from typing import Annotated

import typer

from bytegolf.cli.options import AsJson, Overrides, RecipeArgument
from bytegolf.cli.output import emit


def quickstart(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the data and the run.")] = Path("runs/quickstart"),
    as_json: AsJson = False,
) -> None:
    """Run the whole flow in about five minutes: text, tokens, a trained model, an artifact under 1 MB, its score, a report, a proof.

    The text is the source of Python's own standard library, so nothing is downloaded.
    """
    import bytegolf as bg
    from bytegolf.cli.tables import quickstart_table

    emit(bg.quickstart(out), as_json, quickstart_table)


def recipes(
    name: Annotated[str | None, typer.Argument(help="A recipe to print fully resolved, each key with its meaning.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the recipes, or print one as TOML: every knob, its value and what it means.

    Copy the output to a file, change it, and train with the file. A file may also begin with
    extends = "tiny" and hold only what differs.
    """
    from bytegolf.recipes import load_recipe, recipe_groups, recipe_toml

    if name is not None:
        recipe = load_recipe(name)
        emit(recipe.model_dump(), as_json, lambda _: recipe_toml(recipe))
    else:
        groups = {title: {name: load_recipe(name).description for name in names} for title, names in recipe_groups().items()}
        known = {name: text for group in groups.values() for name, text in group.items()}
        emit(known, as_json, lambda _: "\n\n".join(_listing(title, group) for title, group in groups.items()))


def plan(recipe: RecipeArgument, overrides: Overrides = [], as_json: AsJson = False) -> None:  # noqa: B006 - typer's idiom
    """Predict, before any training: parameters, FLOPs per token, artifact bytes, and the steps this machine will take.

    Exit status 1 if the artifact will not fit the recipe's pack.budget.
    """
    import bytegolf as bg
    from bytegolf.cli.tables import plan_table
    from bytegolf.recipes import load_recipe

    planned = bg.plan(load_recipe(recipe, overrides))
    emit(planned, as_json, plan_table)
    if not planned.fits:
        raise typer.Exit(1)


def _listing(title: str, known: dict[str, str]) -> str:
    return "\n".join((title, *(f"  {name:<20} {text}" for name, text in known.items())))
