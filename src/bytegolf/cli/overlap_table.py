"""The overlap of training and held-out documents as text for a terminal."""

from bytegolf.auditing.overlap.near import THRESHOLD
from bytegolf.auditing.overlap.report import OverlapReport
from bytegolf.cli.table_layout import rows_table


def overlap_table(result: OverlapReport) -> str:
    """Return how many held-out documents training has too, with examples."""
    near = (
        "not looked for"
        if result.near_duplicates is None
        else f"{result.near_duplicates:,} held-out documents, similarity {THRESHOLD} or more"
    )
    rows = [
        ("verdict", "ok: no held-out document was found in training" if result.ok else "NOT OK: held-out and training text overlap"),
        ("held out", f"{result.val_documents:,} documents, {result.val_bytes:,} bytes"),
        ("training", f"{result.train_documents:,} documents"),
        ("exact copies", f"{result.exact_duplicates:,} held-out documents, in training {result.copies:,} times"),
        ("near duplicates", near),
        ("overlap", f"{result.overlap_bytes:,} held-out bytes, {result.overlap_share:.2%}"),
        *(("one shard", ", ".join(names)) for names in result.same_shards),
        *([("contest", result.contest)] if result.contest else []),
    ]
    for example in result.examples:
        what = f"held out {example.held_out:,} is training {example.training:,}"
        rows.append((f"  similarity {example.similarity:.2f}", f"{what}, {example.bytes:,} bytes: {example.beginning[:50]!r}"))
    return rows_table("audit of data", rows)
