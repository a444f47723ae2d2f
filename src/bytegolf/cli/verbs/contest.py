"""Verbs about what contestants hand in."""

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from bytegolf.cli.options import AsJson, LimitBytes, NoSandbox, Protocol, TokenizerOption
from bytegolf.cli.output import emit

if TYPE_CHECKING:
    from bytegolf.contest.submission import ContestTrack


def review(
    place: Annotated[Path, typer.Argument(metavar="FILE_OR_FOLDER", help="A train_gpt.py, or the folder of a submission.")],
    smoke: Annotated[bool, typer.Option("--smoke", help="Import the script too, in a sandbox.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown, ready to paste.")] = False,
    as_json: AsJson = False,
) -> None:
    """Review somebody's script by the rules of the contest: read, packed layers included, and never run.

    Findings say which rule, which line, and how it is reached: by default, by a switch, or not at all. README, logs and
    submission.json beside the script are read as well. Exit status 1 for the verdict flag. docs/review.md explains the rules.
    """
    import bytegolf as bg
    from bytegolf.contest.page import as_markdown, as_text

    result = bg.review(place, smoke=smoke)
    emit(result, as_json, as_markdown if markdown else as_text)
    if result.verdict == "flag":
        raise typer.Exit(1)


def submit(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN…", help="Finished runs: seeds of one recipe.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder to make.")],
    data: Annotated[
        Path | None, typer.Option("--data", metavar="DIR", help="The data folder of the runs, where it is no folder data beside them.")
    ] = None,
    author: Annotated[str, typer.Option("--author", help="Your name. By default as on this system.")] = "",
    github_id: Annotated[str, typer.Option("--github-id", help="Your name on GitHub.")] = "",
    name: Annotated[str, typer.Option("--name", help="What the submission is called. By default as the recipe.")] = "",
    track: Annotated[str, typer.Option("--track", help="non_record_16mb, or 10min_16mb, whose rules are then kept.")] = "non_record_16mb",
    protocol: Protocol = "sliding",
    limit_bytes: LimitBytes = 0,
    check_bytes: Annotated[
        int, typer.Option("--check-bytes", min=0, metavar="N", help="Prove, and let the script score again, the first N of them; 0 is all.")
    ] = 1_000_000,
    tokenizer: TokenizerOption = None,
    no_sandbox: NoSandbox = False,
    as_json: AsJson = False,
) -> None:
    """Make the folder that the contest asks for: a self-contained train_gpt.py, logs, artifacts, a proof and submission.json.

    Each run is packed again, to 16,000,000 bytes less the code. The script then scores an artifact by itself, in a sandbox.
    Exit status 1 if the folder breaks a rule; it has no submission.json then. docs/submit.md explains it.
    """
    import bytegolf as bg
    from bytegolf.cli.submission_table import submission_table

    entrant = bg.Entrant(author or getpass.getuser(), github_id, name, cast("ContestTrack", track))
    result = bg.submit(
        runs,
        data,
        out,
        entrant,
        protocol=protocol,
        tokenizer=tokenizer,
        limit_bytes=limit_bytes,
        check_bytes=check_bytes,
        sandbox=not no_sandbox,
    )
    emit(result, as_json, submission_table)
    if not result.ok:
        raise typer.Exit(1)
