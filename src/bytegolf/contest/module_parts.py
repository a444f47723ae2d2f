"""A module of a program taken apart: its definitions and imports by name, without what only type checkers need."""

import ast
import re
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

COMPILERS = {"compiled", "compiled_inside", "compiled_without_counts", "compiled_inside_without_counts"}
BLIND_DECORATORS = {"property", "staticmethod", "classmethod", "cached_property", "cache", "contextmanager", *COMPILERS}  # to annotations


class ImportedName(NamedTuple):
    """A name that a module imports: `name` of `module`, or the module itself where that is None."""

    module: str
    name: str | None


class ModuleParts:
    """The statements of a module, by the names that they bind. `statements` are all of them, in their order.

    They are `shortened` by what only readers need, or left as they are.
    """

    def __init__(self, path: Path, shortened: bool = True) -> None:
        tree = ast.parse(path.read_text("utf-8"))
        tree = Shortened().visit(tree) if shortened else tree
        self.statements: list[ast.stmt] = [statement for statement in tree.body if not _for_type_checkers(statement)]
        self.definitions: dict[str, list[ast.stmt]] = defaultdict(list)
        self.imports: dict[str, ImportedName] = {}
        self.unnamed: list[ast.stmt] = []  # which run whenever the module is loaded
        for statement in self.statements:
            self._enter(statement)

    def _enter(self, statement: ast.stmt) -> None:
        """Note what a statement binds."""
        if isinstance(statement, ast.Import | ast.ImportFrom):
            self.imports.update(imported_names(statement))
        elif names := _bound_names(statement):
            for name in names:
                self.definitions[name].append(statement)
        else:
            self.unnamed.append(statement)
            for node in ast.walk(statement):
                if isinstance(node, ast.Import | ast.ImportFrom):
                    self.imports.update(imported_names(node))


class Shortened(ast.NodeTransformer):
    """Removes docstrings, descriptions of fields, and the annotations of functions and variables.

    Annotations of a class's fields stay: dataclasses and pydantic read them when they run.
    """

    def visit_Module(self, node: ast.Module) -> ast.Module:
        """Shorten a module."""
        node.body = _without_docstring(node.body)
        self.generic_visit(node)
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        """Shorten the methods of a class, and leave out those that a protocol only declares.

        A class that is made of its fields, by a base or a decorator, keeps them as they are.
        """
        made_of_fields, is_protocol = bool(node.bases or node.decorator_list), any(map(_is_protocol, node.bases))
        parts = [part for part in _without_docstring(node.body) if not (is_protocol and _is_declaration(part))]
        for part in parts:
            if made_of_fields and isinstance(part, ast.AnnAssign):
                self.generic_visit(part)
        kept = [part if made_of_fields and isinstance(part, ast.AnnAssign) else self.visit(part) for part in parts]
        node.body = [part for part in kept if part] or [ast.Pass()]
        return node

    def visit_Call(self, node: ast.Call) -> ast.Call:
        """Shorten a field of pydantic's: its description is documentation."""
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == "Field":
            node.keywords = [given for given in node.keywords if given.arg != "description"]
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        """Shorten a function. One that an unknown decorator takes, such as torch's for operators, keeps its annotations."""
        node.body = _without_docstring(node.body)
        if all(isinstance(decorator, ast.Name) and decorator.id in BLIND_DECORATORS for decorator in node.decorator_list):
            given, node.returns = node.args, None
            for argument in (*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg):
                if argument is not None:
                    argument.annotation = None
        self.generic_visit(node)
        node.body = node.body or [ast.Pass()]
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt | None:
        """Shorten the assignment of a variable. A mere declaration is none."""
        if node.value is None:
            return None
        return ast.copy_location(ast.Assign([node.target], node.value), node)


def imported_names(statement: ast.Import | ast.ImportFrom) -> dict[str, ImportedName]:
    """Return what an import binds, by the names that it binds."""
    if isinstance(statement, ast.ImportFrom):
        assert statement.module and not statement.level, "imports name their module in full"
        return {alias.asname or alias.name: ImportedName(statement.module, alias.name) for alias in statement.names}
    return {alias.asname or alias.name.partition(".")[0]: ImportedName(alias.name, None) for alias in statement.names}


def names_used(statement: ast.AST) -> set[str]:
    """Return every name that occurs in a statement, those that annotations of fields hold as text included."""
    found: set[str] = set()
    for node in ast.walk(statement):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.AnnAssign):
            parts = [part.value for part in ast.walk(node.annotation) if isinstance(part, ast.Constant)]
            found.update(*(re.findall(r"\w+", text) for text in parts if isinstance(text, str)))
    return found


def _bound_names(statement: ast.stmt) -> list[str]:
    """Return the names that a definition or an assignment binds; none for any other statement."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [statement.name]
    if isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        plain = all(isinstance(target, ast.Name | ast.Tuple) for target in targets)
        return [node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)] if plain else []
    return []


def _for_type_checkers(statement: ast.stmt) -> bool:
    """Return whether a statement is `if TYPE_CHECKING`."""
    return isinstance(statement, ast.If) and isinstance(statement.test, ast.Name) and statement.test.id == "TYPE_CHECKING"


def _is_protocol(base: ast.expr) -> bool:
    return isinstance(base, ast.Name) and base.id == "Protocol"


def _is_declaration(part: ast.stmt) -> bool:
    """Return whether a part of a class is a method that does nothing."""
    return isinstance(part, ast.FunctionDef) and not _without_docstring(part.body)


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    return [part for part in body if not (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant))]
