"""What README and docs say exists, exists: files, words, figures. Their code: test_docs_code.py."""

import json
import re
import runpy
from pathlib import Path

from support import defects_page

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "bytegolf"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]


def test_links_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_defect_of_the_baseline_has_its_test() -> None:
    page = defects_page.PAGE.read_text()
    rows = defects_page.ROW.findall(page)
    numbers = {"A": 12, "B": 10, "C": 7, "D": 8, "E": 8, "F": 3}
    assert [row for row, _ in rows] == [f"{letter}{i}" for letter, count in numbers.items() for i in range(1, count + 1)]
    assert not [row for row, tests in rows[:-1] if not defects_page.NAMED.search(tests)]
    assert defects_page.with_places(page) == page, "make docs"


def test_every_page_is_in_the_reading_order() -> None:
    listed = set(re.findall(r"\]\(([a-z-]+\.md)(?:#[a-z-]+)?\)", (ROOT / "docs" / "README.md").read_text()))
    assert sorted(listed) == sorted(path.name for path in (ROOT / "docs").glob("*.md") if path.name != "README.md")


def test_every_path_of_how_it_works_exists() -> None:
    texts = [(ROOT / "docs" / f"how-it-works.{suffix}").read_text() for suffix in ("md", "svg")]
    named = {path for text in texts for path in re.findall(r"[`>]((?:[a-z_]+/)*[a-z_0-9]+(?:\.py|/))[`<]", text)}
    assert len(named) > 60
    missing = [path for path in sorted(named) if not any((place / path).exists() for place in (PACKAGE, ROOT))]
    assert not missing, f"docs/how-it-works: {missing}"


def test_the_glossary_says_where_each_word_lives() -> None:
    rows = re.findall(r"^\| \*\*(.+?)\*\* \| .+ \| (.+) \|$", (ROOT / "docs" / "glossary.md").read_text(), re.MULTILINE)
    words = [word for word, _ in rows]
    assert len(rows) > 50 and words == sorted(words, key=str.lower)
    gone = [f"{word}: {place}" for word, where in rows for place in re.findall(r"`([^`]+)`", where) if not lives(place)]
    assert not gone, "\n".join(gone)


def lives(place: str) -> bool:
    """Return whether `path`, or `path: name` with a name that the file's code has, exists in the package or the project."""
    path, _, name = place.partition(": ")
    file = next((folder / path for folder in (PACKAGE, ROOT) if (folder / path).exists()), None)
    return file is not None and (not name or re.search(rf"\b{re.escape(name)}\b", file.read_text()) is not None)


def test_every_target_of_make_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {name for page in PAGES for name in re.findall(r"(?:`|^    )make ([a-z]+)", page.read_text(), re.MULTILINE)}
    assert {"quickstart", "test", "docs"} <= named <= targets


def test_the_workflow_runs_the_gate_on_every_python_that_is_promised() -> None:
    workflow, project = (ROOT / ".github" / "workflows" / "ci.yml").read_text(), (ROOT / "pyproject.toml").read_text()
    promised = re.findall(r"Programming Language :: Python :: (3\.\d+)", project)
    assert "run: .ci/run" in workflow and f"python: {json.dumps(promised)}" in workflow
    assert f'requires-python = ">={promised[0]}"' in project


def test_no_figure_is_left_to_fill_in() -> None:
    assert not [page.name for page in PAGES if "@@" in page.read_text()]


def test_the_page_of_figures_is_made_of_the_results() -> None:
    made = runpy.run_path(str(ROOT / "benchmarks" / "page.py"))["page"]()
    assert (ROOT / "docs" / "speed.md").read_text() == made


def test_the_cost_of_a_report_is_what_was_measured() -> None:
    found = json.loads((ROOT / "benchmarks" / "results" / "report.json").read_text())
    page = (ROOT / "docs" / "report.md").read_text()
    assert f"{found['runs']} runs of {found['steps']:,} logged steps: {found['seconds']:.2f} s" in page
    assert f"{found['bytes']:,} bytes" in page and found["date"] in page and found["seconds"] < 2


def test_the_measured_packing_is_what_its_results_say() -> None:
    results = json.loads((ROOT / "benchmarks" / "results" / "packing.json").read_text())
    made = runpy.run_path(str(ROOT / "benchmarks" / "packing_page.py"))
    assert (ROOT / "docs" / "packing-measured.md").read_text() == made["page"](results)
    assert (ROOT / "docs" / "packing.svg").read_text() == made["picture"](results["points"])


def test_the_measured_experts_are_what_their_results_say() -> None:
    results = json.loads((ROOT / "benchmarks" / "results" / "experts.json").read_text())
    made = runpy.run_path(str(ROOT / "benchmarks" / "experts_page.py"))
    assert (ROOT / "docs" / "experts-measured.md").read_text() == made["page"](results)
