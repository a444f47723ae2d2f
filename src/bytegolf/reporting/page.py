"""One self-contained HTML page about runs: nothing is fetched, and without its script it lacks no more than what follows the pointer."""

from importlib.resources import files
from pathlib import Path

from bytegolf.reporting.groups import grouped
from bytegolf.reporting.markup import Markup, join, tag
from bytegolf.reporting.run_report import PageContents
from bytegolf.reporting.sections.budget import budget_section
from bytegolf.reporting.sections.comparison import comparison_section
from bytegolf.reporting.sections.evidence import audit_section, compressors_section, receipt_section
from bytegolf.reporting.sections.head import head, subtitle
from bytegolf.reporting.sections.origin import origin_section
from bytegolf.reporting.sections.precision import precision_section
from bytegolf.reporting.sections.size import size_section
from bytegolf.reporting.sections.text import along_section, coloured_section
from bytegolf.reporting.sections.training import training_section
from bytegolf.storage.files import write_atomically

LINKS = {
    "comparison": "Comparison", "training": "Training", "compressors": "Compressors", "bytes": "Bytes", "budget": "Budget",
    "precision": "Rounding", "along": "Along the text", "text": "Text", "proof": "Proof", "data": "Data", "origin": "Machine",
}  # fmt: skip


def write_report(out: Path, contents: PageContents) -> None:
    """Write the page to `out`."""
    write_atomically(out, page(contents))


def page(contents: PageContents) -> str:
    """Return the page. The same contents give the same page."""
    runs, groups = contents.runs, grouped(contents.runs)
    sections = join(
        [
            comparison_section(groups),
            training_section(groups),
            compressors_section(groups, contents.data),
            size_section(runs),
            budget_section(groups),
            precision_section(groups),
            along_section(runs),
            coloured_section(runs),
            receipt_section(runs),
            audit_section(contents.data),
            origin_section(groups),
        ]
    )
    links = [tag("a", label, href=f"#{name}") for name, label in LINKS.items() if f'<section id="{name}">' in sections]
    top = tag(
        "header",
        tag("div", tag("p", "bytegolf report", class_="kind"), tag("button", "Theme", type="button", id="theme", hidden=""), class_="bar"),
        tag("h1", contents.title),
        tag("p", subtitle(contents, groups), class_="subtitle"),
        tag("nav", *links),
    )
    body = tag("body", tag("main", top, head(contents), sections), tag("div", id="tip", hidden=""), _script())
    style = tag("style", Markup(_resource("page.css")))
    meta = Markup('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">')
    return f'<!doctype html><html lang="en"><head>{meta}{tag("title", f"bytegolf: {contents.title}")}{style}</head>{body}</html>'


def _script() -> Markup:
    return tag("script", Markup(_resource("page.js")))


def _resource(name: str) -> str:
    return files("bytegolf.reporting").joinpath(name).read_text("utf-8")
