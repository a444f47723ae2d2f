"""Which names in a function hold the tokens to be scored."""

import ast
import re
from collections.abc import Iterator

from bytegolf.contest.functions import Function

TARGET_NAME = re.compile(
    r"^_*(\w+_)?(tgts?|targets?|gold|labels?|actual|next_toks?|next_tokens?|true_toks?|y|yb|y_np|yy)(_\w+)?$|^(tok|token)_(next|target)$",
    re.IGNORECASE,
)
NO_TOKENS = re.compile(
    r"_(idx|indices|index|pos|positions?|offsets?|len|lens|lengths?|counts?|starts?|ends?|bytes?|mask|probs?|lps?|nll|loss)$", re.IGNORECASE
)
CASTS = {"astype", "long", "to", "int", "view", "type", "cpu", "numpy", "item", "tolist", "reshape", "contiguous", "flatten"}
WRAPPERS = {"int64", "uint64", "asarray", "array", "from_numpy", "as_tensor", "tensor", "int", "ascontiguousarray"}


def target_names(function: Function) -> set[str]:
    """Return the names in a function that hold the tokens to be scored.

    They are called so, or are read where the context of the same statement or function ends: `tokens[i]` beside `tokens[i - 1]`,
    `chunk[1:]` beside `chunk[:-1]`.
    """
    words = {parameter.arg for parameter in function.parameters} | {node.id for node in function.nodes if isinstance(node, ast.Name)}
    names = {word for word in words if TARGET_NAME.match(word) and not NO_TOKENS.search(word)}
    earlier, cut = _read_before(function), set() if function.owner else _without_their_ends(function)  # a model's own are its inputs
    for assignment in assignments(function):
        value = without_casts(assignment.value)
        if isinstance(value, ast.Subscript):
            part_of_target = isinstance(value.value, ast.Name) and value.value.id in names
            after_first = ast.unparse(value.value) in cut and _is_from_one(value.slice)
            if part_of_target or after_first or (ast.unparse(value.value), ast.unparse(value.slice)) in earlier:
                names.add(assignment.targets[0].id)  # type: ignore[attr-defined]
    return names


def _read_before(function: Function) -> set[tuple[str, str]]:
    """Return the pairs (array, index) of a function that also reads the array at that index minus something."""
    pairs = set()
    for node in function.nodes:
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.BinOp) and isinstance(node.slice.op, ast.Sub):
            index = node.slice.left
            while isinstance(index, ast.BinOp) and isinstance(index.op, ast.Sub):
                index = index.left
            pairs.add((ast.unparse(node.value), ast.unparse(index)))
    return pairs


def _without_their_ends(function: Function) -> set[str]:
    """Return the arrays of which a function takes all but the last: `chunk[:-1]`."""
    parts = [(node.value, node.slice) for node in function.nodes if isinstance(node, ast.Subscript)]
    return {ast.unparse(of) for of, part in parts if isinstance(part, ast.Slice) and not part.lower and _is_number(part.upper, -1)}


def _is_from_one(index: ast.expr) -> bool:
    """Return whether an index is `[1:]`."""
    return isinstance(index, ast.Slice) and not index.upper and _is_number(index.lower, 1)


def _is_number(node: ast.expr | None, number: int) -> bool:
    return node is not None and ast.unparse(node) == str(number)


def assignments(function: Function) -> Iterator[ast.Assign]:
    """Yield the statements `name = value` of a function."""
    for node in function.nodes:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            yield node


def without_casts(value: ast.expr) -> ast.expr:
    """Return an expression without the conversions around it: `(x).astype(np.int64)`, `int(x)`, `x.long()`."""
    while isinstance(value, ast.Call):
        if isinstance(value.func, ast.Attribute) and value.func.attr in CASTS:
            value = value.func.value
        elif called(value) in WRAPPERS and value.args:
            value = value.args[0]
        else:
            break
    return value


def called(call: ast.Call) -> str:
    """Return the last name of what is called."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def names_in(node: ast.AST) -> set[str]:
    """Return the names in an expression."""
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
