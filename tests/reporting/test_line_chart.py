"""Lines stand where their values say, whatever is left out of long ones."""

import json
import re
from typing import Any

import numpy as np
import pytest

from bytegolf.reporting.line_chart import MOST_POINTS, Line, LineChart
from support.reports import ParsedPage


def drawn(chart: LineChart) -> ParsedPage:
    return ParsedPage(chart.draw())


def values(chart: LineChart) -> dict[str, Any]:
    found = re.search(r'<script type="application/json">(.*)</script>', chart.draw())
    assert found is not None
    return dict(json.loads(found[1]))


def test_points_stand_at_their_places() -> None:
    """The least and the largest x are the ends; y has a margin of 4 % of its span on either side."""
    chart = LineChart([Line("loss", [100, 200, 300], [1.0, 2.0, 1.5], 0)], "step", "bits")
    (line,) = values(chart)["lines"]
    assert line["px"] == [0, 500, 1000]
    assert line["py"] == pytest.approx([1000 * (1 - (y - 0.96) / 1.08) for y in (1.0, 2.0, 1.5)], abs=0.1)
    assert line["x"] == ["100", "200", "300"] and line["y"] == ["1", "2", "1.5"]
    (path,) = drawn(chart).having("line")
    assert path["d"] == f"M0.0 {line['py'][0]}L500.0 {line['py'][1]}L1000.0 {line['py'][2]}"


def test_steps_from_near_zero_begin_at_zero() -> None:
    (line,) = values(LineChart([Line("loss", [5, 100], [1.0, 2.0], 0)], "step", "bits"))["lines"]
    assert line["px"][0] > 0 and line["px"][1] == 1000


def test_a_long_line_keeps_its_ends_and_extremes() -> None:
    ys = np.random.default_rng(0).normal(size=20_000)
    ys[7777], ys[3333] = 99.0, -99.0
    (line,) = values(LineChart([Line("loss", list(range(20_000)), ys.tolist(), 0)], "step", "bits"))["lines"]
    assert len(line["px"]) <= 2 * MOST_POINTS and line["px"][0] == 0 and line["px"][-1] == 1000
    assert line["px"] == sorted(line["px"]) and {"99", "-99"} <= set(line["y"])


def test_only_lines_with_names_are_read() -> None:
    """A faint one is drawn behind them."""
    page = drawn(LineChart([Line("a", [0, 1], [1, 2], 0), Line("", [0, 1], [1, 3], 0, "faint")], "x", "y"))
    assert [attributes["class"] for name, attributes in page.tags if name == "path"][-2:] == ["faint c0", "line c0"]
    assert "legend" not in page.text.get("ul", "") and not page.having("legend"), "one line needs no legend"


def test_several_lines_have_a_legend() -> None:
    page = drawn(LineChart([Line("first", [0, 1], [1, 2], 0), Line("second", [0], [1], 9, "dots")], "x", "y"))
    assert page.text["li"].split() == ["first", "second"]
    assert len(page.having("points")) == 1 and page.having("c1"), "colours come again"


def test_marks_have_names() -> None:
    page = drawn(LineChart([Line("a", [0, 10], [1, 2], 0)], "x", "y", x_marks=[(5, "late QAT")], y_marks=[(3.0, "budget")]))
    assert "late QAT" in page.text["span"] and "budget" in page.text["span"] and len(page.having("mark")) == 2
    assert any(attributes["style"] == "left:50.00%" for attributes in page.having("name"))


def test_nothing_to_draw_is_no_error() -> None:
    assert LineChart([Line("a", [], [], 0)], "x", "y").empty
    assert not drawn(LineChart([], "x", "y")).having("line")


def test_one_point_alone_is_a_dot() -> None:
    assert len(drawn(LineChart([Line("loss", [3], [1.0], 0)], "step", "bits")).having("points")) == 1
