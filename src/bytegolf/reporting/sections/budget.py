"""What bytes buy: bits per byte over the sizes that were packed, or the sizes that training foresaw."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from bytegolf.reporting.groups import RunGroup, coloured
from bytegolf.reporting.line_chart import COLOURS, Line, LineChart
from bytegolf.reporting.markup import Markup, data_table, section, tag, views
from bytegolf.reporting.run_report import RunReport
from bytegolf.reporting.wording import bits_per_byte, count
from bytegolf.storage.run_records import PackRecord


class PackedSizes(NamedTuple):
    """A run, the colour of its line, and its scored artifacts by size."""

    run: RunReport
    colour: int
    packs: list[PackRecord]


def budget_section(groups: Sequence[RunGroup]) -> Markup:
    """Return bits per byte over artifact sizes, where several sizes are known; else the sizes that training foresaw."""
    runs = coloured(groups)
    known = [PackedSizes(run, colour, packs) for run, colour in runs if (packs := scored_packs(run))]
    if len({pack.budget for sizes in known for pack in sizes.packs}) > 1:
        return _measured(known, groups)
    return _foreseen(runs)


def scored_packs(run: RunReport) -> list[PackRecord]:
    """Return the results of packing whose artifacts were scored, by size, each size once."""
    found = [*([run.pack] if run.pack else []), *run.packs]
    return sorted({pack.bytes: pack for pack in found if pack.bpb_after is not None}.values(), key=lambda pack: pack.bytes)


def _measured(known: Sequence[PackedSizes], groups: Sequence[RunGroup]) -> Markup:
    """Return a chart of the model alone and, as its axis is another, one with experts."""
    alone = _chart(known, groups, lambda pack: pack.bpb_after, level=True)
    mixed = _chart(known, groups, lambda pack: pack.bpb_experts, level=False)
    charts = alone.draw() if mixed.empty else views("mixed", ("The model alone", alone.draw()), ("With experts", mixed.draw()))
    rows = [
        [
            run.name,
            count(pack.bytes),
            count(pack.budget),
            pack.method,
            *map(bits_per_byte, (pack.bpb_before, pack.bpb_after, pack.bpb_experts)),
        ]
        for run, _, packs in known
        for pack in packs
    ]
    lead = "Each dot is an artifact that was packed and scored: what fewer bytes cost in bits."
    head = ["run", "bytes", "budget", "method", "before packing", "the model alone", "with experts"]
    return section("budget", "Bits per byte against the budget", tag("p", lead), charts, data_table(head, rows))


def _chart(
    known: Sequence[PackedSizes], groups: Sequence[RunGroup], figure: Callable[[PackRecord], float | None], level: bool
) -> LineChart:
    lines = []
    for run, colour, packs in known:
        points = [(pack.bytes, bpb) for pack in packs if (bpb := figure(pack)) is not None]
        lines.append(Line(run.name, [size for size, _ in points], [bpb for _, bpb in points], colour, "dots"))
    before = known[0].run.pack.bpb_before if len(known) == 1 and known[0].run.pack else None
    marks = [(before, "before packing")] if level and before is not None else []
    keys = [(group.name, f"key dots c{group.number % COLOURS}") for group in groups] if 1 < len(groups) < len(known) else None
    return LineChart(lines, "bytes of the artifact", "bits per byte", y_marks=marks, log=False, keys=keys)


def _foreseen(runs: Sequence[tuple[RunReport, int]]) -> Markup:
    """Return the sizes that validations foresaw over the steps."""
    estimates = [(run, colour, [event for event in run.of("validate") if event.get("artifact_bytes")]) for run, colour in runs]
    estimates = [(run, colour, events) for run, colour, events in estimates if len(events) > 1]
    place = runs[0][0].folder if len(runs) == 1 else "RUN"
    command = tag("code", f"bytegolf pack {place} --budget BYTES --data DATA --out FILE")
    hint = tag("p", "One size is known, so there is nothing to draw bits against. For others: ", command)
    if not estimates:
        return section("budget", "Bits per byte against the budget", hint) if any(of.pack for of, _ in runs) else Markup()
    lines = [
        Line(run.name, [event["step"] for event in events], [event["artifact_bytes"] for event in events], colour, "dots")
        for run, colour, events in estimates
    ]
    budgets = {run.pack.budget if run.pack else run.recipe.pack.budget for run, _, _ in estimates}
    chart = LineChart(lines, "step", "bytes", y_marks=[(budget, "budget") for budget in budgets], log=False)
    rows = [
        [run.name, count(event["step"]), count(event["artifact_bytes"]), bits_per_byte(event["bpb"])]
        for run, _, events in estimates
        for event in events
    ]
    lead = "What the artifact would have taken, by an estimate at each validation, had training ended there."
    return section(
        "budget",
        "Size against the budget",
        tag("p", lead),
        chart.draw(),
        data_table(["run", "step", "bytes", "held out, bits per byte"], rows),
        hint,
    )
