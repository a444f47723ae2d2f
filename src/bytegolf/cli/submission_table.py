"""A submission as text for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bytegolf.cli.table_layout import rows_table

if TYPE_CHECKING:  # which takes seconds to load
    from bytegolf.flow.submit import SubmitResult


def submission_table(result: SubmitResult) -> str:
    """Return what a submission's folder holds, and the rules that it breaks."""
    facts, receipt = result.facts, result.receipt
    deviation = "" if facts.bpb_deviation is None else f" ± {facts.bpb_deviation:.6f}"
    seeds = [
        (f"  seed {seed.seed}", f"{seed.bpb:.6f} bpb, artifact {seed.artifact_bytes:,} bytes, trained in {seed.train_seconds:,.1f} s")
        for seed in facts.seeds
    ]
    checked = "the script gives the score again, by itself" if result.ok else "FAILED: there is no submission.json"
    return rows_table(
        "submission",
        [
            ("folder", result.folder),
            ("track", facts.entrant.track),
            ("mean", f"{facts.bpb:.6f} bits per byte{deviation}, protocol {facts.protocol}"),
            *seeds,
            ("in total", f"{facts.bytes_total:,} bytes, {facts.code_bytes:,} of them code"),
            ("proof", f"{'ok' if receipt.ok else 'NOT OK'}: {receipt.verdict}"),
            ("checked", checked),
            *(("", problem) for problem in result.problems),
        ],
    )
