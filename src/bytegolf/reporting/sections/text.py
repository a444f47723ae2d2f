"""What is spent along the held-out text, and on each token at its beginning."""

from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from bytegolf.contest.run_scores import PREFERRED
from bytegolf.errors import InputError
from bytegolf.reporting.coloured_text import GAINS, LEVELS, MOST_BYTES, draw_scale, draw_text, pieces
from bytegolf.reporting.line_chart import Line, LineChart
from bytegolf.reporting.markup import Markup, choice, data_table, section, tag, views
from bytegolf.reporting.run_report import RunReport
from bytegolf.reporting.wording import UNKNOWN, count
from bytegolf.storage.run_folder import RunFolder
from bytegolf.storage.run_records import CourseRecord
from bytegolf.text.tokenizer import load_tokenizer

POINTS = 64  # of a line along the text
TENTH = 0.1
LEARNING = {"ttt": "test-time training", "lora": "low-rank adaptation"}  # by protocol


class KeptCourse(NamedTuple):
    """A score whose course is kept: its run, what its lines are called, and its record."""

    run: RunReport
    name: str
    record: CourseRecord

    @property
    def alone(self) -> Sequence[float]:
        """Return the bits of the slices by the model alone."""
        return self.record.slice_bits if self.record.slice_bits_model is None else self.record.slice_bits_model


def along_section(runs: Sequence[RunReport]) -> Markup:
    """Return bits per byte along the text and what experts and test-time training save of them, or nothing if none is kept."""
    courses = [(run, record) for run in runs for record in run.courses if sum(record.slice_bytes)]
    if not courses:
        return Markup()
    several = len({run.name for run, _ in courses}) > 1
    kept = [KeptCourse(run, f"{run.name}, {record.protocol}" if several else record.protocol, record) for run, record in courses]
    spent = [curve for one in kept for curve in _spent(one)]
    saved = [curve for one in kept for curve in _saved(one, kept)]
    where = _chart(spent, "bits per byte").draw()
    charts = views("along", ("Bits per byte", where), ("What is saved", _chart(saved, "bits per byte saved").draw())) if saved else where
    lead = "Where in the text the bits are spent. Experts and test-time training learn as they go, so what they save should grow."
    findings = [tag("ul", *(tag("li", _in_words(curve)) for curve in saved), class_="findings")] if saved else []
    rows = [[curve.name, count(x), f"{y:.4f}"] for curve in (*spent, *saved) for x, y in zip(*binned(curve.sizes, curve.bits), strict=True)]
    return section("along", "Along the text", tag("p", lead), *findings, charts, data_table(["", "up to byte", "bits per byte"], rows))


class TextCurve(NamedTuple):
    """Bits of the slices of a text, spent or saved, and the bytes of each."""

    name: str
    sizes: Sequence[int]
    bits: Sequence[float]

    def over(self, part: slice) -> float:
        """Return the bits per byte of some slices."""
        return sum(self.bits[part]) / max(1, sum(self.sizes[part]))


def _spent(one: KeptCourse) -> list[TextCurve]:
    sizes, record = one.record.slice_bytes, one.record
    mixed = [] if record.slice_bits_model is None else [TextCurve(f"{one.name}, with experts", sizes, record.slice_bits)]
    return [TextCurve(f"{one.name}, the model alone", sizes, one.alone), *mixed]


def _saved(one: KeptCourse, kept: Sequence[KeptCourse]) -> list[TextCurve]:
    """Return what experts save of the model's bits, and what a protocol that learns does of those of the same windows without it."""
    found, record = [], one.record
    if record.slice_bits_model is not None:
        found.append(TextCurve(f"{one.name}, experts", record.slice_bytes, _less(one.alone, record.slice_bits)))
    same = [other for other in kept if other.run is one.run and other.record.protocol == "sliding" and other.record.sha256 == record.sha256]
    if record.protocol in LEARNING and same and same[0].record.slice_bytes == record.slice_bytes:
        name = f"{one.name.removesuffix(record.protocol)}{LEARNING[record.protocol]}, the model alone"
        found.append(TextCurve(name, record.slice_bytes, _less(same[0].alone, one.alone)))
    return found


def _less(bits: Sequence[float], fewer: Sequence[float]) -> list[float]:
    return [before - after for before, after in zip(bits, fewer, strict=True)]


def _chart(curves: Sequence[TextCurve], title: str) -> LineChart:
    lines = [Line(curve.name, *binned(curve.sizes, curve.bits), number) for number, curve in enumerate(curves)]
    return LineChart(lines, "bytes of the held-out text", title, log=False)


def _in_words(curve: TextCurve) -> str:
    """Return what is saved in all, in the first tenth and in the last."""
    tenth = max(1, round(TENTH * len(curve.bits)))
    whole, first, last = (curve.over(part) for part in (slice(None), slice(None, tenth), slice(-tenth, None)))
    return f"{curve.name}: {whole:.3f} bits per byte saved, {first:.3f} over the first tenth and {last:.3f} over the last."


def binned(slice_bytes: Sequence[int], bits: Sequence[float]) -> tuple[list[float], list[float]]:
    """Return at most `POINTS` ends of parts, in bytes, and the bits per byte of each; parts without a byte join the next."""
    size = max(1, -(-len(bits) // POINTS))
    xs, ys, spent, length = [], [], 0.0, 0
    ends = list(accumulate(slice_bytes))
    for number, (here, cost) in enumerate(zip(slice_bytes, bits, strict=True)):
        spent, length = spent + cost, length + here
        if length and ((number + 1) % size == 0 or number + 1 == len(bits)):
            xs.append(float(ends[number]))
            ys.append(spent / length)
            spent, length = 0.0, 0
    return xs, ys


def coloured_section(runs: Sequence[RunReport]) -> Markup:
    """Return the beginning of the held-out text, coloured by what each token costs the best run that keeps it.

    Raises InputError for tokens that the run's tokenizer does not have.
    """
    kept = [(run, record, tokenizer) for run in runs for record in run.courses if (tokenizer := _tokenizer(run.folder))]
    if not kept:
        return Markup()
    run, record, tokenizer = min(kept, key=lambda one: (PREFERRED.index(one[1].protocol), sum(one[1].slice_bits)))
    try:
        shown = pieces(record, load_tokenizer(tokenizer))
    except InputError as error:
        raise InputError(f"{RunFolder(run.folder).course(record.protocol)}: {error}") from None
    experts = record.first_bits_model is not None
    options = [("x", "With experts"), ("m", "The model alone"), ("g", "What experts save")] if experts else [("x", "The model alone")]
    scales = [draw_scale(LEVELS, "x"), draw_scale(LEVELS, "m"), draw_scale(GAINS, "g")] if experts else [draw_scale(LEVELS, "x")]
    start = " Experts know nothing of the text at its start." if experts else ""
    scored = f"by {run.name}'s {record.protocol} score of {record.of}"
    lead = f"The first {MOST_BYTES:,} bytes, {scored}: the stronger the colour, the more bits a token costs.{start}"
    rows = [
        [repr(piece.text), f"{piece.bits:.3f}", f"{piece.bits_model:.3f}" if piece.bits_model is not None else UNKNOWN] for piece in shown
    ]
    buttons = [choice("colour", options)] if experts else []
    views = tag("div", *buttons, *scales, draw_text(shown), class_="colouring")
    return section("text", "The text, token by token", tag("p", lead), views, data_table(["token", "bits", "by the model alone"], rows))


def _tokenizer(folder: Path) -> Path | None:
    return next((folder / name for name in ("tokenizer.model", "bytes") if (folder / name).exists()), None)
