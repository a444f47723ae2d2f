"""Choices and mixtures that depend on the token to be scored."""

import ast
import re
from collections.abc import Iterator

from bytegolf.contest.case import Case
from bytegolf.contest.evidence import Mark, ReviewFinding
from bytegolf.contest.program import Function, Program

TOKEN_LOSS = re.compile(r"nll|ptl|per_tok|token_loss|loss_(a|b|base|adapt\w*|tok\w*)$|losses$", re.IGNORECASE)
LOG_PROBABILITY = re.compile(r"log_?p|nll|^lp|_lp$|tok_lp|ptl|log_?prob|bits", re.IGNORECASE)
BYTE_LENGTH = re.compile(r"n_?bytes|byte_?len|^nb$|^blen|^lens?$|_lens$|byte_?counts?|num_bytes", re.IGNORECASE)
BYTE_MODEL = re.compile(r"ppm|byte_mix|bytemix", re.IGNORECASE)
MIXING = re.compile(r"mix|lam|logaddexp|alpha|gate", re.IGNORECASE)
SPREAD_IN_C = re.compile(
    r"(nll|logp|lp|log_prob)\w*\s*(\[[^\]]*\])?\s*/\s*\(?\s*(\((double|float)\))?\s*\(?\s*(n_?bytes|nb|blen|byte_?len\w*|nbytes\w*)\b"
)
MIN_C_SOURCE = 400  # characters
ORACLE_WHY = "keeps, for each token, whichever loss turned out lower: the choice sees the token (C2, C4)"
BYTES_WHY = (
    "spreads a token's log-probability over its bytes and mixes byte by byte: over all bytes the mixture does not sum to 1 (C2; #1872)"
)


def findings(case: Case) -> list[ReviewFinding]:
    """Return the findings of the family."""
    functions = case.program.functions
    marks = [mark for function in functions for mark in (*_oracles(function), *_byte_mixtures(function))]
    return case.by_code([*marks, *_mixtures_in_c(case.program)])


def _oracles(function: Function) -> Iterator[Mark]:
    """Yield a mark for each choice of the lower of two losses of the same tokens."""
    for node in function.nodes:
        if (isinstance(node, ast.Call) and _takes_lower_loss(node)) or (isinstance(node, ast.If) and _keeps_lower_loss(node)):
            yield Mark("oracle-gate", "violation", [node], ORACLE_WHY)


def _takes_lower_loss(call: ast.Call) -> bool:
    """Return whether a call is `minimum(nll, other_nll)` or `where(nll < other_nll, nll, other_nll)`."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name in ("minimum", "fmin") and len(call.args) == 2:
        return all(_is_loss(argument) for argument in call.args)
    if name == "where" and len(call.args) == 3 and isinstance(call.args[0], ast.Compare):
        sides = {ast.unparse(call.args[0].left), ast.unparse(call.args[0].comparators[0])}
        return {ast.unparse(argument) for argument in call.args[1:]} == sides and all(_is_loss(argument) for argument in call.args[1:])
    return False


def _keeps_lower_loss(node: ast.If) -> bool:
    """Return whether a statement is `if new_nll < old_nll: nll[i] = new_nll`."""
    test = node.test
    if not isinstance(test, ast.Compare) or len(test.ops) != 1 or not isinstance(test.ops[0], ast.Lt | ast.LtE):
        return False
    if not (_is_loss(test.left) and _is_loss(test.comparators[0])):
        return False
    lower = ast.unparse(test.left)
    return any(
        isinstance(part, ast.Assign) and isinstance(part.targets[0], ast.Subscript) and ast.unparse(part.value) == lower
        for part in node.body
    )


def _is_loss(node: ast.expr) -> bool:
    names = [part.id for part in ast.walk(node) if isinstance(part, ast.Name)]
    return bool(names) and bool(TOKEN_LOSS.search(names[0]))


def _byte_mixtures(function: Function) -> Iterator[Mark]:
    """Yield a mark where a token's log-probability is divided by its bytes, in a function that mixes with a model of bytes."""
    words = {node.id for node in function.nodes if isinstance(node, ast.Name)} | {function.name}
    words |= {parameter.arg for parameter in function.parameters}
    if not any(BYTE_MODEL.search(word) for word in words) or not any(MIXING.search(word) for word in words):
        return
    for node in function.nodes:
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and not _is_sum(node.left):
            spread = _first_name(node.left, LOG_PROBABILITY) and _first_name(node.right, BYTE_LENGTH)
            if spread:
                yield Mark("byte-mixture", "violation", [node], BYTES_WHY)
                return


def _first_name(node: ast.expr, pattern: re.Pattern[str]) -> bool:
    return any(isinstance(part, ast.Name) and pattern.search(part.id) for part in ast.walk(node))


def _is_sum(node: ast.expr) -> bool:
    """Return whether a value is a sum over tokens: dividing that by bytes is how bits per byte are computed."""
    words = {part.attr for part in ast.walk(node) if isinstance(part, ast.Attribute)} | {
        part.id for part in ast.walk(node) if isinstance(part, ast.Name)
    }
    return any(word in ("sum", "mean", "item") or word.endswith(("_sum", "total")) or word.startswith(("sum_", "total")) for word in words)


def _mixtures_in_c(program: Program) -> Iterator[Mark]:
    """Yield a mark for each C source, held as a string, that does the same."""
    for source in program.sources:
        for node in ast.walk(source.tree):
            text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
            if len(text) > MIN_C_SOURCE and BYTE_MODEL.search(text) and SPREAD_IN_C.search(text):
                yield Mark("byte-mixture", "violation", [node], BYTES_WHY)
