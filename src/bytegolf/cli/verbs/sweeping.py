"""The verb that makes many runs of one recipe."""

from pathlib import Path
from typing import Annotated

import typer

from bytegolf.cli.options import AsJson, Data, Overrides, RecipeArgument, TokenizerOption
from bytegolf.cli.output import emit
from bytegolf.errors import FAILED, ParameterError
from bytegolf.names import PlaceName, ProtocolName

Seeds = Annotated[str, typer.Option("--seeds", metavar="1,2,3", help="Seeds that each configuration is trained with.")]
GridValues = Annotated[
    list[str],
    typer.Option("--grid", metavar="SECTION.KEY=A,B|FILE", help="Values that a key takes; several multiply. Or a FILE.toml of named rows."),
]
ScoredBy = Annotated[
    ProtocolName | None, typer.Option("--score", help="Compare scores by this protocol; by default those that training ends with.")
]
Packs = Annotated[
    bool, typer.Option("--pack", help="Pack every run to the recipe's pack.budget, and compare artifacts, by default sliding.")
]
Jobs = Annotated[int, typer.Option("--jobs", metavar="N", help="Runs at a time; by default one for each GPU, or core.")]
Threads = Annotated[int, typer.Option("--threads", metavar="N", help="Threads of each run; by default its share of the cores.")]
RunsOn = Annotated[
    PlaceName | None,
    typer.Option("--on", help="Run on a Ray cluster: that of this machine, or the one at RAY_ADDRESS.", show_default=False),
]
Prints = Annotated[bool, typer.Option("--print", help="Run nothing; print a line for a shell for each run that is missing.")]


def sweep(
    recipe: RecipeArgument,
    data: Data,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder of the sweep, new or to be continued.")],
    seeds: Seeds,
    grid: GridValues = [],  # noqa: B006 - typer's idiom
    overrides: Overrides = [],  # noqa: B006
    score: ScoredBy = None,
    pack: Packs = False,
    jobs: Jobs = 0,
    threads: Threads = 0,
    on: RunsOn = None,
    prints: Prints = False,
    tokenizer: TokenizerOption = None,
    as_json: AsJson = False,
) -> None:
    """Train a recipe with several seeds and settings, and tell which settings are better than the first, or whether it is noise.

    The same command does what is still missing: after Ctrl-C, after a crash, or with more seeds and values. A run that fails stops
    no other. Exit status 2 if one failed.
    """
    import bytegolf as bg
    from bytegolf.cli.sweep_table import sweep_table
    from bytegolf.recipes import load_recipe

    chosen, numbers = load_recipe(recipe, overrides), _numbers(seeds)
    if prints:
        if on or jobs:
            raise ParameterError("prints", "runs nothing, so it cannot be combined with --on and --jobs")
        lines = bg.sweep_commands(chosen, data, out, seeds=numbers, grid=grid, tokenizer=tokenizer, score=score, pack=pack, threads=threads)
        emit({"commands": lines}, as_json, lambda result: "\n".join(result["commands"]))
        return
    result = bg.sweep(
        chosen,
        data,
        out,
        seeds=numbers,
        grid=grid,
        tokenizer=tokenizer,
        score=score,
        pack=pack,
        jobs=jobs,
        threads=threads,
        on=on,
    )
    emit(result, as_json, sweep_table)
    if not result.ok:
        raise typer.Exit(FAILED)


def _numbers(seeds: str) -> list[int]:
    try:
        return [int(seed) for seed in seeds.split(",")]
    except ValueError:
        raise ParameterError("seeds", f"expected numbers with commas, found {seeds!r}") from None
