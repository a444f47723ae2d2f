"""Verbs about what contestants hand in."""

from pathlib import Path
from typing import Annotated

import typer

from bytegolf.cli.options import AsJson
from bytegolf.cli.output import emit


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
