"""The house keeps its shape: rooms in one order, small files, tests that mirror the code, plain words.

Every test reports all offenders at once. Exceptions stand in tests/house.toml, each with its reason; one that is
no longer needed fails too.
"""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from support import house
from support.source_code import Use, files, functions, identifiers, imports, imports_by_string, private_uses, short, tree_of, types, words

LISTS: dict[str, dict[str, str]] = tomllib.loads((Path(__file__).parent / "house.toml").read_text())
SOURCES, TESTS, PROGRAMS = files("src"), files("tests"), files("benchmarks", "examples")

MAX_FUNCTION_LINES = 50
MAX_FILE_LINES = 300
# Words that say nothing to a reader who knows the field; the glossary has the ones to use.
FORBIDDEN = {"pupil", "accuse", "accused", "speaks", "leads", "gauge", "crowd", "books", "blamed", "ours", "theirs", "foo"}
SEEDS = {"seed", "seeds", "rng_seed", "manual_seed"}  # of random generators; the published script is the baseline
SEED_AS_BASELINE = re.compile(
    r"\bthe seed('s| system| scripts?| has| did| do| trained| kept| stored)|\bseed (system|script|preset)|as the seed\b"
)


def report(offenders: list[str]) -> None:
    """Fail with a line for each offender."""
    if offenders:
        pytest.fail("\n".join([f"{len(offenders)}:", *sorted(set(offenders))]), pytrace=False)


def excused(kind: str, offenders: dict[str, list[str]]) -> list[str]:
    """Return the offenders that the list `kind` does not excuse, and the excuses that nothing needs any more."""
    allowed = LISTS[kind]
    return [line for key, lines in offenders.items() if key not in allowed for line in lines] + [
        f"{key}: nothing to excuse in [{kind}] of tests/house.toml" for key in allowed if key not in offenders
    ]


def by_file(uses: list[Use]) -> dict[str, list[str]]:
    """Return uses grouped by their file."""
    return {file: [str(use) for use in uses if use.file == file] for file in {use.file for use in uses}}


def modules() -> dict[str, Path]:
    """Return every module of the package that holds code of its own, by its path in the package without suffix."""
    named = {path.relative_to(house.PACKAGE).with_suffix("").as_posix(): path for path in SOURCES}
    return {
        name: path for name, path in named.items() if not name.endswith("__main__") and (not name.endswith("__init__") or defines(path))
    }


def defines(path: Path) -> bool:
    """Return whether a file defines a function or class."""
    return any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in tree_of(path).body)


def own_test(module: str) -> Path:
    """Return where the tests of a module belong."""
    folder, _, name = module.rpartition("/")
    name = folder.rpartition("/")[2] or "bytegolf" if name == "__init__" else name
    return Path(__file__).parent / folder / f"test_{name}.py"


def test_every_module_stands_in_the_order_of_rooms() -> None:
    assert sorted(house.rooms()) == sorted(house.present())


def test_readme_and_contributing_list_the_rooms() -> None:
    for page, text in house.pages().items():
        assert page.read_text() == text, f"{page.name}: make docs"


def test_functions_fit_a_screen() -> None:
    found = [function for path in SOURCES + TESTS + PROGRAMS for function in functions(path)]
    long = {use.name: [f"{use}: {lines} lines"] for use, lines in found if lines > MAX_FUNCTION_LINES}
    report(excused("long_functions", long))


def test_files_are_short() -> None:
    sizes = {short(path): len(path.read_text().splitlines()) for path in SOURCES + TESTS + PROGRAMS}
    report(excused("long_files", {file: [f"{file}: {lines} lines"] for file, lines in sizes.items() if lines > MAX_FILE_LINES}))


def test_nothing_is_imported_through_a_string() -> None:
    found = {str(use): use for path in SOURCES + TESTS for use in imports_by_string(path)}
    allowed = LISTS["import_by_string"]
    report([text for text, use in found.items() if use.file not in allowed])
    report([f"{file} imports nothing through a string" for file in allowed if file not in {use.file for use in found.values()}])


def test_every_module_has_its_tests() -> None:
    reasons = LISTS["without_own_test"]
    missing = {module for module in modules() if not own_test(module).exists()}
    report(
        [f"{module}: expected {short(own_test(module))}, or a reason in tests/house.toml" for module in missing - set(reasons)]
        + [f"{module}: has its tests, or is no module any more" for module in set(reasons) - missing]
    )


def test_every_test_file_is_of_a_module_or_a_subject() -> None:
    expected = {short(own_test(module)) for module in modules()}
    others = {short(path) for path in TESTS if path.name.startswith("test_")} - expected
    subjects = {f"tests/{file}" for file in LISTS["subjects"]}
    report(
        [f"{file}: of no module; name its subject in tests/house.toml" for file in others - subjects]
        + [f"{file}: is of a module, or is gone" for file in subjects - others]
    )


def test_exceptions_have_reasons() -> None:
    report([f"{kind}: {name}" for kind, entries in LISTS.items() for name, reason in entries.items() if len(reason.split()) < 3])


def test_what_is_imported_is_declared() -> None:
    declared = house.project()["project"]
    optional = declared["optional-dependencies"]
    assert isinstance(declared["dependencies"], list) and isinstance(optional, dict)
    requirements = [*declared["dependencies"], *(item for extra, items in optional.items() if extra != "dev" for item in items)]
    known = {normalised(re.split(r"[<>=]", requirement)[0]) for requirement in requirements}
    provided = packages_distributions()
    outside = [use for path in SOURCES for use in imports(path) if root(use) not in sys.stdlib_module_names | {"bytegolf"}]
    undeclared = [use for use in outside if known.isdisjoint(map(normalised, provided.get(root(use), [root(use)])))]
    report([str(use) for use in undeclared if root(use) not in LISTS["undeclared"]])
    report([f"{name} is not imported, or is declared" for name in LISTS["undeclared"] if name not in {root(use) for use in undeclared}])


def root(use: Use) -> str:
    return use.name.split(".")[0]


def normalised(distribution: str) -> str:
    return distribution.lower().replace("_", "-")


def test_tests_use_no_private_names() -> None:
    report(excused("private_names", by_file([use for path in TESTS + PROGRAMS for use in private_uses(path)])))


def test_no_two_types_have_one_name() -> None:
    found = [use for path in SOURCES for use in types(path)]
    places = {name: [f"{name}: {use.file}:{use.line}" for use in found if use.name == name] for name in {use.name for use in found}}
    report(excused("shared_names", {name: lines for name, lines in places.items() if len(lines) > 1}))


def test_identifiers_are_plain_words() -> None:
    named = [use for path in SOURCES for use in identifiers(path)]
    report(
        [str(use) for use in named if FORBIDDEN.intersection(words(use.name))]
        + [f"{use} (the published script is the baseline)" for use in named if "seed" in words(use.name) and use.name.lower() not in SEEDS]
    )


def test_the_published_script_is_the_baseline_everywhere() -> None:
    pages = [house.ROOT / "README.md", house.ROOT / "CONTRIBUTING.md", *sorted((house.ROOT / "docs").glob("*.md"))]
    found = []
    for path in SOURCES + [path for path in TESTS if path != Path(__file__)] + PROGRAMS + pages:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if SEED_AS_BASELINE.search(line):
                found.append(f"{short(path)}:{number} {line.strip()}")
    report(found)
