"""The site is built of the pages that the forge shows, and says the same."""

import re
import runpy
from collections import Counter
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from mkdocs.commands.build import build
from mkdocs.config import load_config

ROOT = Path(__file__).parents[1]
HOOKS = runpy.run_path(str(ROOT / "docs" / "site" / "hooks.py"))
LOADED = re.compile(r'<(?:script|img|iframe)[^>]* src="([^"]+)"|<link[^>]*rel="(?:stylesheet|icon|preconnect)"[^>]*href="([^"]+)"')
COMPARED = ("pre", "ol", "ul", "li", "table", "td", "h1", "h2", "h3", "img")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site. It is strict: a link that leads nowhere, or to a heading that is not there, ends it."""
    folder = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_MKDOCS_2_WARNING", "1")
        build(load_config(str(ROOT / "mkdocs.yml"), site_dir=str(folder)))
    return folder


def elements(html: str) -> dict[str, int]:
    found = Counter(re.findall(r"<([a-z0-9]+)[ >/]", html))
    return {name: found[name] for name in COMPARED}


def pages() -> dict[str, Path]:
    """The project's pages by their names on the site."""
    kept = {path.name: path for path in (ROOT / "docs").glob("*.md") if path.name != "README.md"}
    return kept | {name: ROOT / source for source, name in HOOKS["ELSEWHERE"].items()}


@pytest.mark.parametrize("name", sorted(pages()))
def test_a_page_has_the_parts_that_the_forge_shows(site: Path, name: str) -> None:
    """Lists, code and tables are where CommonMark finds them: what reads Markdown for the site is of another school."""
    shown = (site / name.replace(".md", ".html")).read_text()
    article = shown[shown.index("<article") : shown.index("</article>")]
    expected = MarkdownIt("commonmark").enable("table").render(pages()[name].read_text())
    assert elements(article) == elements(expected)


def test_every_page_is_reached_from_the_first(site: Path) -> None:
    links = set(re.findall(r'href="([a-z-]+)\.html"', (site / "index.html").read_text()))
    assert {name.removesuffix(".md") for name in pages()} - {"index", "reading-order"} <= links


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    for page in site.glob("*.html"):
        loaded = LOADED.findall(page.read_text())
        assert loaded and not [one for one in map("".join, loaded) if one.startswith(("http:", "https:", "//"))], page.name


def test_links_to_files_lead_to_the_forge_and_links_in_code_stay() -> None:
    blob = "https://forge/blob/main"
    assert HOOKS["with_links"]("[a](../src/x.py) [b](data.md#y) [c](https://z)", "docs/a.md", blob) == (
        f"[a]({blob}/src/x.py) [b](data.md#y) [c](https://z)"
    )
    assert HOOKS["with_links"]("[a](docs/data.md) [b](CHANGELOG.md) ![c](docs/c.svg)", "README.md", blob) == (
        "[a](data.md) [b](changelog.md) ![c](c.svg)"
    )
    lines = list(HOOKS["told_apart"]("a\n    b\n```\nc\n```\nd"))
    assert [prose for _, prose in lines] == [True, False, False, False, False, True]


def test_lists_are_set_apart() -> None:
    page = "Text:\n- a\n  more\n  - b\n- c\nEnd\n```\n- code\n  - code\n```"
    apart = "Text:\n\n- a\n  more\n    - b\n- c\nEnd\n```\n- code\n  - code\n```"
    assert "\n".join(HOOKS["lists_apart"](HOOKS["told_apart"](page))) == apart


def test_the_navigation_is_the_reading_order() -> None:
    page = "# A\n## One\n1. The [b](c.md): d [e](f.md).\n2. [g](../README.md)\n## Two\n| [`h`](i.md#j) | x |\n| [`k`](i.md) | [l](m.md) |\n"
    assert HOOKS["navigation"](page) == [{"One": [{"b": "c.md"}, {"g": "index.md"}]}, {"Two": [{"h, k": "i.md"}]}]
