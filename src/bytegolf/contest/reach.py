"""What of a program is reached under settings of its switches."""

import ast
from collections.abc import Mapping, Sequence

from bytegolf.contest.functions import Function, children
from bytegolf.contest.program import Program
from bytegolf.contest.switches import KnownValue, Settings

MAX_VARIANTS = 6  # of the arguments of one function; beyond these they are left open
CALLED_BY_ITSELF = ("__init__", "forward", "__call__", "__iter__", "__next__", "__enter__", "__exit__", "__post_init__", "step", "backward")


class Reach:
    """A walk from the body of the script through whatever it calls. A test whose value is not known takes both ways."""

    def __init__(self, program: Program, settings: Settings) -> None:
        self.program, self.settings = program, settings
        self.reached: set[int] = set()  # ids of statements
        self.functions: set[Function] = set()
        self.guards: dict[int, frozenset[str]] = {}  # the switches on the way to a statement, by its id
        self._variants: dict[Function, set[object]] = {}
        self._waiting: list[tuple[Function, Mapping[str, object], frozenset[str]]] = []
        self._classes: dict[str, frozenset[str]] = {}
        self._method_names: dict[str, frozenset[str]] = {}
        for module in program.modules:
            self._call(module, {}, frozenset())
        while self._waiting:
            function, bound, guards = self._waiting.pop()
            self._block(function.node.body, function, bound, guards)

    def has(self, *nodes: ast.AST) -> bool:
        """Return whether all these nodes are reached."""
        for node in nodes:
            statement = self.program.statement(node)
            if statement is not None and id(statement) not in self.reached:
                return False
        return True

    def switches(self, *nodes: ast.AST) -> frozenset[str]:
        """Return the switches that are asked on the way to nodes."""
        statements = [self.program.statement(node) for node in nodes]
        return frozenset().union(*(self.guards.get(id(statement), frozenset()) for statement in statements if statement is not None))

    def _call(self, function: Function, bound: Mapping[str, object], guards: frozenset[str]) -> None:
        """Note that a function is called with these arguments."""
        variants = self._variants.setdefault(function, set())
        key = repr(sorted(bound.items(), key=lambda item: item[0]))
        if len(variants) >= MAX_VARIANTS:
            key, bound = "", {}
        if key not in variants:
            variants.add(key)
            self.functions.add(function)
            self._waiting.append((function, bound, guards))

    def _block(self, statements: Sequence[ast.stmt], function: Function, bound: Mapping[str, object], guards: frozenset[str]) -> bool:
        """Walk statements; return whether what follows them is reached."""
        for statement in statements:
            if not self._statement(statement, function, bound, guards):
                return False
            if isinstance(statement, ast.If):
                guards |= self._asked(statement, function, bound)
        return True

    def _asked(self, statement: ast.If, function: Function, bound: Mapping[str, object]) -> frozenset[str]:
        """Return the switches that decide whether an `if` that may leave the block does so."""
        leaves = any(isinstance(part, ast.Return | ast.Continue | ast.Break | ast.Raise) for part in statement.body)
        return self.settings.value(statement.test, function, bound).switches if leaves else frozenset()

    def _statement(self, statement: ast.stmt, function: Function, bound: Mapping[str, object], guards: frozenset[str]) -> bool:
        self.reached.add(id(statement))
        self.guards.setdefault(id(statement), guards)
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                for decorator in statement.decorator_list:
                    self._expression(decorator, function, bound, guards)
                for part in statement.body if isinstance(statement, ast.ClassDef) else ():
                    self._statement(part, function, bound, guards)
                return True
            case ast.If():
                return self._if(statement, function, bound, guards)
            case ast.For() | ast.AsyncFor() | ast.While():
                return self._loop(statement, function, bound, guards)
            case ast.Return() | ast.Raise():
                self._expressions(statement, function, bound, guards)
                return False
            case ast.Continue() | ast.Break():
                return False
            case ast.With() | ast.AsyncWith():
                for item in statement.items:
                    self._expression(item.context_expr, function, bound, guards)
                return self._block(statement.body, function, bound, guards)
            case ast.Try() | ast.TryStar():
                follows = self._block([*statement.body, *statement.orelse], function, bound, guards)
                handled = [self._block(handler.body, function, bound, guards) for handler in statement.handlers]
                return (follows or any(handled)) and self._block(statement.finalbody, function, bound, guards)
            case ast.Match():
                self._expression(statement.subject, function, bound, guards)
                for case in statement.cases:
                    self._block(case.body, function, bound, guards)
                return True
        self._expressions(statement, function, bound, guards)
        return True

    def _if(self, statement: ast.If, function: Function, bound: Mapping[str, object], guards: frozenset[str]) -> bool:
        self._expression(statement.test, function, bound, guards)
        test = self.settings.value(statement.test, function, bound)
        inside = guards | test.switches
        if test.known:
            return self._block(statement.body if test.value else statement.orelse, function, bound, inside)
        follows = self._block(statement.body, function, bound, inside)
        return self._block(statement.orelse, function, bound, inside) or follows

    def _loop(
        self, statement: ast.For | ast.AsyncFor | ast.While, function: Function, bound: Mapping[str, object], guards: frozenset[str]
    ) -> bool:
        over = statement.test if isinstance(statement, ast.While) else statement.iter
        self._expression(over, function, bound, guards)
        turns = self._turns(statement, function, bound)
        if not (turns.known and not turns.value):
            self._block(statement.body, function, bound, guards | turns.switches)
        self._block(statement.orelse, function, bound, guards)
        return True

    def _turns(self, statement: ast.For | ast.AsyncFor | ast.While, function: Function, bound: Mapping[str, object]) -> KnownValue:
        """Return how often a loop turns, as far as that is known."""
        if isinstance(statement, ast.While):
            return self.settings.value(statement.test, function, bound)
        over = statement.iter
        if isinstance(over, ast.Call) and self.program.full_name(over.func) == "range" and len(over.args) == 1:
            turns = self.settings.value(over.args[0], function, bound)
            return (
                turns._replace(value=max(turns.value, 0)) if turns.known and isinstance(turns.value, int) else turns._replace(known=False)
            )
        return KnownValue(False, None, frozenset())

    def _expressions(self, statement: ast.stmt, function: Function, bound: Mapping[str, object], guards: frozenset[str]) -> None:
        for child in children(statement):
            if isinstance(child, ast.expr):
                self._expression(child, function, bound, guards)

    def _expression(self, node: ast.expr, function: Function, bound: Mapping[str, object], guards: frozenset[str]) -> None:
        """Note the functions that an expression calls or hands on."""
        if isinstance(node, ast.IfExp):
            test = self.settings.value(node.test, function, bound)
            taken = [node.body, node.orelse] if not test.known else [node.body if test.value else node.orelse]
            for part in [node.test, *taken]:
                self._expression(part, function, bound, guards | test.switches)
            return
        if isinstance(node, ast.Call):
            called = self._functions_of(node.func, function)
            for target in called:
                self._call(target, self._arguments(node, target, function, bound), guards)
            parts: list[ast.expr] = [*node.args, *(item.value for item in node.keywords)]
            if not called:
                parts.append(node.func)
        else:
            if isinstance(node, ast.Name | ast.Attribute):
                self._referred(node, function, guards)
            parts = [child for child in children(node) if isinstance(child, ast.expr)]
            for generator in getattr(node, "generators", []):
                parts += [generator.iter, *generator.ifs]
        for child in parts:
            self._expression(child, function, bound, guards)

    def _functions_of(self, node: ast.expr, function: Function) -> list[Function]:
        """Return the functions that a name stands for where a function uses it."""
        if not isinstance(node, ast.Name):
            return []
        candidates = [item for item in self.program.named.get(node.id, []) if not item.owner]
        same = [item for item in candidates if item.source is function.source]
        return same or candidates

    def _referred(self, node: ast.Name | ast.Attribute, function: Function, guards: frozenset[str]) -> None:
        """Note a function that is handed on, a class that is used, or a method that is called on something."""
        for target in self._functions_of(node, function):
            self._call(target, {}, guards)
        name = node.id if isinstance(node, ast.Name) else node.attr
        if name in self.program.methods and name not in self._classes:
            self._classes[name] = guards
            for method, target in self.program.methods[name].items():
                if method in CALLED_BY_ITSELF or method in self._method_names:
                    self._call(target, {}, guards | self._method_names.get(method, frozenset()))
        if isinstance(node, ast.Attribute):
            if node.attr not in self._method_names:
                self._method_names[node.attr] = guards
                for owner, above in list(self._classes.items()):
                    if node.attr in self.program.methods[owner]:
                        self._call(self.program.methods[owner][node.attr], {}, guards | above)
            for target in self.program.named.get(node.attr, []):
                if not target.owner and isinstance(node.value, ast.Name) and node.value.id in self.program.aliases:
                    self._call(target, {}, guards)  # `module.function`

    def _arguments(self, call: ast.Call, target: Function, function: Function, bound: Mapping[str, object]) -> dict[str, object]:
        """Return the arguments of a call whose values are known, and the defaults of the others."""
        if isinstance(target.node, ast.Module) or any(isinstance(argument, ast.Starred) for argument in call.args):
            return {}
        given: dict[str, object] = {}
        names = [parameter.arg for parameter in target.parameters]
        passed = dict(zip(names, call.args, strict=False)) | {item.arg: item.value for item in call.keywords if item.arg}
        positional = [*target.node.args.posonlyargs, *target.node.args.args]
        defaults = dict(zip([item.arg for item in positional[::-1]], target.node.args.defaults[::-1], strict=False))
        defaults |= {
            item.arg: value for item, value in zip(target.node.args.kwonlyargs, target.node.args.kw_defaults, strict=True) if value
        }
        starred = any(item.arg is None for item in call.keywords)
        for name in names:
            if name in passed:
                value = self.settings.value(passed[name], function, bound)
            elif name in defaults and not starred:
                value = self.settings.value(defaults[name], target, {})
            else:
                continue
            if value.known and isinstance(value.value, bool | int | float | str | None):
                given[name] = value
        return given
