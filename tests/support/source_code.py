"""What can be said of Python files by their syntax trees alone: sizes, imports, names."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]


class Use(NamedTuple):
    """Something found in a file, printed as `file:line name`."""

    file: str
    line: int
    name: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.name}"


def files(*folders: str) -> list[Path]:
    """Return the Python files under folders of the project."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def short(path: Path) -> str:
    """Return a file's path relative to the project."""
    return path.relative_to(ROOT).as_posix()


@cache
def tree_of(path: Path) -> ast.Module:
    """Return the syntax tree of a file, parsed once."""
    return ast.parse(path.read_text())


def functions(path: Path) -> Iterator[tuple[Use, int]]:
    """Yield every function and method with its number of lines, decorators aside."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield Use(short(path), node.lineno, node.name), node.end_lineno - node.lineno + 1


def imports(path: Path) -> Iterator[Use]:
    """Yield the full name of every module or object that a file imports: `a.b` of `from a import b`."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (Use(short(path), node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from (Use(short(path), node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def imports_by_string(path: Path) -> Iterator[Use]:
    """Yield every call of `import_module`, `__import__` or `find_spec`."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func).rpartition(".")[2]
            if name in ("import_module", "__import__", "find_spec"):
                yield Use(short(path), node.lineno, ast.unparse(node))


def private(name: str) -> bool:
    """Return whether a name is private to its module or class."""
    return name.startswith("_") and not name.startswith("__")


def private_uses(path: Path) -> Iterator[Use]:
    """Yield what a file takes of bytegolf's private names: imported, read from a module, or replaced by `setattr`."""
    taken = [use for use in imports(path) if use.name.startswith("bytegolf")]
    yield from (use for use in taken if any(private(part) for part in use.name.split(".")))
    known = {use.name.rpartition(".")[2] for use in taken}
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Attribute) and private(node.attr) and ast.unparse(node.value).split(".")[0] in known:
            yield Use(short(path), node.lineno, ast.unparse(node))
        elif isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "setattr":
            named = [str(argument.value) for argument in node.args[:2] if isinstance(argument, ast.Constant)]
            yield from (Use(short(path), node.lineno, name) for name in named if private(name.rpartition(".")[2]))


def identifiers(path: Path) -> Iterator[Use]:
    """Yield every name that a file gives to something: functions, classes, arguments, variables, attributes, fields."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield Use(short(path), node.lineno, node.name)
        elif isinstance(node, ast.arg):
            yield Use(short(path), node.lineno, node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield Use(short(path), node.lineno, node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield Use(short(path), node.lineno, node.attr)


def types(path: Path) -> Iterator[Use]:
    """Yield the classes and type aliases that a file defines on its top level, private ones aside."""
    for node in tree_of(path).body:
        if isinstance(node, ast.ClassDef) and not private(node.name):
            yield Use(short(path), node.lineno, node.name)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and re.fullmatch(r"([A-Z][a-z]+)+", node.targets[0].id):
            yield Use(short(path), node.lineno, node.targets[0].id)


def words(identifier: str) -> list[str]:
    """Return the words of an identifier in lower case: `seed_table` and `SeedTable` are seed, table."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+", identifier)]
