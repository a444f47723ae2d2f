"""The values of expressions that can be known without running anything."""

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

MAX_LENGTH = 8_000_000  # of a string, bytes or list
MAX_BITS = 4_096  # of an integer


class UnknownValueError(Exception):
    """The value of an expression depends on what is known at run time only."""


class Scope(NamedTuple):
    """Where an expression finds the values of names, attributes and calls. Each raises UnknownValueError."""

    name: Callable[[str], object]
    attribute: Callable[[ast.Attribute], object]
    call: Callable[[ast.Call], object]


BINARY: Mapping[type[ast.operator], Callable[[Any, Any], object]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
    ast.RShift: operator.rshift,
}
UNARY: Mapping[type[ast.unaryop], Callable[[Any], object]] = {
    ast.Not: operator.not_,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Invert: operator.invert,
}
COMPARE: Mapping[type[ast.cmpop], Callable[[Any, Any], object]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
}


def evaluate(node: ast.expr, scope: Scope) -> object:
    """Return the value of an expression. Raises UnknownValueError if it cannot be known."""
    try:
        return _evaluate(node, scope)
    except (ArithmeticError, TypeError, ValueError, LookupError, AttributeError, RecursionError, MemoryError) as error:
        raise UnknownValueError from error


def _evaluate(node: ast.expr, scope: Scope) -> object:
    match node:
        case ast.Constant():
            return node.value
        case ast.Name():
            return scope.name(node.id)
        case ast.Attribute():
            return scope.attribute(node)
        case ast.Call():
            return scope.call(node)
        case ast.BinOp():
            return _binary(node.op, _evaluate(node.left, scope), _evaluate(node.right, scope))
        case ast.UnaryOp():
            return UNARY[type(node.op)](_evaluate(node.operand, scope))
        case ast.BoolOp():
            return _boolean(node, scope)
        case ast.Compare():
            return _compare(node, scope)
        case ast.IfExp():
            return _evaluate(node.body if _evaluate(node.test, scope) else node.orelse, scope)
    return _collection(node, scope)


def _collection(node: ast.expr, scope: Scope) -> object:
    """Return the value of what holds, or is taken out of, several values."""
    match node:
        case ast.Tuple() | ast.List() | ast.Set():
            values = [_evaluate(item, scope) for item in node.elts]
            return tuple(values) if isinstance(node, ast.Tuple) else values
        case ast.Dict():
            return {_evaluate(key, scope): _evaluate(value, scope) for key, value in zip(node.keys, node.values, strict=True) if key}
        case ast.Subscript():
            return _evaluate(node.value, scope)[_index(node.slice, scope)]  # type: ignore[index]
        case ast.JoinedStr():
            return "".join(str(_evaluate(part, scope)) for part in node.values)
        case ast.FormattedValue():
            if node.format_spec is None:
                return str(_evaluate(node.value, scope))
        case ast.NamedExpr():
            return _evaluate(node.value, scope)
    raise UnknownValueError


def _binary(kind: ast.operator, left: object, right: object) -> object:
    """Apply an operator, unless the result would be large."""
    if isinstance(kind, ast.Mult) and any(isinstance(side, str | bytes | list | tuple) for side in (left, right)):
        length = max(len(side) for side in (left, right) if isinstance(side, str | bytes | list | tuple))
        times = next((side for side in (left, right) if isinstance(side, int)), 1)
        if length * times > MAX_LENGTH:
            raise UnknownValueError
    if isinstance(kind, ast.Mod) and isinstance(left, str | bytes):
        raise UnknownValueError
    if isinstance(kind, ast.LShift | ast.Pow):
        numbers = isinstance(left, int | float) and isinstance(right, int | float) and not isinstance(left, bool)
        if not numbers or abs(left) > 1e12 or abs(right) > MAX_BITS // 64:  # type: ignore[arg-type]
            raise UnknownValueError
        return left << right if isinstance(kind, ast.LShift) else left**right  # type: ignore[operator]
    result = BINARY[type(kind)](left, right)
    if (isinstance(result, int) and result.bit_length() > MAX_BITS) or (isinstance(result, str | bytes) and len(result) > MAX_LENGTH):
        raise UnknownValueError
    return result


def _boolean(node: ast.BoolOp, scope: Scope) -> object:
    """Return the value of `and` or `or`, which one side may decide alone though another is unknown."""
    decisive = isinstance(node.op, ast.Or)
    value: object = None
    unknown = False
    for part in node.values:
        try:
            value = _evaluate(part, scope)
        except UnknownValueError:
            unknown = True
            continue
        if bool(value) == decisive:
            return value
    if unknown:
        raise UnknownValueError
    return value


def _compare(node: ast.Compare, scope: Scope) -> bool:
    left = _evaluate(node.left, scope)
    for kind, side in zip(node.ops, node.comparators, strict=True):
        right = _evaluate(side, scope)
        if not COMPARE[type(kind)](left, right):
            return False
        left = right
    return True


def _index(node: ast.expr, scope: Scope) -> object:
    if isinstance(node, ast.Slice):
        return slice(*(None if part is None else _evaluate(part, scope) for part in (node.lower, node.upper, node.step)))
    return _evaluate(node, scope)
