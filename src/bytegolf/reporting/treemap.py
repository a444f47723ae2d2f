"""Sizes as areas: a treemap whose cells are as square as can be (Bruls, Huizing and van Wijk, "Squarified treemaps", 2000)."""

from collections.abc import Sequence
from typing import NamedTuple

from bytegolf.reporting.line_chart import COLOURS
from bytegolf.reporting.markup import Markup, join, legend, tag
from bytegolf.reporting.wording import share

WIDTH, HEIGHT = 2.2, 1.0  # of the map, as it is on a wide screen


class Area(NamedTuple):
    """A part of the whole: its size, its name, what stands below the name, and its colour, or None for what is not used."""

    size: float
    name: str
    text: str
    colour: int | None


class Box(NamedTuple):
    """A rectangle, from its upper left corner."""

    left: float
    top: float
    width: float
    height: float

    @property
    def longest(self) -> float:
        """Return how many times as long as wide it is, or wide as long."""
        return max(self.width / self.height, self.height / self.width)


def draw_treemap(areas: Sequence[Area]) -> Markup:
    """Return the map as HTML; parts without a size are left out."""
    shown = sorted((area for area in areas if area.size > 0), key=lambda area: -area.size)
    cells = [_cell(area, box) for area, box in zip(shown, squarified([area.size for area in shown]), strict=True)]
    drawn = tag("div", *cells, class_="treemap", role="img", aria_label="where the bytes go")
    whole = sum(area.size for area in shown)
    return join([drawn, legend([(f"{area.name} {share(area.size / whole)}", f"key area {_colour(area)}") for area in shown])])


def squarified(sizes: Sequence[float]) -> list[Box]:
    """Return a box for each size, the largest first, that fill the map in proportion."""
    boxes: list[Box] = []
    rest, left = list(sizes), Box(0.0, 0.0, WIDTH, HEIGHT)
    while rest:
        density = left.width * left.height / sum(rest)
        taken = 1
        while taken < len(rest) and _worst(rest[: taken + 1], density, left) <= _worst(rest[:taken], density, left):
            taken += 1
        row = _strip(rest[:taken], density, left)
        boxes += row
        rest = rest[taken:]
        used = sum(box.width * box.height for box in row)
        if left.width >= left.height:
            depth = used / left.height
            left = Box(left.left + depth, left.top, max(left.width - depth, 1e-12), left.height)
        else:
            depth = used / left.width
            left = Box(left.left, left.top + depth, left.width, max(left.height - depth, 1e-12))
    return boxes


def _strip(sizes: Sequence[float], density: float, left: Box) -> list[Box]:
    """Return boxes side by side along the shorter side of what is left."""
    upright = left.width >= left.height
    side = left.height if upright else left.width
    depth, boxes, at = sum(sizes) * density / side, [], 0.0
    for size in sizes:
        length = size * density / depth
        boxes.append(Box(left.left, left.top + at, depth, length) if upright else Box(left.left + at, left.top, length, depth))
        at += length
    return boxes


def _worst(sizes: Sequence[float], density: float, left: Box) -> float:
    return max(box.longest for box in _strip(sizes, density, left))


def _cell(area: Area, box: Box) -> Markup:
    place = f"left:{box.left / WIDTH:.3%};top:{box.top / HEIGHT:.3%};width:{box.width / WIDTH:.3%};height:{box.height / HEIGHT:.3%}"
    roomy = box.width > 0.28 and box.height > 0.16
    content = (
        [tag("b", area.name), tag("span", area.text)] if roomy else [tag("b", area.name)] if box.width > 0.22 and box.height > 0.08 else []
    )
    return tag("div", *content, class_=f"cell {_colour(area)}", style=place, data_tip=f"{area.name}: {area.text}")


def _colour(area: Area) -> str:
    return "unused" if area.colour is None else f"c{area.colour % COLOURS}"
