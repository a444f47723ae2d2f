"""Rows that share an axis: a bar, dots, or a mean with its interval in each, with its name before and its value behind."""

from collections.abc import Sequence
from dataclasses import dataclass

from bytegolf.reporting.axis import Axis
from bytegolf.reporting.line_chart import COLOURS, x_tick
from bytegolf.reporting.markup import Markup, tag


@dataclass(frozen=True)
class Dot:
    """One value, and what is said of it when it is pointed at."""

    value: float
    tip: str
    colour: int = 0
    faint: bool = False


@dataclass(frozen=True)
class ChartRow:
    """One line of a chart. A bar begins at the axis's low end."""

    name: str
    text: str
    bar: float | None = None
    dots: Sequence[Dot] = ()
    interval: tuple[float, float] | None = None
    colour: int = 0
    quiet: bool = False  # a bar for comparison


def draw_rows(rows: Sequence[ChartRow], axis: Axis, title: str, rule: float | None = None) -> Markup:
    """Return rows over one axis; `rule` is a value with a line through all of them."""
    drawn = [_row(row, axis, rule) for row in rows]
    ticks = [x_tick(axis, value) for value in axis.ticks(4)]
    foot = tag("div", tag("span", class_="rowname"), tag("div", *ticks, class_="ticks"), tag("span", class_="rowvalue"), class_="row")
    return tag("figure", tag("div", *drawn, foot, class_="rows"), tag("p", title, class_="axis x"))


def _row(row: ChartRow, axis: Axis, rule: float | None) -> Markup:
    marks = [tag("i", class_="gridline", style=f"left:{axis.place(value):.2%}") for value in axis.ticks(4)]
    if rule is not None:
        marks.append(tag("i", class_="rule", style=f"left:{axis.place(rule):.2%}"))
    if row.bar is not None:
        kind = "bar quiet" if row.quiet else f"bar c{row.colour % COLOURS}"
        marks.append(tag("i", class_=kind, style=f"width:{axis.place(row.bar):.2%}"))
    if row.interval is not None:
        low, high = (axis.place(value) for value in row.interval)
        marks.append(tag("i", class_=f"interval c{row.colour % COLOURS}", style=f"left:{low:.2%};width:{high - low:.2%}"))
    marks += [
        tag(
            "i",
            class_=f"dot c{dot.colour % COLOURS}" + (" seed" if dot.faint else ""),
            style=f"left:{axis.place(dot.value):.2%}",
            data_tip=dot.tip,
        )
        for dot in row.dots
    ]
    track = tag("div", *marks, class_="track")
    return tag("div", tag("span", row.name, class_="rowname"), track, tag("span", row.text, class_="rowvalue"), class_="row")
