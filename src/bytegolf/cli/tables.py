"""Results as text for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bytegolf.cli.table_layout import Row, columns_table, rows_table

if TYPE_CHECKING:  # the results of other verbs, which take seconds to load
    from bytegolf.auditing.audit import AuditReport
    from bytegolf.flow.import_checkpoint import ImportResult
    from bytegolf.flow.pack import PackResult
    from bytegolf.flow.quickstart import QuickstartResult
    from bytegolf.flow.report import ReportResult
    from bytegolf.flow.train import TrainResult
    from bytegolf.flow.train_baseline import BaselineResult
    from bytegolf.packing.plan import Plan
    from bytegolf.proving.receipt import Receipt
    from bytegolf.scoring.ledger import Score
    from bytegolf.storage.data_folder import DataManifest
    from bytegolf.training.speed import BenchResult


def quickstart_table(result: QuickstartResult) -> str:
    """Return the figures of the whole flow: the model, general-purpose compressors beside it, and the proof."""
    train, pack = result.train, result.pack
    model = rows_table(
        "bytegolf quickstart",
        [
            ("parameters", f"{train.parameters:,}"),
            ("steps", f"{train.steps:,}"),
            ("training", _pace(train, decimals=0)),
            ("before packing", f"{pack.bpb_before:.4f} bpb"),
            ("after packing", f"{pack.bpb_after:.4f} bpb"),
            *([("with experts", f"{pack.bpb_experts:.4f} bpb")] if pack.bpb_experts is not None else []),
            ("artifact", f"{pack.bytes:,} bytes of {pack.budget:,}"),
            *_in_half(result.half),
        ],
    )
    columns = ("bits per byte of the held-out text", "alone", "after the training text")
    rows = [(result.name, f"{result.alone:.4f}", f"{result.primed:.4f}") for result in result.compressors]
    rows.append(("bytegolf, the model alone", "", f"{pack.bpb_after:.4f}"))
    if pack.bpb_experts is not None:
        rows.append(("bytegolf, with experts", "", f"{pack.bpb_experts:.4f}"))
    return f"{model}\n{columns_table(columns, rows)}\n{receipt_table(result.proof)}\nreport: {result.report}"


def _in_half(half: PackResult | None) -> list[Row]:
    """Return what the same run scores at half the bytes."""
    if half is None:
        return []
    experts = "" if half.bpb_experts is None else f", {half.bpb_experts:.4f} with experts"
    return [(f"in {half.bytes:,} bytes", f"{half.bpb_after:.4f} bpb{experts}")]


def data_table(manifest: DataManifest) -> str:
    """Return what a data folder holds."""
    normalised, skipped, copies = list[Row](), list[Row](), list[Row]()
    if manifest.normalised:
        before = f"; held out, {manifest.val_original_bytes:,} before" if manifest.val_original_bytes else ""
        normalised = [("bytes", f"of the text as the tokenizer normalises it{before}")]
    if manifest.skipped:
        skipped = [("left out", f"{manifest.skipped.count:,} bad records and files, listed in its manifest.json")]
    if manifest.copies_left_out:
        copies = [("not trained on", f"{manifest.copies_left_out:,} exact copies of held-out documents")]
    return rows_table(
        "data",
        [
            ("vocabulary", f"{manifest.vocab_size:,} ({manifest.tokenizer})"),
            ("training", f"{manifest.train_documents:,} documents, {manifest.train_bytes:,} bytes, {manifest.train_tokens:,} tokens"),
            ("held out", f"{manifest.val_documents:,} documents, {manifest.val_bytes:,} bytes, {manifest.val_tokens:,} tokens"),
            ("bytes per token", f"{manifest.val_bytes / manifest.val_tokens:.3f} held out"),
            *normalised,
            *skipped,
            *copies,
        ],
    )


def train_table(result: TrainResult) -> str:
    """Return what a finished run came to."""
    return rows_table(
        "run",
        [
            ("folder", result.run),
            ("parameters", f"{result.parameters:,}"),
            ("steps", f"{result.steps:,}"),
            ("training", _pace(result)),
            ("held out", "not scored" if result.val_bpb is None else f"{result.val_bpb:.4f} bpb (standard)"),
        ],
    )


def import_table(result: ImportResult) -> str:
    """Return what was imported."""
    rows = [("folder", result.run), ("checkpoint", result.checkpoint), ("recipe", result.recipe), ("parameters", f"{result.parameters:,}")]
    return rows_table("imported run", rows)


def pack_table(result: PackResult) -> str:
    """Return the size of an artifact and of its sections, and its scores."""
    scores = []
    if result.bpb_before is not None and result.bpb_after is not None:
        scores = [("before packing", f"{result.bpb_before:.4f} bpb (sliding)"), ("after packing", f"{result.bpb_after:.4f} bpb (sliding)")]
    if result.bpb_experts is not None:
        scores.append(("with experts", f"{result.bpb_experts:.4f} bpb (sliding)"))
    return rows_table(
        "artifact",
        [
            ("file", result.file),
            ("size", f"{result.bytes:,} bytes of {result.budget:,}"),
            ("packed by", f"method {result.method}, coder {result.coder}"),
            ("per weight", f"{result.bits_per_weight:.3f} bits, entropy of the integers {result.entropy_bits_per_weight:.3f}"),
            *scores,
            *((f"  {name}", f"{size:,} bytes") for name, size in result.sections.items()),
        ],
    )


def baseline_table(result: BaselineResult) -> str:
    """Return the run, artifact and scores of a command line of the baseline."""
    return "\n".join([train_table(result.train), pack_table(result.pack), *map(score_table, result.scores)])


def score_table(result: Score) -> str:
    """Return a score and what it was counted over."""
    original = list[Row]()
    if result.bpb_original is not None:
        original = [("of the documents", f"{result.bpb_original:.6f} bits per byte, {result.original_bytes:,} bytes before normalisation")]
    return rows_table(
        "score",
        [
            ("bits per byte", f"{result.bpb:.6f}{'' if result.bpb_model is None else ' with experts'}"),
            *([] if result.bpb_model is None else [("by the model alone", f"{result.bpb_model:.6f}")]),
            ("protocol", f"{result.protocol}{', in exact arithmetic' if result.exact else ''}"),
            ("bits", f"{result.bits:,.1f}"),
            ("bytes", f"{result.bytes:,}{' of the text as the tokenizer normalises it' if result.normalised else ''}"),
            *original,
            ("tokens", f"{result.tokens:,}"),
            *((f"  {key}", f"{value:,}") for key, value in (result.learning or {}).items()),
        ],
    )


def receipt_table(result: Receipt) -> str:
    """Return the verdict and figures of a receipt."""
    return rows_table(
        "proof",
        [
            ("verdict", f"{'ok' if result.ok else 'NOT OK'}: {result.verdict}"),
            ("protocol", f"{result.protocol}, window {result.window}, stride {result.stride}"),
            ("claimed", f"{result.bpb_claimed:.6f} bits per byte{' with experts' if result.experts else ''}"),
            *([] if result.bpb_model is None else [("by the model alone", f"{result.bpb_model:.6f} bits per byte")]),
            ("coded", f"{result.bpb_coded:.6f} bits per byte: {result.text_bytes:,} bytes of text in {result.coded_bytes:,}"),
            ("with the artifact", f"{result.two_part_bytes:,} bytes"),
            ("text", f"sha256 {result.sha256[:16]}"),
            ("decoded", f"in {result.seconds['decode']:,.1f} s, {'in a sandbox' if result.sandboxed else 'without a sandbox'}"),
            *((("not checked" if number == 0 else ""), what) for number, what in enumerate(result.not_checked)),
        ],
    )


def audit_table(result: AuditReport) -> str:
    """Return each test of an audit with its evidence."""
    title = "audit: nothing found" if result.ok else f"audit: violated {', '.join(result.violated)}"
    found = []
    for finding in result.findings:
        place = "" if finding.position is None else f" at target {finding.position}"
        found.append((finding.test, ("ok: " if finding.passed else f"FAILED{place}: ") + finding.evidence))
    return rows_table(title, [*found, *((test, f"not made: {why}") for test, why in result.skipped.items())])


def plan_table(result: Plan) -> str:
    """Return the predicted size and cost of a recipe."""
    return rows_table(
        f"plan of {result.recipe}",
        [
            ("parameters", f"{result.parameters:,}"),
            ("per token", f"{result.flops_per_token / 1e6:,.2f} MFLOP, forward and backward"),
            ("steps here", f"{result.steps:,}" + ("" if result.steps_capped else ", or more where training is compiled")),
            ("bits", ", ".join(f"{kind} {bits:.2f}" for kind, bits in result.bits.items())),
            *((f"  {name}", f"{size:,} bytes") for name, size in result.predicted.items() if size),
            ("artifact", f"about {result.predicted_bytes:,} bytes of {result.budget:,}"),
            ("fits", "yes" if result.fits else "no"),
        ],
    )


def bench_table(result: BenchResult) -> str:
    """Return the speeds of recipes, a column for each."""
    speeds = result.speeds
    rows: list[tuple[str, ...]] = [
        ("parameters", *(f"{speed.parameters:,}" for speed in speeds)),
        ("compute", *(f"{speed.dtype}, {speed.device}" for speed in speeds)),
        *((name, *(f"{speed.milliseconds[name]:,.1f} ms" for speed in speeds)) for name in speeds[0].milliseconds),
        ("training", *(f"{speed.tokens_per_second:,.0f} tokens/s" for speed in speeds)),
        ("useful work", *(f"{speed.gflops:,.0f} GFLOP/s" for speed in speeds)),
        ("matrix product", *(f"{speed.product_gflops:,.0f} GFLOP/s" for speed in speeds)),
        ("share", *(f"{speed.share:.1%}" for speed in speeds)),
        ("peak memory", *(f"{speed.peak_memory_mb:,.0f} MB" for speed in speeds)),
        ("until compiled", *(f"{speed.compile_seconds:.0f} s" for speed in speeds)),
        *(
            (f"scoring, {protocol}", *(f"{speed.scored_tokens_per_second[protocol]:,.0f} tokens/s" for speed in speeds))
            for protocol in speeds[0].scored_tokens_per_second
        ),
    ]
    table = columns_table(("bench", *(speed.recipe for speed in speeds)), rows)
    return f"{table}\nfrom the command to the first step, compilation aside: {result.start_up_seconds:.1f} s"


def report_lines(result: ReportResult) -> str:
    """Return where the page is, and which runs it shows as they were left, or not at all."""
    unfinished = [f"not finished: {', '.join(result.unfinished)}"] if result.unfinished else []
    return "\n".join([result.report, *unfinished, *(f"left out: {reason}" for reason in result.left_out)])


def _pace(result: TrainResult, decimals: int = 1) -> str:
    if result.seconds is None or result.tokens_per_second is None:
        return "by another program"
    return f"{result.seconds:.{decimals}f} s, {result.tokens_per_second:,.0f} tokens/s"
