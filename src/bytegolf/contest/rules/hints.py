"""Hints that are given or withheld by a property of the token that they are about, in Python and in C beside it."""

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from bytegolf.contest.case import Case
from bytegolf.contest.evidence import Mark, ReviewFinding
from bytegolf.contest.functions import Function
from bytegolf.contest.targets import names_in

C_NAME = re.compile(r"[\w-]+\.(c|cc|cpp|cu|h)")
C_LOOP = re.compile(r"\bfor\s*\([^;]*?(\w+)\s*=[^;]*;[^;]*;[^)]*\)\s*\{")
C_BRANCH = re.compile(r"\bif\s*\(((?:[^()]|\([^()]*\))*)\)\s*\{")
MAX_C_BYTES = 1_000_000
STRENGTH = r"(boost|beta|alpha|weight|scale|gain|lambda)"
THRESHOLD = r"(tau|thresh|threshold)"
WHY = "whether there is a hint about a token depends on a property of that token, before it is scored (C1)"


class PeekingStore(NamedTuple):
    """A place where what is said about a position is stored only if the token at that position is of some kind."""

    line: int
    text: str
    words: frozenset[str]  # in the names of what is stored and of what stores it


def findings(case: Case) -> list[ReviewFinding]:
    """Return the findings of the family."""
    found = []
    for function in case.program.functions:
        for store, words in _stores(function):
            found += [_unless_off(case, finding, words) for finding in case.by_code([Mark("gate-peeks", "violation", [store], WHY)])]
    for source in case.program.sources:
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and C_NAME.fullmatch(node.value.rpartition("/")[2]):
                found += _of_c_file(case, node, node.value.rpartition("/")[2])
    return list({(finding.file, finding.line): finding for finding in found}.values())


def _of_c_file(case: Case, node: ast.Constant, name: str) -> list[ReviewFinding]:
    """Return the findings of a C file beside the script, which a string in it names."""
    path = case.program.path.parent / name
    if not path.is_file() or path.is_symlink() or path.stat().st_size > MAX_C_BYTES:
        return []
    reached = case.by_code([Mark("gate-peeks", "violation", [_use_of(case, node)], WHY)])
    stores = list(stores_in_c(path.read_text("utf-8", errors="replace")))[:1]
    return [
        _unless_off(case, replace(finding, file=name, line=store.line, evidence=store.text), store.words)
        for finding in reached
        for store in stores
    ]


def _use_of(case: Case, node: ast.Constant) -> ast.AST:
    """Return where a function uses the name that a module gives to a string, the string itself if that is nowhere."""
    statement = case.program.statement(node)
    if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], ast.Name):
        return node
    name = statement.targets[0].id
    uses = (use for function in case.program.functions for use in function.nodes if isinstance(use, ast.Name) and use.id == name)
    return next(uses, node)


def _unless_off(case: Case, finding: ReviewFinding, words: frozenset[str]) -> ReviewFinding:
    """Return a finding as off if a setting that shares a word with it has strength 0, or a threshold that no probability reaches."""
    for name in case.program.attributes:
        match = re.fullmatch(rf"(?:\w+_)?({'|'.join(map(re.escape, sorted(words)))})_(?:{STRENGTH}|{THRESHOLD})", name) if words else None
        value = case.constant(name) if match else None
        if match and isinstance(value, int | float) and (value == 0 if match[2] else value >= 1):
            return replace(finding, on=False, reached=f"{finding.reached}, switched off by {name}={value}")
    return finding


def _stores(function: Function) -> Iterator[tuple[ast.Assign, frozenset[str]]]:
    """Yield the statements `out[i] = …` under a condition on `tokens[i]`, in loops over the positions of tokens that learn from them."""
    for loop in function.nodes:
        if not isinstance(loop, ast.For):
            continue
        place, token = _place_and_token(loop)
        if not place or not token:
            continue
        properties = _properties_of(loop, token)
        for node in ast.walk(loop):
            if isinstance(node, ast.If) and names_in(node.test) & properties:
                for store in (inner for part in node.body for inner in ast.walk(part)):
                    hints = isinstance(store, ast.Assign) and _is_store_at(store, place) and not {token, place} & names_in(store.value)
                    if isinstance(store, ast.Assign) and hints and _looks_up(store.value) and _learns(loop, token):
                        yield store, frozenset(_words(ast.unparse(store.targets[0])) | _words(function.owner))


def _place_and_token(loop: ast.For) -> tuple[str, str]:
    """Return the names of the position and of the token there: `for i, tok in enumerate(tokens)`, or `tok = tokens[i]` in the loop."""
    target, over = loop.target, loop.iter
    if (
        isinstance(target, ast.Tuple)
        and isinstance(over, ast.Call)
        and getattr(over.func, "id", "") == "enumerate"
        and len(target.elts) == 2
    ):
        place, token = target.elts
        if isinstance(place, ast.Name) and isinstance(token, ast.Name):
            copied = next((name for name, value in _plain_bindings(loop) if names_in(value) == {"int", token.id}), token.id)
            return place.id, copied
    if isinstance(target, ast.Name):
        for name, value in _plain_bindings(loop):
            read = value.args[0] if isinstance(value, ast.Call) and value.args else value
            if isinstance(read, ast.Subscript) and ast.unparse(read.slice) == target.id:
                return target.id, name
    return "", ""


def _plain_bindings(loop: ast.For) -> Iterator[tuple[str, ast.expr]]:
    for node in ast.walk(loop):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, node.value


def _properties_of(loop: ast.For, token: str) -> set[str]:
    """Return the names of a token's properties: what a table says at the token."""
    found = set()
    for name, value in _plain_bindings(loop):
        at_token = [part for part in ast.walk(value) if isinstance(part, ast.Subscript) and token in names_in(part.slice)]
        if at_token and not any(isinstance(part, ast.Call) and getattr(part.func, "attr", "") == "get" for part in ast.walk(value)):
            found.add(name)
    return found


def _is_store_at(node: ast.Assign, place: str) -> bool:
    target = node.targets[0]
    return isinstance(target, ast.Subscript) and ast.unparse(target.slice) == place


def _looks_up(value: ast.expr) -> bool:
    return any(isinstance(part, ast.Subscript) for part in ast.walk(value))


def _learns(loop: ast.For, token: str) -> bool:
    """Return whether a loop keeps something under the token, for later ones."""
    return any(
        isinstance(node, ast.Call) and any(token in names_in(argument) for argument in node.args) and getattr(node.func, "id", "") != "int"
        for node in ast.walk(loop)
    )


def _words(name: str) -> set[str]:
    """Return the first words of names: `within_top_token[i]` and `WordStartState` give `within` and `word`."""
    return {match.lower() for match in re.findall(r"(?<![A-Za-z0-9_.])([A-Z]?[a-z]+)", name)} - {"self", "i"}


def stores_in_c(text: str) -> Iterator[PeekingStore]:
    """Yield the places of a C source where `out[i]` is stored in a branch on a property of `tokens[i]`."""
    for loop in C_LOOP.finditer(text):
        place = re.escape(loop[1])
        body = _block(text, loop.end())
        read = re.search(rf"\b(\w+)\s*=\s*\w+\[{place}\]\s*;", body)
        if read is None:
            continue
        token = re.escape(read[1])
        properties = re.findall(rf"\b(\w+)\s*=\s*\w+\[{token}\]\s*;", body)
        for branch in C_BRANCH.finditer(body):
            inside = _block(body, branch.end())
            store = re.search(rf"\b(\w+)\[{place}\]\s*=\s*[^;]*(\[|->|\()[^;]*;", inside)
            if store and any(re.search(rf"\b{name}\b", branch[1]) for name in properties) and not re.search(rf"\b{token}\b", store[0]):
                start = loop.end() + branch.start()
                line = text.count("\n", 0, start) + 1
                yield PeekingStore(line, text.split("\n")[line - 1].strip()[:160], frozenset(_words(store[1])))


def _block(text: str, start: int) -> str:
    """Return the text from just inside a brace to the one that closes it."""
    depth = 1
    for place in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if not depth:
            return text[start:place]
    return text[start:]
