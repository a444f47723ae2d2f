"""What backs the scores: other compressors on the same text, the receipt of a proof, and the audit of the data."""

from collections.abc import Sequence

from bytegolf.proving.receipt import Receipt
from bytegolf.reporting.axis import axis_of
from bytegolf.reporting.groups import RunGroup, coloured
from bytegolf.reporting.markup import Markup, data_table, facts, join, section, tag
from bytegolf.reporting.row_chart import ChartRow, draw_rows
from bytegolf.reporting.run_report import DataReport, RunReport
from bytegolf.reporting.wording import bits_per_byte, duration, share


def compressors_section(groups: Sequence[RunGroup], data: DataReport | None) -> Markup:
    """Return the scores beside those of general-purpose compressors on the same text, or nothing if these are not known."""
    if data is None or not data.compressors:
        return Markup()
    rows = [(result.primed, f"{result.name} after the training text", True, 0) for result in data.compressors]
    rows += [(result.alone, f"{result.name} alone", True, 0) for result in data.compressors]
    for run, colour in coloured(groups):
        if run.best and run.manifest and run.manifest["data_sha256"] is not None:
            rows.append((run.best.bpb, run.name + (" with experts" if run.best.bpb_model is not None else ""), False, colour))
            if run.best.bpb_model is not None:
                rows.append((run.best.bpb_model, f"{run.name}, the model alone", False, colour))
    drawn = [ChartRow(name, bits_per_byte(bpb), bar=bpb, quiet=quiet, colour=colour) for bpb, name, quiet, colour in sorted(rows)]
    lead = (
        "Bits per byte of the same held-out text. A model's figures leave out its artifact, as the compressors' leave out their programs."
    )
    chart = draw_rows(drawn, axis_of([bpb for bpb, *_ in rows], zero=True, log=False), "bits per byte, lower is better")
    table = data_table(["by", "bits per byte"], [[row.name, row.text] for row in drawn])
    return section("compressors", "Beside other compressors", tag("p", lead), chart, table)


def receipt_section(runs: Sequence[RunReport]) -> Markup:
    """Return every receipt in full, or how to get one."""
    proved = [(run, run.receipt) for run in runs if run.receipt]
    if not proved:
        packed = next((run.folder for run in runs if run.pack), None)
        how = [" To prove one: ", tag("code", f"bytegolf prove {packed}/artifact.bgz --data DATA")] if packed else []
        return section("proof", "Proof", tag("p", "No score here is backed by a file.", *how))
    return section("proof", "Proof", *(_receipt(run, receipt, len(proved) > 1) for run, receipt in proved))


def _receipt(run: RunReport, receipt: Receipt, named: bool) -> Markup:
    verdict = tag(
        "p", tag("b", "Proved. " if receipt.ok else "Refuted. ", class_="good" if receipt.ok else "bad"), f"The file {receipt.verdict}."
    )
    rows = [
        [
            "protocol",
            f"{receipt.protocol}, window {receipt.window}, stride {receipt.stride}, {'with' if receipt.experts else 'without'} experts",
        ],
        ["claimed", f"{receipt.bpb_claimed:.6f} bits per byte"],
        *([["by the model alone", f"{receipt.bpb_model:.6f} bits per byte"]] if receipt.bpb_model is not None else []),
        ["coded", f"{receipt.bpb_coded:.6f} bits per byte: {receipt.text_bytes:,} bytes of text in {receipt.coded_bytes:,}"],
        ["with the artifact", f"{receipt.two_part_bytes:,} bytes, {receipt.two_part_bpb:.4f} bits per byte"],
        ["time", ", ".join(f"{name} {duration(seconds)}" for name, seconds in receipt.seconds.items())],
        ["decoded", "in a sandbox" if receipt.sandboxed else "without a sandbox"],
        ["date", receipt.date],
        ["SHA-256 of the text", tag("code", receipt.sha256)],
        ["of the artifact", tag("code", receipt.artifact_sha256)],
        ["of the proof", tag("code", receipt.proof_sha256)],
    ]
    unchecked = tag("details", tag("summary", "What it does not say"), tag("ul", *(tag("li", line) for line in receipt.not_checked)))
    how = tag("p", "Anybody can check it: ", tag("code", f"bytegolf verify {run.folder / 'receipt.json'}"), class_="note")
    heading = [tag("h3", run.name)] if named else []
    return join([*heading, verdict, facts(rows), unchecked, how])


def audit_section(data: DataReport | None) -> Markup:
    """Return the data that runs learned from and were scored on, and whether it was audited."""
    if data is None:
        return Markup()
    known = data.manifest
    rows = [
        ["source", str(known["source"])],
        ["training text", f"{known['train_documents']:,} documents, {known['train_bytes']:,} bytes, {known['train_tokens']:,} tokens"],
        ["held-out text", f"{known['val_documents']:,} documents, {known['val_bytes']:,} bytes, {known['val_tokens']:,} tokens"],
        ["held out", str(known["split"])],
        ["vocabulary", f"{known['vocab_size']:,}, {known['tokenizer']}"],
    ]
    return section("data", "Data and its audit", _audit(data), facts(rows))


def _audit(data: DataReport) -> Markup:
    found = data.overlap
    if found is None:
        command = tag("code", "bytegolf audit --data DATA")
        return tag("p", "Not audited: whether the training text contains held-out documents. To find out: ", command)
    near = "near duplicates were not looked for" if found.near_duplicates is None else f"{found.near_duplicates:,} near duplicates"
    counts = f"{found.exact_duplicates:,} exact copies and {near} among {found.val_documents:,} held-out documents"
    if found.ok:
        return tag(
            "p", tag("b", "No overlap. ", class_="good"), f"{counts}, compared with all {found.train_documents:,} training documents."
        )
    return tag(
        "p", tag("b", "Overlap. ", class_="bad"), f"{counts}: {share(found.overlap_share)} of the held-out bytes are in these documents."
    )
