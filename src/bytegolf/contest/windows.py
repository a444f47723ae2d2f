"""Which part of a window a loss is made of, and which part of it is scored."""

import ast
from collections.abc import Iterator
from typing import Literal

from bytegolf.contest.functions import Function
from bytegolf.contest.program import Program
from bytegolf.contest.targets import names_in

MAX_STEPS = 8
MAX_TRACED = 100  # assignments: one window of real scripts has fewer than forty
NEAR = 2  # assignments from a loss, within which slices cut predictions and targets, and further on batches
Cover = Literal["scored", "earlier", "unknown"]


def cover_of(program: Program, update: ast.AST, score: ast.AST) -> tuple[Cover, set[str]]:
    """Return whether the loss of an update covers what is scored, or only what comes before it; and the names it is made of."""
    home = program.function_of(update)
    if home is None:
        return "unknown", set()
    functions = [home] + ([home.outer] if home.outer is not None and home.outer.name else [])
    receiver = update.func.value if isinstance(update, ast.Call) and isinstance(update.func, ast.Attribute) else update
    names, parts = _traced(functions, receiver)
    scored_home = program.function_of(score)
    statement = program.statement(score)
    if scored_home is None or statement is None:
        return "unknown", names
    scored = _traced([scored_home], statement, 2)[1]
    fitted = [part for part in parts if part.upper is not None and _text(part.upper) != "-1"]  # `[:-1]` moves inputs against targets
    ends, begins = {_text(part.upper) for part in scored} - {""}, {_text(part.lower) for part in scored} - {""}
    if any(_text(part.upper) in ends for part in fitted):
        return "scored", names
    if fitted and all(_text(part.upper) in begins or _is_cut_short(functions, part) for part in fitted):
        return "earlier", names
    return "unknown", names


def _is_cut_short(functions: list[Function], part: ast.Slice) -> bool:
    """Return whether a slice is a beginning, up to a whole less something that is no plain number: `[:length - stride]`."""
    if part.upper is None or _text(part.lower) not in ("", "0"):
        return False
    ends = [part.upper]
    for name in names_in(part.upper):
        ends += [value for function in functions for value in function.assigned.get(name, []) if value is not None]
    differences = [node for end in ends for node in ast.walk(end) if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub)]
    return any(not isinstance(node.right, ast.Constant) for node in differences)


def _text(node: ast.expr | None) -> str:
    return "" if node is None else ast.unparse(node)


def _traced(functions: list[Function], start: ast.AST, steps: int = MAX_STEPS) -> tuple[set[str], list[ast.Slice]]:
    """Return the names that an expression is made of, through few assignments, and the slices taken there or set in masks."""
    names, parts = names_in(start), list(_slices(start))
    near, waiting = names, names
    seen: set[int] = set()
    for step in range(steps):
        found: set[str] = set()
        for node in (node for function in functions for name in sorted(waiting) for node in function.bindings.get(name, [])):
            if id(node) not in seen and len(seen) < MAX_TRACED:
                seen.add(id(node))
                found |= names_in(node.value)
                parts += [*(_slices(node.value) if step < NEAR else ()), *_set_in_mask(node)]
        waiting = found - names
        if not waiting:
            break
        names = names | found
        near = names if step < NEAR else near
    return near, parts


def _set_in_mask(node: ast.Assign) -> Iterator[ast.Slice]:
    """Yield the slice that a statement fills with a number: `mask[i, s:wlen] = 1.0`."""
    if isinstance(node.targets[0], ast.Subscript) and isinstance(node.value, ast.Constant) and node.value.value:
        yield from _slices(node.targets[0])


def _slices(node: ast.AST) -> Iterator[ast.Slice]:
    """Yield the last slice of each subscript in an expression that has two ends or one."""
    for part in ast.walk(node):
        if isinstance(part, ast.Subscript):
            index = part.slice.elts[-1] if isinstance(part.slice, ast.Tuple) and part.slice.elts else part.slice
            if isinstance(index, ast.Slice) and (index.lower is not None or index.upper is not None):
                yield index
