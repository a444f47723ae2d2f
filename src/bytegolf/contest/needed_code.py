"""The part of a package that some of its definitions need, found without running it."""

import ast
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from bytegolf.contest.module_parts import ImportedName, ModuleParts, imported_names, names_used

NOTHING: Mapping[ImportedName, ImportedName] = MappingProxyType({})


class NeededModule(NamedTuple):
    """A module of which a part is needed: its statements that are, in their order, imports with the names that are."""

    name: str
    path: Path
    statements: list[ast.stmt]


def needed_code(package: Path, module: str, function: str) -> dict[str, str]:
    """Return the sources that `function` of `module` needs, by path beside the folder `package`: its definitions and no others.

    The package's own `__init__` stays empty: within it nobody imports from there.
    """
    search = NeededParts(package)
    search.need(ImportedName(module, function))
    found = {part.path.relative_to(package.parent).as_posix(): _source(part.statements) for part in search.modules()}
    return dict(sorted({f"{package.name}/__init__.py": "", **found}.items()))


class NeededParts:
    """Follows names from definition to definition.

    A definition is needed if the name that it has in its module occurs in one that is needed. What is looked up by a string
    that is put together, or imported by one, is not found. Unless `shortened`, definitions keep what only readers need. Names
    that are `replaced` lead to others.
    """

    def __init__(self, package: Path, shortened: bool = True, replaced: Mapping[ImportedName, ImportedName] = NOTHING) -> None:
        self.package, self.shortened, self.replaced = package, shortened, replaced
        self.opened: dict[str, ModuleParts] = {}
        self.kept: dict[str, set[int]] = {}  # statements of each module, by identity
        self.imported: dict[str, set[str]] = {}  # names of each module
        self.waiting: list[tuple[str, ast.AST]] = []

    def need(self, wanted: ImportedName) -> None:
        """Mark what is needed by a name, and by all that it leads to."""
        self._mark(wanted)
        while self.waiting:
            module, statement = self.waiting.pop()
            for node in ast.walk(statement):
                if isinstance(node, ast.Import | ast.ImportFrom):
                    for target in imported_names(node).values():
                        self._mark(target)
            for name in names_used(statement):
                self._mark(ImportedName(module, name))

    def _mark(self, wanted: ImportedName) -> None:
        """Mark a name of a module as needed, and the statements that bind it as waiting."""
        module, name = self.replaced.get(wanted, wanted)
        path = self._path(module)
        if path is None:
            return
        parts = self._opened(module, path)
        if name is None:  # any name of it may be used
            for every in [*parts.definitions, *parts.imports]:
                self._mark(ImportedName(module, every))
        elif name in parts.definitions:
            for statement in parts.definitions[name]:
                self._keep(module, statement)
        elif name in parts.imports and name not in self.imported[module]:
            self.imported[module].add(name)
            self._mark(parts.imports[name])
        elif self._path(f"{module}.{name}"):
            self._mark(ImportedName(f"{module}.{name}", None))

    def _opened(self, module: str, path: Path) -> ModuleParts:
        """Return a module, read when it is first needed; what runs as it is loaded is needed with it, as are the packages around it."""
        if module not in self.opened:
            self.opened[module] = ModuleParts(path, self.shortened)
            self.kept[module], self.imported[module] = set(), set()
            for statement in self.opened[module].unnamed:
                self._keep(module, statement)
            around = module.rpartition(".")[0]
            if around and around != self.package.name:
                self._opened(around, self.package.parent / around.replace(".", "/") / "__init__.py")
        return self.opened[module]

    def _keep(self, module: str, statement: ast.stmt) -> None:
        if id(statement) not in self.kept[module]:
            self.kept[module].add(id(statement))
            self.waiting.append((module, statement))

    def _path(self, module: str) -> Path | None:
        """Return the file of a module of the package; None for any other module."""
        if not module.startswith(f"{self.package.name}."):
            return None
        path = self.package.parent / module.replace(".", "/")
        return next((file for file in (path / "__init__.py", path.with_suffix(".py")) if file.is_file()), None)

    def modules(self) -> list[NeededModule]:
        """Return what was found to be needed."""
        found = []
        for module, parts in self.opened.items():
            path = self._path(module)
            assert path is not None
            needed = [part for statement in parts.statements if (part := self._needed_part(module, statement)) is not None]
            found.append(NeededModule(module, path, needed))
        return found

    def _needed_part(self, module: str, statement: ast.stmt) -> ast.stmt | None:
        """Return a statement if it is needed, an import with the names that are."""
        if not isinstance(statement, ast.Import | ast.ImportFrom):
            return statement if id(statement) in self.kept[module] else None
        aliases = [
            alias
            for alias in statement.names
            if (alias.asname or (alias.name.partition(".")[0] if isinstance(statement, ast.Import) else alias.name))
            in self.imported[module]
        ]
        if not aliases:
            return None
        trimmed = ast.Import(aliases) if isinstance(statement, ast.Import) else ast.ImportFrom(statement.module, aliases, statement.level)
        return ast.copy_location(trimmed, statement)


def _source(statements: list[ast.stmt]) -> str:
    """Return statements as code without blank lines."""
    return "\n".join(line for line in ast.unparse(ast.Module(statements, [])).splitlines() if line)
