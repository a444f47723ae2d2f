"""Lines over an axis, as SVG that stretches to the width it is given, and text that does not.

Markers and strokes keep their shape (`vector-effect`), names and ticks are HTML, and the values are there as JSON for what follows the
pointer. Without a script the chart is complete but for that.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from bytegolf.arrays import Doubles
from bytegolf.reporting.axis import Axis, axis_of
from bytegolf.reporting.markup import Markup, data, join, legend, tag
from bytegolf.reporting.wording import plain

SIZE = 1000  # of the drawing, either way
MOST_POINTS = 700  # that are drawn of a line: a narrow mean, the least and the largest of each part remain
COLOURS = 8
AT_END = 0.96  # of an axis's length
NEAR_ZERO = 0.1  # of the largest x: an axis whose least is below begins at zero

LineKind = Literal["line", "faint", "dots"]


@dataclass(frozen=True)
class Line:
    """Values (n,) over (n,). A `faint` line is the ground on which another is read: it has no name and no value to be read."""

    name: str
    xs: Sequence[float]
    ys: Sequence[float]
    colour: int
    kind: LineKind = "line"


@dataclass(frozen=True)
class LineChart:
    """Lines, and what is marked: values of x by vertical lines, values of y by horizontal ones."""

    lines: Sequence[Line]
    x_title: str
    y_title: str
    x_marks: Sequence[tuple[float, str]] = ()
    y_marks: Sequence[tuple[float, str]] = ()
    log: bool | None = False
    keys: Sequence[tuple[str, str]] | None = None  # of the legend, where it is not of every line
    x: Axis = field(init=False)
    y: Axis = field(init=False)

    def __post_init__(self) -> None:
        xs = [x for line in self.lines for x in line.xs]
        ys = [y for line in self.lines for y in line.ys] + [y for y, _ in self.y_marks]
        from_zero = bool(xs) and 0 <= min(xs) < NEAR_ZERO * max(xs)
        object.__setattr__(self, "x", axis_of(xs, log=False, zero=from_zero, margin=0.0 if len(set(xs)) > 1 else 0.5))
        object.__setattr__(self, "y", axis_of(ys, log=self.log))

    @property
    def empty(self) -> bool:
        """Return whether there is nothing to draw."""
        return not any(len(line.xs) for line in self.lines)

    def draw(self) -> Markup:
        """Return the chart as HTML."""
        grid = [tag("path", class_="grid", d=f"M0 {self._down(value)}H{SIZE}") for value in self.y.ticks()]
        marks = [tag("path", class_="mark", d=f"M{_across(self.x, x)} 0V{SIZE}") for x, _ in self.x_marks]
        marks += [tag("path", class_="mark", d=f"M0 {self._down(y)}H{SIZE}") for y, _ in self.y_marks]
        order = {"faint": 0, "line": 1, "dots": 2}
        lines = [self._path(line) for line in sorted(self.lines, key=lambda line: order[line.kind]) if len(line.xs)]
        svg = tag("svg", *grid, *marks, *lines, viewBox=f"0 0 {SIZE} {SIZE}", preserveAspectRatio="none", aria_hidden="true")
        named = [line for line in self.lines if line.kind != "faint" and len(line.xs)]
        drawing = tag("div", svg, *self._texts(), class_="canvas", tabindex=0, role="img", aria_label=f"{self.y_title} over {self.x_title}")
        own = [(line.name, f"key {line.kind} c{line.colour % COLOURS}") for line in named] if len(named) > 1 else []
        names = legend(own if self.keys is None else self.keys)
        values = data(
            {
                "x": self.x_title,
                "ends": [self.x.low, self.x.high],
                "lines": [self._values(line) for line in named],
            }
        )
        return join(
            [
                names,
                tag("div", tag("p", self.y_title, class_="axis"), drawing, tag("p", self.x_title, class_="axis x"), values, class_="plot"),
            ]
        )

    def _texts(self) -> list[Markup]:
        """Return the ticks' texts and the marks' names, at their places."""
        texts = [tag("span", self.y.label(y), class_="yt", style=f"top:{self._down(y) / SIZE:.2%}") for y in self.y.ticks()]
        texts += [x_tick(self.x, x) for x in self.x.ticks(5)]
        texts += [
            tag("span", name, class_="name" + (" left" if self.x.place(x) > 0.6 else ""), style=f"left:{self.x.place(x):.2%}")
            for x, name in self.x_marks
        ]
        return texts + [tag("span", name, class_="level", style=f"top:{self._down(y) / SIZE:.2%}") for y, name in self.y_marks]

    def _path(self, line: Line) -> Markup:
        xs, ys = _thinned(np.asarray(line.xs, float), np.asarray(line.ys, float))
        points = [f"{_across(self.x, x)} {self._down(y)}" for x, y in zip(xs, ys, strict=True)]
        path = tag("path", class_=f"{line.kind} c{line.colour % COLOURS}", d=f"M{'L'.join(points)}" + ("h0" if len(points) == 1 else ""))
        dots = "".join(f"M{point}h0" for point in points)  # which round ends make dots, whatever the stretch
        marked = line.kind == "dots" or len(points) == 1
        return join([path, tag("path", class_=f"points c{line.colour % COLOURS}", d=dots)]) if marked else path

    def _values(self, line: Line) -> dict[str, object]:
        """Return what the pointer reads: places in per mille of the drawing, and texts."""
        xs, ys = _thinned(np.asarray(line.xs, float), np.asarray(line.ys, float))
        return {
            "name": line.name,
            "c": line.colour % COLOURS,
            "px": [_across(self.x, x) for x in xs],
            "py": [self._down(y) for y in ys],
            "x": [plain(x) for x in xs.tolist()],
            "y": [plain(y) for y in ys.tolist()],
        }

    def _down(self, value: float) -> float:
        """Return the distance of a value from the top."""
        return round(SIZE * (1 - self.y.place(value)), 1)


def x_tick(axis: Axis, value: float) -> Markup:
    """Return the text below a value; at the right end it stands to the left, so that it does not leave the page."""
    place = axis.place(value)
    return tag("span", axis.label(value), class_="xt end" if place > AT_END else "xt", style=f"left:{place:.2%}")


def _across(axis: Axis, value: float) -> float:
    return round(SIZE * axis.place(value), 1)


def _thinned(xs: Doubles, ys: Doubles) -> tuple[Doubles, Doubles]:
    """Return the points that are drawn: of a long line the least and the largest value of each part, in their order, and both ends."""
    if len(xs) <= MOST_POINTS:
        return xs, ys
    parts = np.array_split(np.arange(len(xs)), MOST_POINTS // 2)
    kept = {0, len(xs) - 1}
    for part in parts:
        kept |= {int(part[ys[part].argmin()]), int(part[ys[part].argmax()])}
    chosen = sorted(kept)
    return xs[chosen], ys[chosen]
