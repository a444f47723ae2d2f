"""A treemap: areas in proportion, side by side."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytegolf.reporting.treemap import HEIGHT, WIDTH, Area, draw_treemap, squarified
from support.reports import ParsedPage

SIZES = st.lists(st.floats(1.0, 1e6), min_size=1, max_size=12).map(lambda sizes: sorted(sizes, reverse=True))


@given(SIZES)
def test_areas_are_in_proportion_and_inside(sizes: list[float]) -> None:
    boxes = squarified(sizes)
    whole = sum(sizes)
    for size, box in zip(sizes, boxes, strict=True):
        assert box.width * box.height == pytest.approx(WIDTH * HEIGHT * size / whole, rel=1e-6)
        assert box.left >= -1e-9 and box.top >= -1e-9
        assert box.left + box.width <= WIDTH * (1 + 1e-6) and box.top + box.height <= HEIGHT * (1 + 1e-6)


@given(SIZES)
def test_boxes_do_not_overlap(sizes: list[float]) -> None:
    boxes = squarified(sizes)
    for number, one in enumerate(boxes):
        for other in boxes[:number]:
            across = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
            down = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
            assert across <= 1e-6 or down <= 1e-6


def test_equal_sizes_are_nearly_square() -> None:
    assert all(0.5 < box.width / box.height < 2 for box in squarified([1.0] * 8))


def test_every_part_is_named_where_there_is_room_and_below() -> None:
    page = ParsedPage(draw_treemap([Area(0, "none", "", 1), Area(900, "mlp", "900 bytes", 0), Area(1, "header", "1 byte", 7)]))
    cells = page.having("cell")
    assert [cell["data-tip"] for cell in cells] == ["mlp: 900 bytes", "header: 1 byte"]
    assert page.text["b"].split() == ["mlp"] and "header 0.1 %" in page.text["li"] and "none" not in page.text["page"]
