"""How training went: losses and validations, by step and by time."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from bytegolf.reporting.groups import RunGroup, coloured
from bytegolf.reporting.line_chart import COLOURS, Line, LineChart
from bytegolf.reporting.markup import Markup, data_table, section, tag, views
from bytegolf.reporting.run_report import RunReport
from bytegolf.reporting.wording import bits_per_byte, count, duration

MOST_ROWS = 40  # of a run in the table
SMOOTHED = 25  # the part of all losses that a mean is over, inverted
FEW = 4  # runs whose every loss is drawn


class Curve(NamedTuple):
    """A run's events, the name and colour of its lines, and the bits per byte of a nat per token, if known."""

    run: RunReport
    name: str
    colour: int
    factor: float | None


def training_section(groups: Sequence[RunGroup]) -> Markup:
    """Return the curves of all runs, or nothing if no step was logged."""
    curves = _curves(groups)
    if not curves:
        return Markup()
    several = sum(len(group.runs) for group in groups) > len(groups) > 1
    keys = [(group.name, f"key dots c{group.number % COLOURS}") for group in groups] if several else None
    known = any(curve.factor for curve in curves)
    lead = "The loss on training text and, with dots, the score of held-out text by the standard protocol. Lower is better."
    if not known:
        lead = "The loss on training text in nats per token, as the bytes of its tokens are not known. Lower is better."
    elif not all(curve.factor for curve in curves):
        lead += " The losses of runs whose bytes per token are not known are left out."
    by_step, by_time = (_chart(curves, over, known, keys).draw() for over in ("step", "seconds"))
    drawn = views("by", ("By step", by_step), ("By time", by_time))
    return section("training", "Training", tag("p", lead), drawn, _table(curves))


def _curves(groups: Sequence[RunGroup]) -> list[Curve]:
    """Return the curves of runs. Those of one recipe have one vocabulary: one that has not ended takes bytes per token from others."""
    ratios = {run.name: _bytes_per_token(group) for group in groups for run in group.runs}
    factors = {name: 1 / (math.log(2) * ratio) if ratio else None for name, ratio in ratios.items()}
    runs = coloured(groups)
    logged = [(run, colour) for run, colour in runs if run.of("step") or run.of("validate")]
    return [Curve(run, run.name if len(runs) > 1 else "", colour, factors[run.name]) for run, colour in logged]


def _bytes_per_token(group: RunGroup) -> float | None:
    """Return the mean bytes of a token, of the training text if known, else of the held-out text."""
    of_training = [run.manifest["bytes_per_token"] for run in group.runs if run.manifest and run.manifest["bytes_per_token"]]
    scores = [score for run in group.runs for score in run.scores]
    of_held_out = [score.bytes / score.tokens for score in scores if score.bytes and score.tokens]
    return next(iter([*of_training, *of_held_out]), None)


def _chart(curves: Sequence[Curve], over: str, known: bool, keys: list[tuple[str, str]] | None) -> LineChart:
    lines: list[Line] = []
    for run, name, colour, factor in curves:
        before = f"{name}: " if name else ""
        seconds = {event["step"]: event.get("seconds", 0.0) for event in run.of("step")}
        if factor or not known:
            xs = [event["step"] if over == "step" else event.get("seconds", 0.0) for event in run.of("step")]
            losses = [event["loss"] * (factor or 1.0) for event in run.of("step")]
            if len(curves) <= FEW and len(losses) > 2 * SMOOTHED:
                lines.append(Line("", xs, losses, colour, "faint"))
            lines.append(Line(f"{before}training", xs, _smoothed(losses), colour, "line"))
        checks = [event for event in run.of("validate") if known and (over == "step" or event["step"] in seconds)]
        xs = [event["step"] if over == "step" else seconds[event["step"]] for event in checks]
        lines.append(Line(f"{before}held out", xs, [event["bpb"] for event in checks], colour if len(curves) > 1 else colour + 1, "dots"))
    marks = [(event["step"], "late QAT begins") for event in curves[0].run.of("qat")] if over == "step" and len(curves) == 1 else []
    title = "step" if over == "step" else "seconds of training"
    return LineChart(lines, title, "bits per byte" if known else "nats per token", x_marks=marks, log=None, keys=keys)


def _smoothed(losses: Sequence[float]) -> list[float]:
    """Return the mean of each loss and its neighbours, as many on either side: fewer towards the ends."""
    reach = len(losses) // (2 * SMOOTHED)
    total = np.concatenate([[0.0], np.cumsum(losses)])
    at = np.arange(len(losses))
    around = np.minimum(reach, np.minimum(at, len(losses) - 1 - at))
    return list(((total[at + around + 1] - total[at - around]) / (2 * around + 1)).tolist())


def _table(curves: Sequence[Curve]) -> Markup:
    rows = [row for curve in curves for row in _rows(curve.run, curve.factor)]
    total = sum(len(curve.run.of("step")) for curve in curves)
    kept = "" if len(rows) >= total else f"{len(rows):,} of {total:,} logged steps, evenly spaced, and all validations; log.jsonl has all."
    return data_table(
        ["run", "step", "time", "loss, nats per token", "loss, bits per byte", "held out, bits per byte", "tokens/s"], rows, kept
    )


def _rows(run: RunReport, factor: float | None) -> list[list[str]]:
    steps = run.of("step")
    checks = {event["step"]: event["bpb"] for event in run.of("validate")}
    spaced = set(np.linspace(0, len(steps) - 1, min(len(steps), MOST_ROWS)).round().astype(int).tolist()) if steps else set()
    shown = [event for number, event in enumerate(steps) if number in spaced or event["step"] in checks]
    known = {event["step"] for event in shown}
    rows = [
        (
            event["step"],
            [
                run.name,
                count(event["step"]),
                duration(event.get("seconds")),
                f"{event['loss']:.4f}",
                bits_per_byte(event["loss"] * factor if factor else None),
                bits_per_byte(checks.get(event["step"])),
                count(event.get("tokens_per_second")),
            ],
        )
        for event in shown
    ]
    rows += [(step, [run.name, count(step), "–", "–", "–", bits_per_byte(bpb), "–"]) for step, bpb in checks.items() if step not in known]
    return [row for _, row in sorted(rows, key=lambda pair: pair[0])]
