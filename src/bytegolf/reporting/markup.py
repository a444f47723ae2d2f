"""HTML put together so that nothing becomes markup by accident: plain text is escaped, and only what was built here is not."""

import json
from collections.abc import Sequence
from html import escape

VIEWS = ("first", "second")  # values of buttons that styles know


class Markup(str):
    """HTML that is ready."""


def join(parts: Sequence[str]) -> Markup:
    """Return pieces of HTML and text one after the other."""
    return Markup("".join(part if isinstance(part, Markup) else escape(part) for part in parts))


def tag(name: str, /, *content: str, **attributes: str | float | None) -> Markup:
    """Return an element. Attributes that are None are left out; `class_` stands for class, and data_tip for data-tip."""
    given = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items() if value is not None}
    written = "".join(f' {key}="{escape(str(value))}"' for key, value in given.items())
    return Markup(f"<{name}{written}>" if name == "input" else f"<{name}{written}>{join(content)}</{name}>")


def data(value: object) -> Markup:
    """Return an element that holds a value as JSON, for scripts to read."""
    return Markup(f'<script type="application/json">{json.dumps(value, separators=(",", ":")).replace("<", chr(92) + "u003c")}</script>')


def table(head: Sequence[str], rows: Sequence[Sequence[str]], class_: str | None = None) -> Markup:
    """Return a table in a box that scrolls by itself. The first cell of a row names it; columns of numbers are set to the right."""
    numeric = [bool(rows) and all(_is_number(row[column]) for row in rows) for column in range(len(head))]
    classes = ["n" if number else None for number in numeric]
    top = tag("tr", *(tag("th", cell, scope="col", class_=kind) for cell, kind in zip(head, classes, strict=True)))
    body = [
        tag("tr", tag("th", row[0], scope="row"), *(tag("td", cell, class_=kind) for cell, kind in zip(row[1:], classes[1:], strict=True)))
        for row in rows
    ]
    return tag("div", tag("table", tag("thead", top), tag("tbody", *body), class_=class_), class_="scroll", tabindex=0)


def facts(rows: Sequence[Sequence[str]]) -> Markup:
    """Return names and what they stand for, a line each."""
    return tag("table", *(tag("tr", tag("th", name, scope="row"), tag("td", value)) for name, value in rows), class_="facts")


def data_table(head: Sequence[str], rows: Sequence[Sequence[str]], note: str = "") -> Markup:
    """Return a chart's data as a table that opens on a click."""
    remark = (tag("p", note, class_="note"),) if note else ()
    return tag("details", tag("summary", "The data as a table"), *remark, table(head, rows))


def legend(entries: Sequence[tuple[str, str]]) -> Markup:
    """Return the names of what is drawn, each with the class of its mark. One name alone needs no legend."""
    return tag("ul", *(tag("li", tag("i", class_=mark), name) for name, mark in entries), class_="legend") if entries else Markup()


def _is_number(cell: str) -> bool:
    """Return whether a cell is a number, with a unit or a sign perhaps, or the dash of what is not known."""
    return cell in ("–", "") or cell[0].isdigit() or (cell[0] in "+−<" and cell[1:2].isdigit())


def choice(group: str, options: Sequence[tuple[str, str]]) -> Markup:
    """Return radio buttons of values with labels, the first one chosen; styles show what belongs to the one that is."""
    buttons = [
        tag("label", tag("input", type="radio", name=group, value=value, checked="checked" if number == 0 else None), label)
        for number, (value, label) in enumerate(options)
    ]
    return tag("div", *buttons, class_="choice", role="radiogroup")


def views(group: str, *pairs: tuple[str, str]) -> Markup:
    """Return views with their labels, of which one is seen at a time: the first, until another is chosen."""
    buttons = choice(group, [(VIEWS[number], label) for number, (label, _) in enumerate(pairs)])
    return tag(
        "div", buttons, *(tag("div", view, class_=f"view {VIEWS[number]}") for number, (_, view) in enumerate(pairs)), class_="views"
    )


def section(name: str, title: str, *content: str) -> Markup:
    """Return a part of the page under a heading, which links lead to by its name."""
    return tag("section", tag("h2", title), *content, id=name)
