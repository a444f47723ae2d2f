"""A script taken apart: its functions, classes, configuration and imports, over all its layers and the modules beside it."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from bytegolf.contest.functions import Function, children
from bytegolf.contest.names import dotted, import_aliases
from bytegolf.contest.source import ScriptSource, read_source
from bytegolf.contest.unpack import Opaque, unpack
from bytegolf.errors import InputError

MAX_MODULES = 40


class CommandOption(NamedTuple):
    """An option of the script's command line: how it is written, and what it sets when it is given, None for what follows it."""

    flag: str
    sets: bool | None


@dataclass(eq=False)
class Program:
    """All the code that a script brings along. `modules` are the bodies of its sources, the script's own first."""

    path: Path
    sources: list[ScriptSource] = field(default_factory=list)
    modules: list[Function] = field(default_factory=list)
    functions: list[Function] = field(default_factory=list)
    named: dict[str, list[Function]] = field(default_factory=dict)
    methods: dict[str, dict[str, Function]] = field(default_factory=dict)  # of each class
    attributes: dict[str, list[tuple[ast.expr, Function]]] = field(default_factory=dict)  # values of `Config.name` and `x.name = …`
    options: dict[str, list[CommandOption]] = field(default_factory=dict)  # of the command line, by attribute
    aliases: dict[str, str] = field(default_factory=dict)
    opaque: list[Opaque] = field(default_factory=list)
    helpers: list[Path] = field(default_factory=list)  # files beside the script that it imports or runs
    unread: list[str] = field(default_factory=list)  # modules beside it that are no Python
    around: dict[int, ast.AST] = field(default_factory=dict)  # the node around each node, by id
    home: dict[int, Function] = field(default_factory=dict)  # the function of each statement, by id

    def full_name(self, node: ast.AST) -> str:
        """Return the dotted name of an expression with imports resolved."""
        return dotted(node, self.aliases)

    def statement(self, node: ast.AST) -> ast.stmt | None:
        """Return the statement that a node belongs to."""
        while not isinstance(node, ast.stmt):
            outer = self.around.get(id(node))
            if outer is None:
                return None
            node = outer
        return node

    def enclosing(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yield the nodes around a node, innermost first."""
        outer = self.around.get(id(node))
        while outer is not None:
            yield outer
            outer = self.around.get(id(outer))

    def exclude_each_other(self, one: ast.AST, other: ast.AST) -> bool:
        """Return whether two nodes stand in different branches of one `if`."""
        above = {id(node) for node in (other, *self.enclosing(other))}
        inner = one
        for outer in self.enclosing(one):
            if isinstance(outer, ast.If) and id(outer) in above:
                mine = inner in outer.orelse
                its = any(id(node) in above for node in outer.orelse)
                return mine != its and inner is not outer.test
            inner = outer
        return False

    def leaves_before(self, one: ast.AST, other: ast.AST) -> bool:
        """Return whether the branch that one node stands in ends its turn or function, so that the other is not reached after it."""
        above = {id(node) for node in (other, *self.enclosing(other))}
        inner = one
        for outer in self.enclosing(one):
            if id(outer) in above or isinstance(outer, ast.FunctionDef):
                return False
            if isinstance(outer, ast.If):
                branch = outer.orelse if inner in outer.orelse else outer.body
                if branch and isinstance(branch[-1], ast.Continue | ast.Break | ast.Return):
                    return True
            inner = outer
        return False

    def function_of(self, node: ast.AST) -> Function | None:
        """Return the function that a node stands in."""
        statement = self.statement(node)
        return None if statement is None else self.home.get(id(statement))


def read_program(path: Path) -> Program:
    """Read a script, whatever is packed in it, and the modules beside it that it imports. Raises InputError."""
    program = Program(path)
    known: set[Path] = {path.resolve()}
    waiting = [path]
    while waiting and len(known) < MAX_MODULES:
        file = waiting.pop(0)
        try:
            source = read_source(file)
            layers = unpack(source, file)
        except InputError:
            if file == path:
                raise
            program.unread.append(file.name)
            continue
        program.opaque += layers.opaque
        for layer in layers.sources:
            _add(program, layer)
        for beside in [*layers.files, *_imported_files(layers.sources, path.parent)]:
            if beside.resolve() not in known:
                known.add(beside.resolve())
                program.helpers.append(beside)
                if beside.suffix == ".py" and beside not in layers.files:
                    waiting.append(beside)
    return program


def _imported_files(sources: Sequence[ScriptSource], folder: Path) -> list[Path]:
    """Return the modules in the script's folder that sources import."""
    found = []
    for source in sources:
        for node in ast.walk(source.tree):
            names = [item.name for item in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module] if node.module else [item.name for item in node.names]
            for name in names:
                place = folder.joinpath(*name.split("."))
                files = (place.with_suffix(".py"), place / "__init__.py")
                found += [file for file in files if file.is_file() and not file.is_symlink()]
    return found


def _add(program: Program, source: ScriptSource) -> None:
    """Add a source and all that is defined in it."""
    program.sources.append(source)
    for name, full in import_aliases(source.tree).items():
        program.aliases.setdefault(name, full)
    for node in ast.walk(source.tree):
        for child in children(node):
            program.around[id(child)] = node
    body = Function("", source.tree, source)
    program.modules.append(body)
    _add_scope(program, body, source.tree.body, "")
    for node in ast.walk(source.tree):
        _add_attribute(program, node, body)


def _add_scope(program: Program, function: Function, statements: Sequence[ast.stmt], owner: str) -> None:
    """Add the statements of a scope: its assignments, and the functions and classes in it."""
    for statement in statements:
        program.home[id(statement)] = function
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                inner = Function(statement.name, statement, function.source, function, owner)
                program.functions.append(inner)
                program.named.setdefault(statement.name, []).append(inner)
                if owner:
                    program.methods[owner][statement.name] = inner
                _add_scope(program, inner, statement.body, "")
                continue
            case ast.ClassDef():
                program.methods.setdefault(statement.name, {})
                for item in statement.body:
                    if isinstance(item, ast.Assign | ast.AnnAssign) and item.value is not None:
                        for target in item.targets if isinstance(item, ast.Assign) else [item.target]:
                            if isinstance(target, ast.Name):
                                program.attributes.setdefault(target.id, []).append((item.value, function))
                _add_scope(program, Function(statement.name, ast.Module([], []), function.source, function), statement.body, statement.name)
                continue
        _note_assignments(function, statement)
        for name in ("body", "orelse", "finalbody"):
            _add_scope(program, function, getattr(statement, name, []), owner)
        for part in [*getattr(statement, "handlers", []), *getattr(statement, "cases", [])]:
            _add_scope(program, function, part.body, owner)


def _note_assignments(function: Function, statement: ast.stmt) -> None:
    """Note which names a statement binds, and the value where that is plain."""
    if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
        for target in statement.targets if isinstance(statement, ast.Assign) else [statement.target]:
            if isinstance(target, ast.Name):
                function.assigned.setdefault(target.id, []).append(statement.value)
            elif isinstance(target, ast.Tuple) and isinstance(statement.value, ast.Tuple) and len(target.elts) == len(statement.value.elts):
                for part, value in zip(target.elts, statement.value.elts, strict=True):
                    if isinstance(part, ast.Name):
                        function.assigned.setdefault(part.id, []).append(value)
            else:
                _note_bound(function, target)
    elif isinstance(statement, ast.AugAssign | ast.For | ast.AsyncFor):
        _note_bound(function, statement.target)
    elif isinstance(statement, ast.With | ast.AsyncWith):
        for item in statement.items:
            if item.optional_vars is not None:
                _note_bound(function, item.optional_vars)


def _note_bound(function: Function, target: ast.expr) -> None:
    for node in ast.walk(target):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            function.assigned.setdefault(node.id, []).append(None)


def _add_attribute(program: Program, node: ast.AST, body: Function) -> None:
    """Note values that configuration gets elsewhere than in a class: `x.name = …`, `add_argument("--name", default=…)`."""
    if isinstance(node, ast.Assign):
        for target in node.targets:
            if isinstance(target, ast.Attribute):
                program.attributes.setdefault(target.attr, []).append((node.value, program.function_of(node) or body))
    elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Attribute):
        program.attributes.setdefault(node.target.attr, []).append((ast.Name("what it was", ast.Load()), body))
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "add_argument":
        _add_option(program, node, body)


def _add_option(program: Program, call: ast.Call, body: Function) -> None:
    """Note an option of the command line, and the value that its attribute has without it."""
    flag = next((item.value for item in call.args if isinstance(item, ast.Constant) and str(item.value).startswith("--")), None)
    given = {item.arg: item.value for item in call.keywords}
    if not isinstance(flag, str):
        return
    action, dest = (getattr(given.get(name), "value", None) for name in ("action", "dest"))
    sets = {"store_true": True, "store_false": False}.get(str(action))
    name = dest if isinstance(dest, str) else flag.lstrip("-").replace("-", "_")
    program.options.setdefault(name, []).append(CommandOption(flag, sets))
    default = given.get("default", None if sets is None else ast.Constant(not sets))
    if default is not None and (sets is None or "default" in given or name not in program.attributes):
        program.attributes.setdefault(name, []).append((default, body))
