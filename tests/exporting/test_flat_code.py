"""Code that an exported folder carries: complete, free of the package, and as it is written there."""

import ast
import sys

import pytest

from bytegolf.contest.module_parts import ImportedName
from bytegolf.exporting.flat_code import PACKAGE, flat_code
from bytegolf.exporting.transformers_folder import ENTRIES, REPLACED

FILES = flat_code(ENTRIES, REPLACED)
PACKAGED = "\n\n".join(path.read_text() for path in PACKAGE.rglob("*.py"))
OUTSIDE = {"torch", "numpy", "sentencepiece", "transformers", *sys.stdlib_module_names}


def test_it_begins_where_transformers_looks() -> None:
    assert {"configuration_bytegolf.py", "modeling_bytegolf.py", "tokenization_bytegolf.py", "gpt.py"} <= FILES.keys()
    assert all("/" not in name for name in FILES)


def bound(source: str) -> set[str]:
    """The names that a file's statements bind."""
    tree, names = ast.parse(source), set()
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.ImportFrom | ast.Import):
            names |= {alias.asname or alias.name for alias in node.names}
        else:
            names |= {part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}
    return names


@pytest.mark.parametrize("name", FILES)
def test_what_a_file_imports_is_there(name: str) -> None:
    for node in ast.walk(ast.parse(FILES[name])):
        if isinstance(node, ast.ImportFrom) and node.level:
            assert {alias.name for alias in node.names} <= bound(FILES[f"{node.module}.py"])
        elif isinstance(node, ast.ImportFrom):
            assert str(node.module).partition(".")[0] in OUTSIDE
        elif isinstance(node, ast.Import):
            assert {alias.name.partition(".")[0] for alias in node.names} <= OUTSIDE


@pytest.mark.parametrize("name", FILES)
def test_definitions_stand_as_they_are_written(name: str) -> None:
    for node in ast.parse(FILES[name]).body:
        if not isinstance(node, ast.Import | ast.ImportFrom):
            assert (ast.get_source_segment(FILES[name], node) or "nothing") in PACKAGED
    assert FILES[name].startswith('"""')


def test_comments_above_a_definition_come_along() -> None:
    assert "# Between letters, and before a character that no vocabulary has" in FILES["sentencepiece_bytes.py"]


def test_what_is_replaced_is_gone() -> None:
    assert "onednn" not in "".join(FILES.values()) and "causal.py" not in FILES and "pydantic" not in FILES["config.py"]
    assert "from .configuration_bytegolf import BytegolfConfig as ModelConfig" in FILES["gpt.py"]


def test_unneeded_definitions_stay_behind() -> None:
    files = flat_code([ImportedName("bytegolf.text.bytetable", "ByteTable")], {})
    assert files.keys() == {"bytetable.py", "errors.py"} and "class ParameterError" not in files["errors.py"]
