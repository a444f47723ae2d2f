"""Bytes and targets: whether each is counted once."""

import ast
import re
from collections.abc import Iterator

from bytegolf.contest.case import Case
from bytegolf.contest.evidence import Mark, ReviewFinding
from bytegolf.contest.program import Program

BYTES_NAME = re.compile(r"byte", re.IGNORECASE)
SPACE_NAME = re.compile(r"leading_space|has_space|space_lut|_ls\b", re.IGNORECASE)
SPACE_MARKER = "\u2581"
LIMIT_NAME = re.compile(r"limit|cap|max|budget|target", re.IGNORECASE)
SIZE_NAME = re.compile(r"byte|size|len\(|total|artifact|blob|submission|model|file", re.IGNORECASE)
OTHER_SIZE = re.compile(r"numel|token|mem|buffer|cache|window|dict|vocab|chunk", re.IGNORECASE)
TWICE_WHY = (
    "the table already counts the space of a piece that begins with one, and the evaluator adds it again: bytes about 17 % too many (#1719)"
)
SPELLED_WHY = "counts a byte piece by its spelling, six bytes for one: bytes too many (#1289)"
TAIL_WHY = "windows at the end of the split that are cut short score the same last targets again: a defect of some 1e-5 bpb"
SIZE_WHY = "16 MiB are 16,777,216 bytes; the cap is 16,000,000"


def findings(case: Case) -> list[ReviewFinding]:
    """Return the findings of the family."""
    program = case.program
    return case.by_code([*_spaces_twice(program), *_spelled_bytes(program), *_tails(program), *_mebibytes(program)])


def _spaces_twice(program: Program) -> Iterator[Mark]:
    """Yield a mark for each table of bytes with the space in it, if an evaluator adds the space too."""
    added = [node for function in program.functions for node in function.nodes if _adds_space(node)]
    if not added:
        return
    for function in program.functions:
        for node in function.nodes:
            if (
                isinstance(node, ast.Assign)
                and _is_table_entry(node)
                and isinstance(node.value, ast.BinOp)
                and isinstance(node.value.op, ast.Add)
            ):
                one = any(isinstance(side, ast.Constant) and side.value == 1 for side in (node.value.left, node.value.right))
                if one and "encode" in ast.unparse(node.value) and _is_of_marked_piece(program, node):
                    yield Mark("byte-count", "violation", [node, added[0]], TWICE_WHY)


def _adds_space(node: ast.AST) -> bool:
    """Return whether a statement adds a byte for a leading space: `bytes += (space[y] & ~boundary[x])`."""
    text = ""
    if isinstance(node, ast.AugAssign):
        text = ast.unparse(node.value)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        text = ast.unparse(node)
    return bool(SPACE_NAME.search(text)) and "[" in text


def _is_table_entry(node: ast.Assign) -> bool:
    target = node.targets[0]
    return isinstance(target, ast.Subscript) and bool(BYTES_NAME.search(ast.unparse(target.value)))


def _is_of_marked_piece(program: Program, node: ast.AST) -> bool:
    """Return whether a statement stands where a piece is known to begin with the marker of a space."""
    for outer in program.enclosing(node):
        if isinstance(outer, ast.If):
            test = ast.unparse(outer.test)
            return SPACE_MARKER in test or "u2581" in test or "space" in test.lower()
    return False


def _spelled_bytes(program: Program) -> Iterator[Mark]:
    """Yield a mark for each table that takes the length of every piece's spelling, byte pieces included."""
    for function in program.functions:
        if "id_to_piece" not in {node.attr for node in function.nodes if isinstance(node, ast.Attribute)}:
            continue
        code = ast.unparse(function.node)
        if "is_byte" in code or "<0x" in code or "IsByte" in code:
            continue
        for node in function.nodes:
            if isinstance(node, ast.Assign) and _is_table_entry(node) and "encode" in ast.unparse(node.value):
                yield Mark("byte-count", "violation", [node], SPELLED_WHY)
                break


def _tails(program: Program) -> Iterator[Mark]:
    """Yield a mark for each list of windows that keeps all short ones at the end."""
    for function in program.functions:
        for node in function.nodes:
            if isinstance(node, ast.ListComp) and len(node.generators) == 1 and node.generators[0].ifs and _keeps_short_windows(node):
                yield Mark("coverage", "defect", [node], TAIL_WHY)


def _keeps_short_windows(node: ast.ListComp) -> bool:
    """Return whether a list is `[w for w in range(0, n, stride) if min(w + length, n) - w >= least]`."""
    over = node.generators[0].iter
    if not isinstance(over, ast.Call) or len(over.args) != 3 or ast.unparse(over.func) != "range":
        return False
    return any("min(" in ast.unparse(test) and " - " in ast.unparse(test) and ">=" in ast.unparse(test) for test in node.generators[0].ifs)


def _mebibytes(program: Program) -> Iterator[Mark]:
    """Yield a mark for each comparison with 16 MiB, or constant that is named as a limit."""
    for source in program.sources:
        for node in ast.walk(source.tree):
            parts: list[ast.expr] = []
            if isinstance(node, ast.Compare):
                parts = [node.left, *node.comparators]
                about = " ".join(ast.unparse(part) for part in parts)
            elif isinstance(node, ast.Assign) and LIMIT_NAME.search(ast.unparse(node.targets[0])):
                parts, about = [node.value], ast.unparse(node.targets[0])
            if any(_is_mebibytes(part) for part in parts) and SIZE_NAME.search(about) and not OTHER_SIZE.search(about):
                yield Mark("size", "defect", [node], SIZE_WHY)


def _is_mebibytes(node: ast.expr) -> bool:
    """Return whether an expression is 16 MiB, however it is written."""
    text = ast.unparse(node).replace("_", "").replace(" ", "").replace("(", "").replace(")", "")
    return text in ("16777216", "16*1024*1024", "16*1024**2", "16*2**20", "16<<20", "1<<24", "2**24", "1024*1024*16", "16.0*1024*1024")
