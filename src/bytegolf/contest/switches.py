"""What expressions come to under the defaults of a script's switches, or under other settings of them.

A switch is an environment variable that the script reads; its default is the one in the script.
"""

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from bytegolf.contest.constants import Scope, UnknownValueError, evaluate
from bytegolf.contest.functions import Function
from bytegolf.contest.program import CommandOption, Program

ENVIRONMENT = {"os.environ.get", "os.getenv", "environ.get", "getenv", "os.environ.setdefault"}
PLAIN_CALLS: dict[str, Callable[..., object]] = {
    "int": int,
    "float": float,
    "bool": bool,
    "str": str,
    "len": len,
    "min": min,
    "max": max,
    "abs": abs,
    "round": round,
}
STRING_METHODS = {"lower", "strip", "upper", "split", "startswith", "endswith", "replace"}
CONTEST_PROCESSES = "8"  # what torchrun says in the contest; a process does not know its rank in advance
SOMETIMES = "?"  # before the value of an option that some commands give and others do not
TRUE_WORDS = {"1", "true", "yes", "on", "y", "t"}


class KnownValue(NamedTuple):
    """What is known of an expression: whether its value is, and the switches that it depends on."""

    known: bool
    value: object
    switches: frozenset[str]


@dataclass(eq=False)
class Settings:
    """Settings of switches: `variables` by the name of the variable, `attributes` by that of the configuration."""

    program: Program
    variables: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, object] = field(default_factory=dict)
    undecided: bool = False  # leave open whatever depends on a switch

    def __post_init__(self) -> None:
        self._used: set[str] = set()
        self._pending: set[object] = set()
        self._cache: dict[int, KnownValue] = {}

    def value(self, node: ast.expr, function: Function, bound: Mapping[str, object]) -> KnownValue:
        """Return what is known of an expression in a function that was called with the arguments `bound`."""
        before, self._used = self._used, set()
        try:
            result, known = evaluate(node, self._scope(function, bound)), True
        except UnknownValueError:
            result, known = None, False
        used, self._used = frozenset(self._used), before | self._used
        if self.undecided and used:
            known = False
        return KnownValue(known, result, used)

    def _scope(self, function: Function, bound: Mapping[str, object]) -> Scope:
        return Scope(
            lambda name: self._name(name, function, bound),
            lambda node: self._attribute(node.attr, node, function, bound),
            lambda call: self._call(call, function, bound),
        )

    @contextmanager
    def _once(self, key: object) -> Iterator[None]:
        """Keep a value from being needed for itself."""
        if key in self._pending or len(self._pending) > 40:
            raise UnknownValueError
        self._pending.add(key)
        try:
            yield
        finally:
            self._pending.discard(key)

    def _name(self, name: str, function: Function | None, bound: Mapping[str, object]) -> object:
        if name == "__name__":
            return "__main__"
        while function is not None:
            values = function.assigned.get(name, [])
            if name in bound:
                if values:
                    raise UnknownValueError
                return self._given(bound[name])
            if values:
                if len(values) > 1 or values[0] is None:
                    raise UnknownValueError
                with self._once((id(function), name)):
                    return _fixed(evaluate(values[0], self._scope(function, bound)))
            if any(parameter.arg == name for parameter in function.parameters):
                raise UnknownValueError
            function, bound = function.outer, {}
        for module in self.program.modules:
            values = module.assigned.get(name, [])
            if len(values) == 1 and values[0] is not None:
                with self._once((id(module), name)):
                    return _fixed(evaluate(values[0], self._scope(module, {})))
        raise UnknownValueError

    def _given(self, value: object) -> object:
        """Return an argument, and count the switches that it came from."""
        if isinstance(value, KnownValue):
            self._used |= value.switches
            return value.value
        return value

    def _attribute(self, name: str, node: ast.Attribute | None, function: Function, bound: Mapping[str, object]) -> object:
        candidates = self.program.attributes.get(name, [])[:8]
        if not candidates:
            raise UnknownValueError
        given = [option for option in self.program.options.get(name, []) if option.flag in self.variables]
        values, unknown = [], False
        for expression, home in candidates:
            if _is_copy(name, expression) or self._is_set_where_tested(name, expression):
                continue
            try:
                with self._once((id(expression), name)):
                    values.append(_fixed(evaluate(expression, self._scope(home, {}))))
            except UnknownValueError:
                unknown = True
        self._used |= {option.flag for option in self.program.options.get(name, [])}
        if given:
            return self._option(given[-1], values)
        if name in self.attributes and self._used:
            return self.attributes[name]
        if unknown or not values or any(value != values[0] for value in values):
            raise UnknownValueError
        return values[0]

    def _option(self, option: CommandOption, defaults: Sequence[object]) -> object:
        """Return what an option of the command line sets. Raises UnknownValueError where some runs had it and others had not."""
        text = self.variables[option.flag]
        value: object = option.sets if option.sets is not None else text.removeprefix(SOMETIMES)
        if isinstance(value, str) and defaults:
            value = _like(value, defaults[0])
        if text.startswith(SOMETIMES) and value not in defaults:
            raise UnknownValueError
        return value

    def _is_set_where_tested(self, name: str, value: ast.expr) -> bool:
        """Return whether an attribute gets a value inside an `if` that asks for the attribute itself."""
        inner: ast.AST = value
        for outer in self.program.enclosing(value):
            asked = ast.walk(outer.test) if isinstance(outer, ast.If) and inner in outer.body else ()
            if any(isinstance(part, ast.Attribute) and part.attr == name for part in asked):
                return True
            inner = outer
        return False

    def _call(self, call: ast.Call, function: Function, bound: Mapping[str, object]) -> object:
        scope = self._scope(function, bound)
        name = self.program.full_name(call.func)
        if name in ENVIRONMENT and call.args:
            default = call.args[1] if len(call.args) > 1 else next((item.value for item in call.keywords if item.arg == "default"), None)
            return self._variable(evaluate(call.args[0], scope), None if default is None else evaluate(default, scope))
        if name == "getattr" and len(call.args) > 1:
            attribute = evaluate(call.args[1], scope)
            try:
                return self._attribute(str(attribute), None, function, bound)
            except UnknownValueError:
                if len(call.args) > 2 and attribute not in self.program.attributes:
                    return evaluate(call.args[2], scope)
                raise
        if name in PLAIN_CALLS and not call.keywords:
            return PLAIN_CALLS[name](*(evaluate(argument, scope) for argument in call.args))
        if name.rpartition(".")[2] == "field" and call.keywords:
            default = next((item.value for item in call.keywords if item.arg in ("default", "default_factory")), None)
            if isinstance(default, ast.Lambda):
                default = default.body
            if default is not None:
                return evaluate(default, scope)
        if isinstance(call.func, ast.Attribute) and call.func.attr in STRING_METHODS:
            owner = evaluate(call.func.value, scope)
            if isinstance(owner, str):
                return getattr(owner, call.func.attr)(*(evaluate(argument, scope) for argument in call.args))
        return self._reader(call, name, scope)

    def _reader(self, call: ast.Call, name: str, scope: Scope) -> object:
        """Return what a function of the script's own reads from a variable: `env_int("NAME", 3)`."""
        for function in self.program.named.get(name, []):
            if "environ" not in ast.unparse(function.node) and "getenv" not in ast.unparse(function.node):
                continue
            options = [evaluate(argument, scope) for argument in call.args] + [evaluate(item.value, scope) for item in call.keywords]
            if len(options) < 2 or not isinstance(options[0], str):
                raise UnknownValueError
            value = self._variable(options[0], options[1])
            return value if value is options[1] else _like(str(value), options[1])
        raise UnknownValueError

    def _variable(self, name: object, default: object) -> object:
        if not isinstance(name, str) or name in ("RANK", "LOCAL_RANK"):
            raise UnknownValueError
        if name == "WORLD_SIZE":
            return str(self.attributes.get("world_size", CONTEST_PROCESSES))
        self._used.add(name)
        return self.variables.get(name, default)


def _is_copy(name: str, value: ast.expr) -> bool:
    """Return whether a value is an attribute of the same name, as it is or converted: `self.x = bool(args.x)`."""
    while isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in PLAIN_CALLS and len(value.args) == 1:
        value = value.args[0]
    return isinstance(value, ast.Attribute) and value.attr == name


def _fixed(value: object) -> object:
    """Return a value that nothing can change in place. Raises UnknownValueError for one that has been filled by the time it is used."""
    if isinstance(value, list | dict | set):
        raise UnknownValueError
    return value


def _like(text: str, default: object) -> object:
    """Return the text of a variable in the type of its default."""
    if isinstance(default, bool):
        return text.strip().lower() in TRUE_WORDS
    return type(default)(text) if isinstance(default, int | float) else text
