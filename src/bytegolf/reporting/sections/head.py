"""The first screen: what came out, in words and in large figures, and what is missing."""

from collections.abc import Sequence

from bytegolf.reporting.groups import RunGroup
from bytegolf.reporting.markup import Markup, join, table, tag
from bytegolf.reporting.run_report import PageContents, RunReport
from bytegolf.reporting.wording import UNKNOWN, bits_per_byte, count, duration, listed, of, share

FEW = 3  # runs that lack the same and are named


def head(contents: PageContents) -> Markup:
    """Return the headline figures of one run, or the best of several and a line for each; then what is missing."""
    runs = contents.runs
    scored = [run for run in runs if run.best]
    best = min(scored, key=lambda run: run.best.bpb if run.best else 0.0) if scored else runs[0]
    body = [tag("p", *_sentence(best, len(runs)), class_="lead"), _cards(best)]
    if len(runs) > 1:
        body.append(tag("h2", "Runs"))
        body.append(_runs_table(runs, best))
    return join([*body, _missing(contents)])


def _sentence(run: RunReport, runs: int) -> list[str]:
    """Return what the best run, or the only one, has reached."""
    who = [tag("b", run.name), f" is the best of {runs} runs: it "] if runs > 1 else ["This model "]
    if run.best is None:
        return [*who, "has no score yet."]
    parts = [*who, "predicts text that it has not seen at ", tag("b", f"{run.best.bpb:.4f} bits per byte")]
    if run.best.bpb_model is not None:
        parts.append(f" with experts, which learn from the text as it is read, and at {run.best.bpb_model:.4f} by itself")
    if run.best.bpb:
        parts.append(f". That makes the text {8 / run.best.bpb:.1f} times smaller.")
    return parts


def _cards(run: RunReport) -> Markup:
    """Return the large figures."""
    best, pack, receipt = run.best, run.pack, run.receipt
    cards = []
    if best and best.bpb_model is not None:
        saved = f"bits per byte, {share(1 - best.bpb / best.bpb_model)} fewer than alone"
        cards.append(_card("With experts", bits_per_byte(best.bpb), saved))
    if best:
        alone = best.bpb if best.bpb_model is None else best.bpb_model
        before = f", {pack.bpb_before:.4f} before packing" if pack and pack.bpb_before is not None else ""
        cards.append(_card("The model alone", bits_per_byte(alone), f"bits per byte{before}"))
    if pack:
        used, left = pack.bytes / pack.budget if pack.budget else 1.0, pack.budget - pack.bytes
        meter = tag("div", tag("i", style=f"width:{min(1.0, used):.1%}"), class_="meter")
        spare = f"bytes, {left:,} of {pack.budget:,} to spare" if left >= 0 else f"bytes, {-left:,} over {pack.budget:,}"
        cards.append(_card("Artifact", count(pack.bytes), join([spare, meter])))
    if receipt:
        detail = f"{receipt.coded_bytes:,} bytes decode to {receipt.text_bytes:,}" if receipt.ok else receipt.verdict
        cards.append(_card("Proof", "proved" if receipt.ok else "refuted", detail, "good" if receipt.ok else "bad"))
    else:
        cards.append(_card("Proof", "none", "no file backs the score", "open"))
    cards.append(_card("Training", *_training(run)))
    shown = tag("div", *cards, class_="cards")
    return join([shown, tag("p", f"Bits per byte are the {best.how}.", class_="note")]) if best else shown


def _training(run: RunReport) -> tuple[str, str]:
    if run.manifest is None:
        return count(run.steps_done), "steps, not finished"
    seconds = run.manifest["seconds"]
    return count(run.steps_done), f"steps in {duration(seconds)}" if seconds is not None else "steps, by another program"


def _card(name: str, figure: str, detail: str, kind: str = "") -> Markup:
    return tag("div", tag("span", name), tag("strong", figure), tag("p", detail), class_=f"card {kind}".strip())


def _runs_table(runs: Sequence[RunReport], best: RunReport) -> Markup:
    names = ["run", "steps", "time", "held out, at the end", "artifact", "the model alone", "with experts", "proof"]
    return table(names, [_run_row(run, run is best) for run in runs])


def _run_row(run: RunReport, is_best: bool) -> list[str]:
    manifest, pack, best = run.manifest or {}, run.pack, run.best
    mixed = best is not None and best.bpb_model is not None
    with_experts = best.bpb if best and mixed else pack.bpb_experts if pack else None
    alone = best.bpb_model if best and mixed else pack.bpb_after if pack else None
    proof = UNKNOWN if run.receipt is None else "proved" if run.receipt.ok else "refuted"
    return [
        tag("span", run.name, class_="best") if is_best else run.name,
        count(run.steps_done),
        duration(manifest.get("seconds")),
        bits_per_byte(manifest.get("val_bpb")),
        count(pack.bytes) if pack else UNKNOWN,
        bits_per_byte(alone),
        bits_per_byte(with_experts),
        proof,
    ]


def _missing(contents: PageContents) -> Markup:
    """Return what the page would show if it were there, each with the command that makes it, and which runs lack it."""
    notes = [tag("li", f"Left out: {reason}") for reason in contents.left_out]
    lacking: dict[tuple[str, str], list[RunReport]] = {}
    for run in contents.runs:
        for lack in missing(run):
            lacking.setdefault(lack, []).append(run)
    for (what, command), runs in lacking.items():
        who = listed([run.name for run in runs]) if len(runs) <= FEW else f"{len(runs)} runs"
        place = str(runs[0].folder) if len(runs) == 1 else "RUN"
        example = [" ", tag("code", command.replace("RUN", place))] if command else []
        notes.append(tag("li", tag("b", who), f": {what}. ", *example))
    return tag("aside", tag("h2", "What is missing"), tag("ul", *notes)) if notes else Markup()


def missing(run: RunReport) -> list[tuple[str, str]]:
    """Return what a run lacks, and what would make it, where RUN is its folder."""
    if run.manifest is None:
        planned = run.recipe.train.max_steps
        end = f" of {planned:,}" if planned else ""
        stand = f"it stopped at step {run.steps_done:,}{end}" if run.events else "it stopped before its first step was logged"
        return [(f"not finished, {stand}", "bytegolf train RECIPE --data DATA --out RUN --resume".replace("RECIPE", run.recipe.name))]
    found = []
    if not run.of("step"):
        found.append(("no step in the log" + (", as it was imported" if run.manifest["seconds"] is None else ""), ""))
    if run.pack is None:
        return [*found, ("not packed", "bytegolf pack RUN --data DATA")]
    if not run.pack.tensors:
        found.append(("packed by a version that kept no errors of tensors", "bytegolf pack RUN --data DATA"))
    if not run.courses:
        found.append(("no record of the bits along the text", "bytegolf score RUN/artifact.bgz --data DATA"))
    if run.receipt is None:
        found.append(("no proof", "bytegolf prove RUN/artifact.bgz --data DATA"))
    return found


def subtitle(contents: PageContents, groups: list[RunGroup]) -> str:
    """Return the line below the title."""
    run = contents.runs[0]
    if len(contents.runs) == 1:
        parameters = f", {run.manifest['parameters']:,} parameters" if run.manifest else ""
        return f"recipe {run.recipe.name}{parameters}"
    return f"{of(len(contents.runs), 'run')} of {of(len(groups), 'configuration')}"
