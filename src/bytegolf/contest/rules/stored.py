"""Held-out tokens that are brought along and cost nothing when they come."""

import ast
import re
from collections.abc import Iterator

from bytegolf.contest.case import Case
from bytegolf.contest.evidence import Mark, ReviewFinding
from bytegolf.contest.program import Program

STORED_NAME = re.compile(r"prefix|stored_tok|answer_key|blob_tok|memo_tok", re.IGNORECASE)
TARGET_NAME = re.compile(r"^(tgt|target|y|gold|label)", re.IGNORECASE)
LOADER_NAME = re.compile(r"load|read|open", re.IGNORECASE)
WHY = "compares the tokens to be scored with tokens that it brought along, and does not charge for those that agree: a paid prefix, banned"


def findings(case: Case) -> list[ReviewFinding]:
    """Return the findings of the family."""
    return case.by_code(_marks(case.program))


def _marks(program: Program) -> Iterator[Mark]:
    """Yield a mark for each comparison of targets with tokens that a function has loaded."""
    loaders = [item.node.body[-1] for item in program.functions if STORED_NAME.search(item.name) and LOADER_NAME.search(item.name)]
    for function in program.functions:
        for node in function.nodes:
            if loaders and isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], ast.Eq):
                sides = [_names(node.left), _names(node.comparators[0])]
                for one, other in (sides, sides[::-1]):
                    if any(STORED_NAME.search(name) for name in one) and any(TARGET_NAME.match(name) for name in other):
                        yield Mark("paid-prefix", "violation", [node, loaders[0]], WHY)


def _names(node: ast.expr) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
