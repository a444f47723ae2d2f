"""Caches of counts that are asked for the token to be scored itself."""

import ast
import re
from collections.abc import Iterable, Iterator

from bytegolf.contest.case import Case
from bytegolf.contest.evidence import Mark, ReviewFinding
from bytegolf.contest.program import Function, Program

TARGET_NAME = re.compile(
    r"^_*(\w+_)?(tgts?|targets?|gold|labels?|actual|next_toks?|next_tokens?|true_toks?|y|yb|y_np|yy)(_\w+)?$|^(tok|token)_(next|target)$",
    re.IGNORECASE,
)
HASH_NAME = re.compile(r"hash|^h\d?$|ctx|context|^key|prime|mult|fnv|^hh$", re.IGNORECASE)
CANDIDATE_NAME = re.compile(r"cand|vocab|arange|all_tok|probe|hint", re.IGNORECASE)
READING_CALLS = {"gather", "index_select", "take", "lookup", "__getitem__", "query"}
Makers = dict[str, int]  # functions that return a key, and at which place
WHY = (
    "the key of the table that is read mixes the context with the token to be scored: only that token's probability is raised, "
    "and the sum over all tokens exceeds 1 (C1, C2; ruled out in #779)"
)


def findings(case: Case) -> list[ReviewFinding]:
    """Return the findings of the family."""
    return case.by_code(_marks(case.program))


def _marks(program: Program) -> Iterator[Mark]:
    """Yield a mark for each key that mixes the context with the target and is used to read."""
    makers = {function.name: place for function in program.functions if (place := _place_of_key(function)) is not None}
    for function in program.functions:
        targets = _target_names(function)
        keys = list(_keys(function, targets, makers))
        for name in dict.fromkeys(name for name, _ in keys):
            places = sorted((key for other, key in keys if other == name), key=lambda key: key.lineno)
            for read in _reads(function, name):
                key = next((key for key in reversed(places) if key.lineno <= getattr(read, "lineno", 0)), places[0])
                yield Mark("target-in-key", "violation", [key, read], WHY)
        for read in _direct_reads(function, targets, makers):
            yield Mark("target-in-key", "violation", [read], WHY)


def _assignments(function: Function) -> Iterator[ast.Assign]:
    for node in function.nodes:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            yield node


def _keys(function: Function, targets: set[str], makers: Makers) -> Iterator[tuple[str, ast.Assign]]:
    """Yield the names of keys and their assignments: made here, or by a function that makes them."""
    mixed = _mixed(function, targets)
    for node in function.nodes:
        if not isinstance(node, ast.Assign) or len(node.targets) != 1:
            continue
        target, value = node.targets[0], _without_casts(node.value)
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Call) and makers.get(_called(value), -1) < len(target.elts):
            target = target.elts[makers.get(_called(value), 0)]
            if isinstance(target, ast.Name) and _called(value) in makers:
                yield target.id, node
        elif isinstance(target, ast.Name) and _is_key(value, targets, mixed, makers):
            yield target.id, node


def _mixed(function: Function, targets: set[str]) -> set[str]:
    """Return the hashes that a target is mixed into: by `h ^= target * prime`, or by an exclusive or of both."""
    names = set()
    for node in function.nodes:
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name) and HASH_NAME.search(node.target.id):
            if _names_in(node.value) & targets and not isinstance(node.op, ast.Sub | ast.Div):
                names.add(node.target.id)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            value = _without_casts(node.value)
            if (
                isinstance(value, ast.BinOp)
                and isinstance(value.op, ast.BitXor)
                and _names_in(value) & targets
                and HASH_NAME.search(ast.unparse(value))
            ):
                names.add(node.targets[0].id)
    return names


def _place_of_key(function: Function) -> int | None:
    """Return which of the values that a function returns is a folded hash of several of its parameters, None if none is."""
    names = {parameter.arg for parameter in function.parameters}
    others = {name for name in names if not HASH_NAME.search(name)}
    targets = _target_names(function) or (others if names - others else set())
    mixed = _mixed(function, targets)
    named = {node.targets[0].id: node.value for node in _assignments(function)}  # type: ignore[attr-defined]
    for node in function.nodes:
        if isinstance(node, ast.Return) and node.value is not None:
            for place, returned in enumerate(node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]):
                value = _without_casts(returned)
                if isinstance(value, ast.Name):
                    value = _without_casts(named.get(value.id, value))
                if _is_key(value, targets, mixed, {}):
                    return place
    return None


def _target_names(function: Function) -> set[str]:
    """Return the names in a function that hold the tokens to be scored: called so, or read where the context ends."""
    names = {parameter.arg for parameter in function.parameters if TARGET_NAME.match(parameter.arg)}
    names |= {node.id for node in function.nodes if isinstance(node, ast.Name) and TARGET_NAME.match(node.id)}
    earlier = _read_before(function)
    for assignment in _assignments(function):
        value = _without_casts(assignment.value)
        if isinstance(value, ast.Subscript):
            part_of_target = isinstance(value.value, ast.Name) and value.value.id in names
            if part_of_target or (ast.unparse(value.value), ast.unparse(value.slice)) in earlier:
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


def _is_key(value: ast.expr, targets: set[str], mixed: set[str], makers: Makers) -> bool:
    """Return whether an expression mixes a hash of the context with a target, and masks or folds the sum."""
    names = _names_in(value)
    if any(CANDIDATE_NAME.search(name) for name in names):
        return False
    if isinstance(value, ast.Call):
        return makers.get(_called(value)) == 0 and bool(names & targets)
    if not isinstance(value, ast.BinOp) or not isinstance(value.op, ast.BitAnd | ast.Mod | ast.BitXor):
        return False
    if names & mixed:
        return True
    hashed = any(name not in targets and HASH_NAME.search(name) for name in names)
    joined = any(isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitXor | ast.Add | ast.Mult) for node in ast.walk(value))
    return hashed and joined and bool(names & targets)


def _without_casts(value: ast.expr) -> ast.expr:
    """Return an expression without the conversions around it: `(x).astype(np.int64)`, `int(x)`, `x.long()`."""
    while isinstance(value, ast.Call):
        if isinstance(value.func, ast.Attribute) and value.func.attr in (
            "astype",
            "long",
            "to",
            "int",
            "view",
            "type",
            "cpu",
            "numpy",
            "item",
        ):
            value = value.func.value
        elif (isinstance(value.func, ast.Name) and value.func.id == "int" and value.args) or (
            isinstance(value.func, ast.Attribute) and value.func.attr in ("int64", "uint64", "asarray", "array") and value.args
        ):
            value = value.args[0]
        else:
            break
    return value


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _reads(function: Function, key: str) -> list[ast.AST]:
    """Return where a function reads a table by a key, or by a part or copy of it."""
    keys = {key}
    for assignment in _assignments(function):
        value = _without_casts(assignment.value)
        if (isinstance(value, ast.Subscript) and isinstance(value.value, ast.Name) and value.value.id in keys) or (
            isinstance(value, ast.Name) and value.id in keys
        ):
            keys.add(assignment.targets[0].id)  # type: ignore[attr-defined]
    return [node for node in function.nodes if _is_read(node, keys) or _is_kept(node, keys)]


def _is_kept(node: ast.AST, keys: set[str]) -> bool:
    """Return whether a statement keeps keys in an attribute, to be read elsewhere."""
    if not isinstance(node, ast.Assign) or not isinstance(_without_casts(node.value), ast.Name):
        return False
    target = node.targets[0]
    while isinstance(target, ast.Subscript):
        target = target.value
    return isinstance(target, ast.Attribute) and bool(_names_in(node.value) & keys)


def _is_read(node: ast.AST, keys: set[str]) -> bool:
    if isinstance(node, ast.Subscript):
        index = _names_in(node.slice)
        return isinstance(node.ctx, ast.Load) and bool(index & keys) and not _names_in(node.value) & keys
    return isinstance(node, ast.Call) and _called(node) in READING_CALLS and any(_names_in(argument) & keys for argument in node.args)


def _direct_reads(function: Function, targets: set[str], makers: Makers) -> Iterator[ast.AST]:
    """Yield the reads whose key is written in place."""
    mixed = _mixed(function, targets)
    for node in function.nodes:
        places: Iterable[ast.expr] = ()
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            places = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        elif isinstance(node, ast.Call) and _called(node) in READING_CALLS:
            places = node.args
        if any(_is_key(_without_casts(place), targets, mixed, makers) for place in places):
            yield node


def _names_in(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
