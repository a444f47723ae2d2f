"""HTML in which plain text stays text."""

import json

from hypothesis import given
from hypothesis import strategies as st

from bytegolf.reporting.markup import Markup, data, data_table, legend, table, tag
from support.reports import ParsedPage

HOSTILE = "<script>alert('x')</script>&\"</title>"


@given(st.text())
def test_text_is_never_markup(text: str) -> None:
    page = ParsedPage(tag("p", text, tag("b", "bold"), title=text))
    assert [name for name, _ in page.tags] == ["p", "b"]


def test_what_is_built_stays() -> None:
    assert tag("p", "a<", tag("b", "c"), class_="x", data_tip="'\"") == '<p class="x" data-tip="&#x27;&quot;">a&lt;<b>c</b></p>'
    assert tag("input", type="radio", checked=None) == '<input type="radio">'


def test_data_cannot_end_its_script() -> None:
    written = data({"name": HOSTILE})
    assert written.count("</script>") == 1
    assert json.loads(written.removeprefix('<script type="application/json">').removesuffix("</script>")) == {"name": HOSTILE}


def test_columns_of_numbers_stand_to_the_right() -> None:
    page = ParsedPage(table(["name", "bytes", "text"], [["a", "1,234", "x"], ["b", "–", "4 x"], ["c", "−0.5", "y"]]))
    assert [attributes.get("class") for name, attributes in page.tags if name == "td"] == ["n", None] * 3
    assert not ParsedPage(table(["name"], [])).having("n")


def test_a_table_of_data_opens_on_a_click() -> None:
    page = ParsedPage(data_table(["a"], [["b"]], "some of it"))
    assert page.tags[0][0] == "details" and "open" not in page.tags[0][1] and "some of it" in page.text["p"]


def test_no_names_need_no_legend() -> None:
    assert legend([]) == "" and isinstance(legend([]), Markup)
