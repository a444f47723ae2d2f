"""What README and docs say exists, exists: commands, options, recipes, functions, files."""

import ast
import io
import json
import re
import runpy
import shlex
import sys
from contextlib import redirect_stdout
from pathlib import Path

import pytest

import bytegolf
from bytegolf.cli.app import main
from bytegolf.recipes import recipe_names

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page: Path) -> list[str]:
    """Lines of a page's indented blocks, comments aside."""
    return [line[4:].split("  #")[0].rstrip() for line in page.read_text().splitlines() if line.startswith("    ")]


def commands() -> list[str]:
    return sorted({line for page in PAGES for line in blocks(page) if line.startswith("bytegolf ")})


def help_of(verb: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(sys, "argv", ["bytegolf", verb, "--help"])
    monkeypatch.setenv("COLUMNS", "200")
    shown = io.StringIO()
    with redirect_stdout(shown), pytest.raises(SystemExit):
        main()
    return shown.getvalue()


def test_there_are_commands_to_check() -> None:
    assert len(commands()) >= 8


@pytest.mark.parametrize("command", commands())
def test_a_command_has_its_verb_options_and_recipe(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _, verb, *rest = shlex.split(command)
    known = help_of(verb, monkeypatch)
    for option in (word for word in rest if word.startswith("--")):
        assert option in known
    if verb in ("plan", "train", "recipes") and rest and not rest[0].startswith("--"):
        assert rest[0] in recipe_names()


def test_the_python_of_the_readme_names_what_is_offered() -> None:
    page = (ROOT / "README.md").read_text()
    code = "\n".join(line[4:] for line in page[page.index("    from pathlib") : page.index("## What it promises")].splitlines())
    names = {node.attr for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "bg"}
    assert names and names <= set(bytegolf.__all__)


def test_the_tree_of_the_readme_is_the_tree() -> None:
    page = (ROOT / "README.md").read_text()
    listed = set(re.findall(r"^ {6}([a-z_]+(?:\.py|/))", page, re.MULTILINE))
    package = ROOT / "src" / "bytegolf"
    present = {path.name if path.is_file() else f"{path.name}/" for path in package.iterdir() if not path.name.startswith("__")}
    assert listed == present


def test_links_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_defect_of_the_seed_has_its_test() -> None:
    rows = re.findall(r"^\| ([A-F]\d+) \|.*\| ([^|]*) \|$", (ROOT / "docs" / "defects.md").read_text(), re.MULTILINE)
    numbers = {"A": 12, "B": 10, "C": 7, "D": 8, "E": 8, "F": 3}
    assert [row for row, _ in rows] == [f"{letter}{i}" for letter, count in numbers.items() for i in range(1, count + 1)]
    for row, tests in rows[:-1]:
        named = re.findall(r"`([\w/]+\.py)::(\w+)`", tests)
        assert named, row
        for file, test in named:
            assert f"def {test}(" in (ROOT / "tests" / file).read_text(), f"{row}: {file}::{test}"


def test_no_figure_is_left_to_fill_in() -> None:
    assert not [page.name for page in PAGES if "@@" in page.read_text()]


def test_the_page_of_figures_is_made_of_the_results() -> None:
    made = runpy.run_path(str(ROOT / "benchmarks" / "page.py"))["page"]()
    assert (ROOT / "docs" / "speed.md").read_text() == made


def test_the_measured_packing_is_what_its_results_say() -> None:
    results = json.loads((ROOT / "benchmarks" / "results" / "packing.json").read_text())
    made = runpy.run_path(str(ROOT / "benchmarks" / "packing_page.py"))
    assert (ROOT / "docs" / "packing-measured.md").read_text() == made["page"](results)
    assert (ROOT / "docs" / "packing.svg").read_text() == made["picture"](results["points"])
