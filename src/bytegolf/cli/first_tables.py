"""What a newcomer sees: the flow with the next step, and what the machine can do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bytegolf.cli.table_layout import rows_table

if TYPE_CHECKING:
    from bytegolf.flow.doctor import Diagnosis
    from bytegolf.flow.next_step import NextStep

SHOWN = 8  # things found that are listed
FLOW = (
    ("prepare", "text becomes a data folder"),
    ("train", "a recipe becomes a run"),
    ("pack", "the run's weights become one file that fits the budget"),
    ("score", "bits per byte of the held-out text"),
    ("prove", "the score is coded, decoded and compared; verify checks it elsewhere"),
    ("submit", "runs become the folder that the contest asks for"),
)


def overview_table(step: NextStep) -> str:
    """Return the flow, what is here of it, and the next command."""
    here = [("here" if not index else "", line) for index, line in enumerate(step.found[:SHOWN])]
    here += [("", f"and {len(step.found) - SHOWN} more")] if len(step.found) > SHOWN else []
    title = "bytegolf: train, pack and prove the best language model that fits in N bytes"
    flow, rest = rows_table("the flow", FLOW), rows_table("next", [*here, ("because", step.why), ("run", step.command)])
    return f"{title}\n{flow}\n{rest}\n  All verbs: bytegolf --help. One verb: bytegolf VERB --help. This machine: bytegolf doctor"


def doctor_table(diagnosis: Diagnosis) -> str:
    """Return what is there, what is missing and what to do about it, and the first command."""
    rows = [(check.name, check.found if check.ok else f"✗ {check.found}: {check.advice}") for check in diagnosis.checks]
    return rows_table("this machine", [*rows, ("run first", f"{diagnosis.next.command}  ({diagnosis.next.why})")])
