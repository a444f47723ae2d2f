"""What crosses the borders of documents in a script that keeps them apart."""

import ast
import re
from collections.abc import Iterator

from bytegolf.contest.case import Case
from bytegolf.contest.evidence import Mark, ReviewFinding
from bytegolf.contest.functions import Function
from bytegolf.contest.program import Program

APART = re.compile(r"cu_seqlens|varlen|doc_mask|document_mask|doc_ids?\b", re.IGNORECASE)
BORDER = re.compile(r"bos|border|boundar|doc|mask|cu_seq|keep", re.IGNORECASE)
IDS = re.compile(r"ids?$|tok|input_ids|idx", re.IGNORECASE)
WHY = (
    "attention keeps documents apart, and this gives a token what the one before it left, of another document or not: "
    "organisers asked for a mask, participants note that it is causal (#1797, #1988)"
)


def findings(case: Case) -> list[ReviewFinding]:
    """Return the findings of the family."""
    return case.by_code(_marks(case.program))


def _marks(program: Program) -> Iterator[Mark]:
    """Yield a mark for each shift by one along time without a mask, in a script whose attention keeps documents apart."""
    names = {node.attr for source in program.sources for node in ast.walk(source.tree) if isinstance(node, ast.Attribute)}
    names |= {node.id for source in program.sources for node in ast.walk(source.tree) if isinstance(node, ast.Name)}
    if not any(APART.search(name) for name in names):
        return
    for function in program.functions:
        if function.owner and function.name.startswith("forward") and not _knows_borders(function):
            yield from (Mark("document-leak", "disputed", [node], WHY) for node in function.nodes if _is_shift(node))


def _knows_borders(function: Function) -> bool:
    words = {node.id for node in function.nodes if isinstance(node, ast.Name)} | {parameter.arg for parameter in function.parameters}
    return any(BORDER.search(word) for word in words)


def _is_shift(node: ast.AST) -> bool:
    """Return whether an expression is `x[:, :-1]` of hidden states."""
    if not isinstance(node, ast.Subscript) or not isinstance(node.slice, ast.Tuple) or len(node.slice.elts) < 2:
        return False
    along = node.slice.elts[1]
    whole = isinstance(node.slice.elts[0], ast.Slice) and ast.unparse(node.slice.elts[0]) == ":"
    return whole and isinstance(along, ast.Slice) and ast.unparse(along) == ":-1" and not IDS.search(ast.unparse(node.value))
