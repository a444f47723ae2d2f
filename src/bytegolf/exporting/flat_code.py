"""Modules of this package as files of one folder that import each other and nothing else of it.

Each holds the definitions that are needed and no others, as they stand in the package, comments and docstrings included.
"""

import ast
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from bytegolf.contest.module_parts import ImportedName
from bytegolf.contest.needed_code import NeededModule, NeededParts

PACKAGE = Path(__file__).parents[1]
OWN_IMPORT = re.compile(rf"^(\s*)from ({PACKAGE.name}[.\w]*) import (.+)$", re.MULTILINE)


def flat_code(entries: Sequence[ImportedName], replaced: Mapping[ImportedName, ImportedName]) -> dict[str, str]:
    """Return sources by file name: those of `entries` and of all that they need. Names that are `replaced` are others' there."""
    parts = NeededParts(PACKAGE, shortened=False, replaced=replaced)
    for entry in entries:
        parts.need(entry)
    modules = [module for module in parts.modules() if any(not _is_docstring(statement) for statement in module.statements)]
    files = {f"{_flat_name(module.name)}.py": _source(module, replaced) for module in modules}
    assert len(files) == len(modules), "modules of one name in two rooms"
    return dict(sorted(files.items()))


def _source(module: NeededModule, replaced: Mapping[ImportedName, ImportedName]) -> str:
    """Return the text of a module's needed statements, imports made relative."""
    lines = module.path.read_text("utf-8").splitlines()
    text = "\n".join(part for statement in module.statements for part in _lines(statement, lines))
    return OWN_IMPORT.sub(lambda found: "\n".join(_relative(found, replaced)), text).strip("\n") + "\n"


def _lines(statement: ast.stmt, lines: Sequence[str]) -> list[str]:
    """Return a statement as it is written, with the comments and empty lines just above it."""
    first = min([statement.lineno, *(decorator.lineno for decorator in getattr(statement, "decorator_list", []))]) - 1
    above = first
    while above and (lines[above - 1].startswith("#") or not lines[above - 1]):
        above -= 1
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return [*lines[above:first], ast.unparse(statement)]
    return list(lines[above : statement.end_lineno])


def _relative(found: re.Match[str], replaced: Mapping[ImportedName, ImportedName]) -> list[str]:
    """Return an import from this package as imports from neighbouring files, a line each."""
    indent, module, names = found.groups()
    by_file: dict[str, list[str]] = {}
    for alias in ast.parse(f"from {module} import {names}").body[0].names:  # type: ignore[attr-defined]  # an import
        target = replaced.get(ImportedName(module, alias.name), ImportedName(module, alias.name))
        called = alias.asname or alias.name
        by_file.setdefault(_flat_name(target.module), []).append(f"{target.name} as {called}" if target.name != called else called)
    return [f"{indent}from .{file} import {', '.join(names)}" for file, names in sorted(by_file.items())]


def _flat_name(module: str) -> str:
    return module.rpartition(".")[2]


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
