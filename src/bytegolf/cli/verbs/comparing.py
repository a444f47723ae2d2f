"""The verb that tells a better model from luck."""

from pathlib import Path
from typing import Annotated

import typer

from bytegolf.cli.options import AsJson
from bytegolf.cli.output import emit
from bytegolf.names import ProtocolName


def compare(
    new: Annotated[
        list[str] | None, typer.Argument(metavar="A...", help="Run folders, or numbers with commas; 42:1.1147 is that of seed 42.")
    ] = None,
    against: Annotated[
        list[str] | None, typer.Option("--against", metavar="B...", help="What A is to beat, named in the same way.")
    ] = None,
    leaderboard: Annotated[
        Path | None, typer.Option("--leaderboard", metavar="FILE", help="A CSV file, oldest first: a name and its scores a line.")
    ] = None,
    protocol: Annotated[ProtocolName | None, typer.Option(help="Which score of runs; by default the first that all of them have.")] = None,
    nats: Annotated[bool, typer.Option("--nats", help="Numbers are nats per token and not bits per byte.")] = False,
    bytes_per_token: Annotated[
        float | None,
        typer.Option("--bytes-per-token", metavar="X", help="Of the split; by default that of the runs, or 2.436, the contest's."),
    ] = None,
    margin: Annotated[
        float, typer.Option("--margin", metavar="NATS", help="Nats per token that A has to be better by: 0.005 for a record.")
    ] = 0.0,
    alpha: Annotated[float, typer.Option("--alpha", metavar="P", help="The level at which a difference is significant.")] = 0.01,
    as_json: AsJson = False,
) -> None:
    """Tell whether the scores of A are better than those of B, or whether it is noise: one-sided t-tests over seeds.

    In pairs where both sides have the same seeds, against a fixed number where B is one, and else Welch's. With --leaderboard
    each row against the one before. Exit status 1 if the difference is not significant.
    """
    import bytegolf as bg
    from bytegolf.cli.comparison_tables import comparison_table, leaderboard_table
    from bytegolf.errors import ParameterError

    if leaderboard is not None:
        if new or against:
            raise ParameterError("leaderboard", "cannot be combined with A and --against, which are two rows")
        board = bg.compare_leaderboard(
            leaderboard, nats=nats, bytes_per_token=bytes_per_token, margin=margin, alpha=alpha, protocol=protocol
        )
        emit(board, as_json, leaderboard_table)
        significant = board.significant
    else:
        result = bg.compare(
            new or [], against or [], nats=nats, bytes_per_token=bytes_per_token, margin=margin, alpha=alpha, protocol=protocol
        )
        emit(result, as_json, comparison_table)
        significant = result.significant
    if not significant:
        raise typer.Exit(1)
