"""Verbs from a run to an artifact, its score and its report."""

from pathlib import Path
from typing import Annotated

import typer

from bytegolf.cli.options import AsJson, Data, LearningOverrides, LimitBytes, Protocol, Stride, TokenizerOption, WithExperts
from bytegolf.cli.output import emit
from bytegolf.names import CoderName, MethodName


def pack(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A finished run.")],
    budget: Annotated[
        int, typer.Option("--budget", metavar="BYTES", help="Bytes the artifact may have; 0 takes the recipe's pack.budget.")
    ] = 0,
    reserve: Annotated[int, typer.Option("--reserve", min=0, metavar="BYTES", help="Bytes of the budget to keep free, for code say.")] = 0,
    method: Annotated[
        MethodName | None,
        typer.Option(
            help="rate: trellis-coded, each weight as fine as the loss needs, to fill the budget (calibrated on training text with --data, "
            "else on text the model writes); gptq: a grid per matrix, rounding errors compensated by the weights not yet rounded "
            "(needs --data); baseline: fixed widths and a spacing per row. The recipe's pack.method if not given."
        ),
    ] = None,
    coder: Annotated[
        CoderName | None,
        typer.Option(help="range: entropy coding; the others compress one byte a weight. The recipe's pack.coder if not given."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="DIR", help="Also score before and after packing on this data folder's held-out text."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="The artifact; RUN/artifact.bgz if not given.")] = None,
    tokenizer: TokenizerOption = None,
    as_json: AsJson = False,
) -> None:
    """Pack a run into one self-contained file, tokenizer included, as precise as the budget allows and never over it.

    Method baseline, the fixed widths of the published script, cannot choose its size: over the budget it is refused.
    """
    import bytegolf as bg
    from bytegolf.cli.tables import pack_table

    result = bg.pack(
        run,
        budget=budget,
        reserve=reserve,
        method=method,
        coder=coder,
        data=data,
        tokenizer=tokenizer,
        out=out,
    )
    emit(result, as_json, pack_table, out=out)


def score(
    source: Annotated[Path, typer.Argument(metavar="RUN_OR_ARTIFACT", help="A finished run, or a .bgz file.")],
    data: Data,
    protocol: Protocol = "sliding",
    limit_bytes: LimitBytes = 0,
    stride: Stride = 0,
    overrides: LearningOverrides = [],  # noqa: B006 - typer's idiom
    tokenizer: TokenizerOption = None,
    experts: WithExperts = None,
    exact: Annotated[bool, typer.Option("--exact", help="In the arithmetic of proofs: any machine finds the same bits.")] = False,
    as_json: AsJson = False,
) -> None:
    """Score the held-out text in bits per byte: every token once, from its past alone, over the exact number of UTF-8 bytes.

    With experts, which learn from the text as it is scored, both figures are shown: with them and by the model alone.
    """
    import bytegolf as bg
    from bytegolf.cli.tables import score_table

    result = bg.score(
        source,
        data,
        protocol,
        limit_bytes=limit_bytes,
        tokenizer=tokenizer,
        stride=stride,
        overrides=overrides,
        experts=experts,
        exact=exact,
    )
    emit(result, as_json, score_table)


def report(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Runs, or folders of runs: a sweep.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The page.")],
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="DIR", help="The data folder of the runs, where it does not lie beside them under the name data."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write one HTML page about runs, which opens without a network.

    Curves, a comparison with intervals, where every byte goes, what rounding changed, bits along the text and token by token, the proof,
    the data's audit, machine and versions; the data of each chart as a table. Runs that are not finished are shown as they are.
    """
    import bytegolf as bg
    from bytegolf.cli.tables import report_lines

    emit(bg.report(runs, out, data=data), as_json, report_lines, out=out)
