"""What makes a site of pages that are written for the forge: its navigation, pages from outside docs/, links to files, and lists.

mkdocs calls the functions named `on_` (mkdocs.org/user-guide/configuration/#hooks); mkdocs.yml names this file.
"""

import posixpath
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
ELSEWHERE = {  # pages that the site has under another name than the project
    "README.md": "index.md",
    "docs/README.md": "reading-order.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
    "CODE_OF_CONDUCT.md": "conduct.md",
}
SOURCES = {name: source for source, name in ELSEWHERE.items()}

ENTRY = re.compile(r"(?:\d+\. |\| )(?:The )?\[`?(?P<title>[^\]`]+)`?\]\((?P<target>[^)#]+)")
LINK = re.compile(r"(?<=\]\()(?![a-z]+:)([^)\s#]+)")
ITEM = re.compile(r"( *)(?:[-*]|\d+\.) ")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Make the navigation of the reading order."""
    config.nav = navigation((ROOT / "docs" / "README.md").read_text("utf-8"))
    return config


def navigation(reading_order: str) -> list[dict[str, list[dict[str, str]]]]:
    """Return a section for each heading, with the pages that its lines begin with; a page stands where it comes first.

    A page that several lines lead to bears the words of them all: a verb each.
    """
    sections: dict[str, list[str]] = {}
    titles: dict[str, list[str]] = {}
    for line in reading_order.split("\n"):
        if line.startswith("## "):
            pages = sections.setdefault(line.removeprefix("## "), [])
        elif entry := ENTRY.match(line):
            page = place_on_site(entry["target"], "docs/README.md")
            if page is not None and page not in titles:
                pages.append(page)
            titles.setdefault(page or "", []).append(entry["title"])
    return [{name: [{", ".join(dict.fromkeys(titles[page])): page} for page in pages]} for name, pages in sections.items()]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that lie outside docs/, and give its README another name: a site begins with the project's."""
    kept = [file for file in files if file.src_uri != "README.md"]
    added = [File.generated(config, name, content=(ROOT / source).read_text("utf-8")) for source, name in ELSEWHERE.items()]
    return Files([*kept, *added])


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Return a page's Markdown with links as the site has them, and lists as Python-Markdown reads them."""
    source, blob = source_of(page.file.src_uri), f"{config.extra['forge']}/blob/main"
    lines = ((with_links(line, source, blob) if prose else line, prose) for line, prose in told_apart(markdown))
    return "\n".join(lists_apart(lines))


def source_of(name: str) -> str:
    """Return the path in the project of a page that the site calls `name`."""
    return SOURCES.get(name, f"docs/{name}")


def with_links(line: str, source: str, blob: str) -> str:
    """Return a line of the page at `source` with its links to files as the site has them; to what it has not, under the forge's `blob`."""
    return LINK.sub(lambda link: place_on_site(link[0], source) or f"{blob}/{in_project(link[0], source)}", line)


def place_on_site(target: str, source: str) -> str | None:
    """Return where the site has what the page at `source` links to, or None."""
    path = in_project(target, source)
    return ELSEWHERE.get(path) or (path.removeprefix("docs/") if path.startswith("docs/") else None)


def in_project(target: str, source: str) -> str:
    """Return the path in the project of what the page at `source` links to."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(source), target))


def told_apart(markdown: str) -> Iterator[tuple[str, bool]]:
    """Yield each line and whether it is prose, not code."""
    fenced = False
    for line in markdown.split("\n"):
        fence = line.startswith("```")
        yield line, not (fenced or fence or line.startswith("    "))
        fenced ^= fence


def lists_apart(lines: Iterable[tuple[str, bool]]) -> Iterator[str]:
    """Yield lines, each known to be prose or not, with an empty one before each list, and lists inside of lists four spaces in.

    CommonMark needs neither.
    """
    before, inside = "", False
    for line, prose in lines:
        item = ITEM.match(line) if prose else None
        if item and not inside and before and not before.startswith("#"):
            yield ""
        inside = item is not None or (inside and line.startswith(" "))
        yield line.replace(item[1], "    ", 1) if item and item[1] else line
        before = line
