"""The page stands alone, shows the runs' numbers, and lets no name become markup."""

import math
from collections.abc import Mapping
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from bytegolf.reporting.page import write_report
from bytegolf.reporting.run_report import RunReport
from bytegolf.scoring.compressors import CompressorScore
from support.records import MANIFEST as RECORDED

HOSTILE = "<script>alert('x')</script>&\"</title>"

MANIFEST = {**RECORDED, "bytes_per_token": 1 / math.log(2)}  # so that a nat a token is a bit a byte
EVENTS = [
    {"event": "step", "step": 10, "loss": 5.4321, "lr_scale": 1.0},
    {"event": "qat", "step": 15, "bits": {"mlp": 4.0}},
    {"event": "step", "step": 20, "loss": 3.2123, "lr_scale": 0.5},
    {"event": "validate", "step": 20, "bpb": 1.8765, "artifact_bytes": 90},
    {"event": "done", "step": 20, "seconds": 3.0},
]
PACK: dict[str, Any] = {
    "bytes": 987_654,
    "budget": 1_000_000,
    "method": "rate",
    "coder": "range",
    "bpb_before": 1.11119,
    "bpb_after": 1.22229,
    "bpb_experts": 0.98765,
    "bits": {"mlp": 4.321},
    "bits_per_weight": 4.567,
    "sections": {"mlp": 613_411, "attention": 0},
}
SCORES = [{"of": "artifact.bgz", "protocol": "sliding", "bpb": 1.98761}]


def run(name: str = "run-1", pack: Mapping[str, Any] | None = PACK, scores: list[dict[str, Any]] = SCORES) -> RunReport:
    return RunReport(name, MANIFEST, EVENTS, scores, pack)


class Page(HTMLParser):
    """What a browser would make of the page: tags with attributes, and the text of each kind of tag."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: dict[str, str] = {}
        self.inside: list[str] = []
        self.feed(path.read_text("utf-8"))
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))
        if tag not in ("meta", "link", "img"):
            self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.inside.pop() == tag, "tags nest"

    def handle_data(self, data: str) -> None:
        tag = self.inside[-1] if self.inside else ""
        self.text[tag] = self.text.get(tag, "") + data + "\n"


@pytest.fixture
def page(tmp_path: Path) -> Page:
    write_report(tmp_path / "page.html", [run()], [CompressorScore("xz -9e", 2.46813, 2.13579)])
    return Page(tmp_path / "page.html")


def test_nothing_is_fetched(page: Page) -> None:
    for tag, attributes in page.tags:
        assert tag not in ("link", "iframe", "img", "base", "object", "embed")
        assert not {"src", "href", "srcset", "action"} & set(attributes), (tag, attributes)
    assert "@import" not in page.text["style"] and "url(" not in page.text["style"]
    assert len(page.text["script"]) > 1_000_000, "plotly is on board"
    assert page.inside == []


def test_the_summary(page: Page) -> None:
    cells = page.text["td"] + page.text["th"]
    for shown in (
        "run-1",
        "tiny",
        "1,234,567",
        "8,642",
        "1,358 s",
        "24,680",
        "1.2346 bpb",
        "987,654 bytes of 1,000,000",
        "1.1112 bpb",
        "1.2223 bpb",
    ):
        assert shown in cells
    assert "run-1" in page.text["title"] and "run-1" in page.text["h1"]
    for shown in ("python 3.11.7", "torch 2.13.0", "platform Linux", "c0de" * 16):
        assert shown in page.text["footer"]


def test_the_figures(page: Page) -> None:
    """Curves over steps, the artifact's parts, scores beside compressors: all in the page's data."""
    assert page.text["h2"].split("\n")[:3] == ["Training", "Where every byte goes", "Bits per byte of the held-out text"]
    plots = page.text["script"]
    for shown in ("[5.4321,3.2123]", "[10,20]", "[1.8765]", "613411", "1.98761", "2.46813", "2.13579", "xz -9e", "quantisation-aware"):
        assert shown in plots, shown


def test_every_section_of_the_artifact(page: Page) -> None:
    """A row for each section, the largest first, with its share; all of them, and what the budget has left."""
    cells = page.text["td"].split("\n")
    for section, size in PACK["sections"].items():
        place = cells.index(section)
        assert cells[place + 1 : place + 3] == [f"{size:,}", f"{size / PACK['bytes']:.1%}"]
    assert cells[cells.index("mlp") + 3] == "4.32" and cells[cells.index("attention") + 3] == "in all"  # no bits of nothing
    assert cells[cells.index("in all") + 1] == f"{PACK['bytes']:,}"
    assert cells[cells.index("unused") + 1] == f"{PACK['budget'] - PACK['bytes']:,}"


def test_names_are_text(tmp_path: Path) -> None:
    manifest = {**MANIFEST, "recipe": HOSTILE, "platform": HOSTILE}
    pack = {**PACK, "sections": {HOSTILE: 3}}
    scores = [{"of": HOSTILE, "protocol": HOSTILE, "bpb": 1.0}]
    write_report(tmp_path / "page.html", [RunReport(HOSTILE, manifest, EVENTS, scores, pack)], [CompressorScore(HOSTILE, 1.0, 1.0)])
    page = Page(tmp_path / "page.html")
    plain = write_plain(tmp_path)
    assert [tag for tag, _ in page.tags] == [tag for tag, _ in plain.tags]
    assert HOSTILE in page.text["title"] and HOSTILE in page.text["td"] and HOSTILE in page.text["footer"]
    assert escape(HOSTILE) in (tmp_path / "page.html").read_text()
    assert "<script>alert" not in (tmp_path / "page.html").read_text()


def write_plain(tmp_path: Path) -> Page:
    """The same page with a harmless name."""
    write_report(tmp_path / "plain.html", [run(pack={**PACK, "sections": {"table": 3}})], [CompressorScore("xz", 1.0, 1.0)])
    return Page(tmp_path / "plain.html")


def test_several_runs_stand_side_by_side(tmp_path: Path) -> None:
    runs = [run("first"), run("second", pack=None, scores=[]), run("third", pack={**PACK, "bytes": 5, "sections": {"table": 5}})]
    write_report(tmp_path / "page.html", runs)
    page = Page(tmp_path / "page.html")
    assert all(name in page.text["th"] and name in page.text["title"] for name in ("first", "second", "third"))
    assert page.text["td"].count("1.2346 bpb") == 3
    assert page.text["td"].count("not packed") == 1 and page.text["td"].count("not scored") == 3
    for name in ("first", "second", "third"):
        assert f"{name}: training loss" in page.text["script"] and f"{name}: held out" in page.text["script"]


def test_a_run_that_was_neither_packed_nor_scored(tmp_path: Path) -> None:
    write_report(tmp_path / "page.html", [run(pack=None, scores=[])])
    page = Page(tmp_path / "page.html")
    assert page.text["h2"].strip() == "Training" and "not packed" in page.text["td"]


def test_a_pack_without_scores(tmp_path: Path) -> None:
    write_report(tmp_path / "page.html", [run(pack={**PACK, "bpb_before": None, "bpb_after": None, "bpb_experts": None})])
    assert Page(tmp_path / "page.html").text["td"].count("not scored") == 3


def test_an_old_page_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "page.html"
    write_report(path, [run()])
    write_report(path, [run("another")])
    assert "another" in Page(path).text["title"] and [entry.name for entry in path.parent.iterdir()] == ["page.html"]
