"""Rows over one axis."""

from bytegolf.reporting.axis import Axis
from bytegolf.reporting.row_chart import ChartRow, Dot, draw_rows
from support.reports import ParsedPage


def test_marks_stand_at_their_values() -> None:
    rows = [
        ChartRow("a bar", "7.5", bar=7.5, colour=2),
        ChartRow("scores", "5.0", dots=[Dot(2.5, "seed 1"), Dot(5.0, "seed 2", faint=True)], interval=(2.0, 6.0)),
    ]
    page = ParsedPage(draw_rows(rows, Axis(0.0, 10.0), "bits", rule=1.0))
    assert [mark["style"] for mark in page.having("bar")] == ["width:75.00%"]
    assert [(mark["style"], mark["data-tip"]) for mark in page.having("dot")] == [("left:25.00%", "seed 1"), ("left:50.00%", "seed 2")]
    assert [mark["style"] for mark in page.having("interval")] == ["left:20.00%;width:40.00%"]
    assert [mark["style"] for mark in page.having("rule")] == ["left:10.00%"] * 2
    assert len(page.having("seed")) == 1 and all(word in page.text["span"] for word in ("a bar", "7.5", "scores", "5.0"))
