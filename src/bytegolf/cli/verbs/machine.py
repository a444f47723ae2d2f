"""Verbs about this machine."""

from pathlib import Path
from typing import Annotated

import typer

from bytegolf.cli.options import AsJson, Overrides
from bytegolf.cli.output import emit


def bench(
    recipes: Annotated[list[str], typer.Argument(metavar="RECIPE...", help="Names or TOML files of recipes.")] = ["tiny", "small"],  # noqa: B006
    overrides: Overrides = [],  # noqa: B006 - typer's idiom
    seconds: Annotated[float, typer.Option("--seconds", metavar="S", min=0, help="Time to train each for, compilation aside.")] = 10.0,
    corpus_tokens: Annotated[int, typer.Option("--corpus-tokens", metavar="N", min=1 << 16, help="Random tokens to train on.")] = 1 << 21,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Keep the result as JSON.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure how fast this machine trains and scores.

    Shows tokens per second, the times within a step, memory, start-up, and the share of the matrix-product rate that this
    very machine reaches in the same run and precision.
    """
    import bytegolf as bg
    from bytegolf.cli.tables import bench_table
    from bytegolf.recipes import load_recipe

    result = bg.bench([load_recipe(recipe, overrides) for recipe in recipes], seconds=seconds, corpus_tokens=corpus_tokens, out=out)
    emit(result, as_json, bench_table, out=out)
