"""Caches of counts that are asked for the token to be scored itself."""

import ast
import re
from collections.abc import Iterable, Iterator

from bytegolf.contest.case import Case
from bytegolf.contest.evidence import Mark, ReviewFinding
from bytegolf.contest.functions import Function
from bytegolf.contest.program import Program
from bytegolf.contest.targets import assignments, called, names_in, target_names, without_casts

HASH_NAME = re.compile(r"hash|^h\d?$|ctx|context|^key|prime|mult|fnv|^hh$", re.IGNORECASE)
CANDIDATE_NAME = re.compile(r"cand|vocab|arange|all_tok|probe|hint", re.IGNORECASE)
JOINING_CALLS = {"cat", "concat", "concatenate", "hstack", "column_stack"}
READING_CALLS = {"gather", "index_select", "take", "lookup", "__getitem__", "query"}
Makers = dict[str, int]  # functions that return a key, and at which place; -1 for one that folds the hash it is given
FOLDS = -1
WHY = (
    "the key of the table that is read mixes the context with the token to be scored: only that token's probability is raised, "
    "and the sum over all tokens exceeds 1 (C1, C2; ruled out in #779)"
)


def findings(case: Case) -> list[ReviewFinding]:
    """Return the findings of the family."""
    return case.by_code(_marks(case.program))


def _marks(program: Program) -> Iterator[Mark]:
    """Yield a mark for each key that mixes the context with the target and is used to read."""
    makers = {function.name: FOLDS for function in program.functions if _folds(function)}
    makers |= {function.name: place for function in program.functions if (place := _place_of_key(function)) is not None}
    for function in program.functions:
        targets = _with_context(function, target_names(function))
        keys = list(_keys(function, targets, makers))
        inner = {part for name, key in keys for part in names_in(key.value) if part != name}  # of which other keys are made
        for name in dict.fromkeys(name for name, _ in keys if name not in inner):
            places = sorted((key for other, key in keys if other == name), key=lambda key: key.lineno)
            for read in _reads(function, name):
                key = next((key for key in reversed(places) if key.lineno <= getattr(read, "lineno", 0)), places[0])
                yield Mark("target-in-key", "violation", [key, read], WHY)
        for read in _direct_reads(function, targets, makers):
            yield Mark("target-in-key", "violation", [read], WHY)


def _with_context(function: Function, targets: set[str]) -> set[str]:
    """Return targets, and what they are put at the end of: `torch.cat([context, targets], 1)`."""
    found = set(targets)
    for assignment in assignments(function):
        value = without_casts(assignment.value)
        if isinstance(value, ast.Call) and called(value) in JOINING_CALLS and names_in(value) & found:
            found.add(assignment.targets[0].id)  # type: ignore[attr-defined]
    return found


def _keys(function: Function, targets: set[str], makers: Makers) -> Iterator[tuple[str, ast.Assign]]:
    """Yield the names of keys and their assignments: made here, or by a function that makes them."""
    mixed = _mixed(function, targets)
    for node in function.nodes:
        if not isinstance(node, ast.Assign) or len(node.targets) != 1:
            continue
        target, value = node.targets[0], without_casts(node.value)
        place = makers.get(called(value)) if isinstance(value, ast.Call) else None
        if isinstance(target, ast.Tuple) and place is not None and 0 <= place < len(target.elts):
            target = target.elts[place]
            if isinstance(target, ast.Name):
                yield target.id, node
        elif isinstance(target, ast.Name) and _is_key(value, targets, mixed, makers):
            yield target.id, node


def _mixed(function: Function, targets: set[str]) -> set[str]:
    """Return the hashes that a target is mixed into: by `h ^= target * prime`, or by an exclusive or of both."""
    names = set()
    for node in function.nodes:
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name) and HASH_NAME.search(node.target.id):
            if names_in(node.value) & targets and not isinstance(node.op, ast.Sub | ast.Div):
                names.add(node.target.id)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            value = without_casts(node.value)
            if (
                isinstance(value, ast.BinOp)
                and isinstance(value.op, ast.BitXor)
                and names_in(value) & targets
                and HASH_NAME.search(ast.unparse(value))
            ):
                names.add(node.targets[0].id)
    return names


def _place_of_key(function: Function) -> int | None:
    """Return which of the values that a function returns is a folded hash of several of its parameters, None if none is."""
    names = {parameter.arg for parameter in function.parameters}
    others = {name for name in names if not HASH_NAME.search(name)}
    targets = target_names(function) or (others if names - others else set())
    mixed = _mixed(function, targets)
    named = {node.targets[0].id: node.value for node in assignments(function)}  # type: ignore[attr-defined]
    for node in function.nodes:
        if isinstance(node, ast.Return) and node.value is not None:
            for place, returned in enumerate(node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]):
                value = without_casts(returned)
                if isinstance(value, ast.Name):
                    value = without_casts(named.get(value.id, value))
                if _is_key(value, targets, mixed, {}):
                    return place
    return None


def _folds(function: Function) -> bool:
    """Return whether a function masks its one parameter, or takes its remainder: `return h & mask`."""
    if len(function.parameters) != 1:
        return False
    given = function.parameters[0].arg
    returned = [node.value for node in function.nodes if isinstance(node, ast.Return) and node.value is not None]
    branches = [part for value in returned for part in ((value.body, value.orelse) if isinstance(value, ast.IfExp) else (value,))]
    values = [without_casts(value) for value in branches]
    return bool(values) and all(
        isinstance(value, ast.BinOp) and _is_folding(value.op) and given in names_in(value.left) for value in values
    )


def _is_folding(operator: ast.operator) -> bool:
    return isinstance(operator, ast.BitAnd | ast.Mod | ast.BitXor)


def _is_key(value: ast.expr, targets: set[str], mixed: set[str], makers: Makers) -> bool:
    """Return whether an expression mixes a hash of the context with a target, and masks or folds the sum."""
    names = names_in(value)
    if any(CANDIDATE_NAME.search(name) for name in names):
        return False
    if isinstance(value, ast.Call):
        if makers.get(called(value)) == FOLDS and value.args:
            return bool(names & mixed) or _is_key(ast.BinOp(value.args[0], ast.BitAnd(), ast.Constant(0)), targets, mixed, makers)
        return makers.get(called(value)) == 0 and bool(names & targets)
    if not isinstance(value, ast.BinOp) or not _is_folding(value.op):
        return False
    if names & mixed:
        return True
    hashed = any(name not in targets and HASH_NAME.search(name) for name in names)
    joined = any(isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitXor | ast.Add | ast.Mult) for node in ast.walk(value))
    return hashed and joined and bool(names & targets)


def _reads(function: Function, key: str) -> list[ast.AST]:
    """Return where a function reads a table by a key, or by a part, copy or remainder of it."""
    keys = {key}
    for assignment in assignments(function):
        value = without_casts(assignment.value)
        if (
            (isinstance(value, ast.Subscript) and isinstance(value.value, ast.Name) and value.value.id in keys)
            or (isinstance(value, ast.Name) and value.id in keys)
            or (isinstance(value, ast.BinOp) and _is_folding(value.op) and names_in(value.left) & keys)
        ):
            keys.add(assignment.targets[0].id)  # type: ignore[attr-defined]
    return [node for node in function.nodes if _is_read(node, keys) or _is_kept(node, keys)]


def _is_kept(node: ast.AST, keys: set[str]) -> bool:
    """Return whether a statement keeps keys in an attribute, to be read elsewhere."""
    if not isinstance(node, ast.Assign) or not isinstance(without_casts(node.value), ast.Name):
        return False
    target = node.targets[0]
    while isinstance(target, ast.Subscript):
        target = target.value
    return isinstance(target, ast.Attribute) and bool(names_in(node.value) & keys)


def _is_read(node: ast.AST, keys: set[str]) -> bool:
    if isinstance(node, ast.Subscript):
        index = names_in(node.slice)
        return isinstance(node.ctx, ast.Load) and bool(index & keys) and not names_in(node.value) & keys
    return isinstance(node, ast.Call) and called(node) in READING_CALLS and any(names_in(argument) & keys for argument in node.args)


def _direct_reads(function: Function, targets: set[str], makers: Makers) -> Iterator[ast.AST]:
    """Yield the reads whose key is written in place."""
    mixed = _mixed(function, targets)
    for node in function.nodes:
        places: Iterable[ast.expr] = ()
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            places = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        elif isinstance(node, ast.Call) and called(node) in READING_CALLS:
            places = node.args
        if any(_is_key(without_casts(place), targets, mixed, makers) for place in places):
            yield node
