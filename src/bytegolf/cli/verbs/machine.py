"""Verbs about this machine."""

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from bytegolf.cli.options import AsJson, Overrides
from bytegolf.cli.output import emit


def doctor(as_json: AsJson = False) -> None:
    """Tell what this machine can do, what is missing and how to get it, and what to run first.

    Devices with their precision and attention, a compiler, the sandbox, memory and disk, optional packages. Missing things
    that a verb can do without are told with what they are for.
    """
    import bytegolf as bg
    from bytegolf.cli.first_tables import doctor_table

    emit(bg.doctor(), as_json, doctor_table)


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
    from bytegolf.storage.claim import claimed
    from bytegolf.storage.files import write_json

    loaded = [load_recipe(recipe, overrides) for recipe in recipes]
    with claimed(out) if out else nullcontext():
        result = bg.bench(loaded, seconds=seconds, corpus_tokens=corpus_tokens)
        try:
            emit(result, as_json, bench_table, out=out)
        finally:  # neither is lost where the other fails
            if out:
                write_json(out, result.to_json())
