"""Mixtures of bytes, in which a token's probability is spread over them."""

import ast
import re
from collections.abc import Iterator

from bytegolf.contest.case import Case
from bytegolf.contest.evidence import Mark, ReviewFinding
from bytegolf.contest.functions import Function
from bytegolf.contest.outcomes import MODEL, Turn, parts_of
from bytegolf.contest.program import Program
from bytegolf.contest.targets import assignments, called, names_in

LOG_PROBABILITY = re.compile(r"log_?p|nll|^lp|_lp$|tok_lp|ptl|log_?prob|bits", re.IGNORECASE)
BYTE_LENGTH = re.compile(r"n_?bytes|byte_?len|^nb$|^blen|^lens?$|_lens?$|^L$|byte_?counts?|num_bytes", re.IGNORECASE)
BYTE_MODEL = re.compile(r"ppm|byte_mix|bytemix", re.IGNORECASE)
PROBABILITY = re.compile(r"prob|^p_|_p$|^p$", re.IGNORECASE)
MIXING = re.compile(r"mix|lam|logaddexp|alpha|gate", re.IGNORECASE)
SPREAD_IN_C = re.compile(
    r"(nll|logp|lp|log_prob)\w*\s*(\[[^\]]*\])?\s*/\s*\(?\s*(\((double|float)\))?\s*\(?\s*(n_?bytes|nb|blen|byte_?len\w*|nbytes\w*)\b"
)
MIN_C_SOURCE = 400  # characters
BYTES_WHY = (
    "spreads a token's log-probability over its bytes and mixes byte by byte: over all bytes the mixture does not sum to 1 (C2; #1872)"
)


def findings(case: Case) -> list[ReviewFinding]:
    """Return the findings of the family."""
    marks = [mark for function in case.program.functions for mark in _byte_mixtures(function)]
    marks += [mark for function, turns in case.outcomes.turns.items() for turn in turns for mark in _spread_losses(case, function, turn)]
    return case.by_code([*marks, *_mixtures_in_c(case.program)])


def _byte_mixtures(function: Function) -> Iterator[Mark]:
    """Yield a mark where a token's probability is spread over its bytes.

    That is the root of it by their number; or its logarithm divided by them, in a function that mixes with a model of bytes.
    """
    for node in function.nodes:
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow) and _is_root_by_bytes(function, node):
            yield Mark("byte-mixture", "violation", [node], BYTES_WHY)
            return
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


def _spread_losses(case: Case, function: Function, turn: Turn) -> Iterator[Mark]:
    """Yield a mark for each `exp(-loss / len(token_bytes))`, the loss that of one token."""
    for node in parts_of(turn.statement):
        if isinstance(node, ast.Call) and called(node) == "exp" and node.args:
            for part in ast.walk(node.args[0]):
                if not isinstance(part, ast.BinOp) or not isinstance(part.op, ast.Div) or not _is_of_bytes(part.right):
                    continue
                if MODEL in case.outcomes.labels(function, turn, part.left):
                    yield Mark("byte-mixture", "violation", [part], BYTES_WHY)


def _is_of_bytes(node: ast.expr) -> bool:
    """Return whether a divisor is a number of bytes: called so, or the length of something."""
    return _first_name(node, BYTE_LENGTH) or any(isinstance(part, ast.Call) and called(part) == "len" for part in ast.walk(node))


def _is_root_by_bytes(function: Function, node: ast.BinOp) -> bool:
    """Return whether a power is `p ** (1 / n_bytes)`."""
    if not isinstance(node.right, ast.BinOp) or not isinstance(node.right.op, ast.Div) or not _first_name(node.left, PROBABILITY):
        return False
    named = [item.value for item in assignments(function) if item.targets[0].id in names_in(node.right.right)]  # type: ignore[attr-defined]
    return any(_first_name(part, BYTE_LENGTH) for part in (node.right.right, *named))


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
