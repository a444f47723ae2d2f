"""Choices and weights that depend on how well the token to be scored was predicted."""

import ast
from collections.abc import Iterator
from typing import TypeGuard

from bytegolf.contest.case import Case
from bytegolf.contest.evidence import Mark, ReviewFinding
from bytegolf.contest.functions import Function
from bytegolf.contest.outcomes import CHOICE, MODEL, ORACLE, OUTCOME, SUMMED, Turn, parts_of
from bytegolf.contest.targets import called, names_in

EXTREMES = ("minimum", "maximum", "fmin", "fmax", "min", "max")
ORACLE_WHY = "keeps, for each token, whichever prediction turned out better: the choice sees the token (C2, C4)"
PEEK_WHY = "whether or how much is mixed in depends on how probable the token to be scored is: the mixture does not sum to 1 (C1, C2)"
SAME_WHY = (
    "mixes in what is the same for every token that could come, an entropy, as if it were the probability of the one that came: "
    "the mixture does not sum to 1 (C2)"
)
Place = tuple[Function, Turn]


def findings(case: Case) -> list[ReviewFinding]:
    """Return the findings of the family."""
    return case.by_code(_marks(case))


def _marks(case: Case) -> Iterator[Mark]:
    """Yield a mark for each choice or weight that sees the token."""
    rule = _Choices(case)
    for function, turns in rule.outcomes.turns.items():
        learned = _learned_from(function)
        by_statement = {id(turn.statement): turn for turn in turns}
        for turn in turns:
            if not _bound(turn.statement) & learned:  # what only training sees may weigh losses as it likes
                yield from rule.of_statement((function, turn))
                yield from rule.of_branches(function, turn, by_statement)


class _Choices:
    """The rules, with what is known of each name."""

    def __init__(self, case: Case) -> None:
        self.program, self.outcomes = case.program, case.outcomes

    def of_statement(self, place: Place) -> Iterator[Mark]:
        """Yield the marks in the expressions of one statement."""
        statement = place[1].statement
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Subscript):
            index = self._labels(place, statement.targets[0].slice) & CHOICE
            if index and MODEL in self._labels(place, statement.targets[0].value) and self._labels(place, statement.value) & OUTCOME:
                yield _mark(statement, index)
        for node in parts_of(statement):
            if isinstance(node, ast.Call):
                yield from self._of_call(place, node)
            elif isinstance(node, ast.IfExp):
                yield from self._of_three(place, node, node.test, node.body, node.orelse)
            elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and self._is_weighed_by_outcome(place, node):
                yield Mark("gate-peeks", "violation", [node], PEEK_WHY)

    def _of_call(self, place: Place, call: ast.Call) -> Iterator[Mark]:
        name = called(call)
        if name == "where" and len(call.args) == 3:
            yield from self._of_three(place, call, *call.args)
        elif name == "stack" and call.args and isinstance(call.args[0], ast.List | ast.Tuple):
            labels = [self._labels(place, part) for part in call.args[0].elts]
            if any(MODEL in part for part in labels) and any(SUMMED in part and not part & OUTCOME for part in labels):
                yield Mark("unnormalised-mix", "disputed", [call], SAME_WHY)
        elif name in EXTREMES and len(call.args) > 1 and not _is_of_a_stable_sum(place, call):
            labels = [self._labels(place, argument) & OUTCOME for argument in call.args]
            if all(labels) and MODEL in frozenset().union(*labels):
                yield Mark("oracle-gate", "violation", [call], ORACLE_WHY)

    def _of_three(self, place: Place, node: ast.AST, test: ast.expr, one: ast.expr, other: ast.expr) -> Iterator[Mark]:
        """Yield a mark if a test of outcomes chooses between two of them."""
        choice = self._labels(place, test) & CHOICE
        sides = [self._labels(place, side) & OUTCOME for side in (one, other)]
        if choice and all(sides) and MODEL in sides[0] | sides[1]:
            yield _mark(node, choice)

    def of_branches(self, function: Function, turn: Turn, turns: dict[int, Turn]) -> Iterator[Mark]:
        """Yield a mark if a statement replaces a model's outcome in a branch that outcomes decide on."""
        statement = turn.statement
        if not isinstance(statement, ast.Assign) or not self._labels((function, turn), statement.value) & OUTCOME:
            return
        for outer in self.program.enclosing(statement):
            above = turns.get(id(outer))
            if isinstance(outer, ast.If) and above is not None:
                choice = self._labels((function, above), outer.test) & CHOICE
                if choice and any(MODEL in above.before.get(name, frozenset()) for name in _bound(statement)):
                    yield _mark(outer, choice)

    def _is_weighed_by_outcome(self, place: Place, node: ast.BinOp) -> bool:
        """Return whether a sum is `(1 - w) * p + w * q`, its weight an outcome."""
        for one, other in ((node.left, node.right), (node.right, node.left)):
            for side in (one.left, one.right) if _is_product(one) and _is_product(other) else ():
                weight = _rest_of_one(side)
                if weight is not None and names_in(weight) & names_in(other) and self._labels(place, weight) & OUTCOME:
                    return True
        return False

    def _labels(self, place: Place, node: ast.expr) -> frozenset[str]:
        function, turn = place
        return self.outcomes.labels(function, turn, node)


def _mark(node: ast.AST, choice: frozenset[str]) -> Mark:
    if ORACLE in choice:
        return Mark("oracle-gate", "violation", [node], ORACLE_WHY)
    return Mark("gate-peeks", "violation", [node], PEEK_WHY)


def _is_product(node: ast.expr) -> TypeGuard[ast.BinOp]:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult)


def _rest_of_one(node: ast.expr) -> ast.expr | None:
    """Return w of `1 - w`."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) and isinstance(node.left, ast.Constant) and node.left.value == 1:
        return node.right
    return None


def _bound(statement: ast.stmt) -> set[str]:
    """Return the names that an assignment changes."""
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    return {node.id for target in targets if target is not None for node in ast.walk(target) if isinstance(node, ast.Name)}


def _is_of_a_stable_sum(place: Place, call: ast.Call) -> bool:
    """Return whether a larger value is taken to keep the sum of exponentials from overflowing."""
    function, turn = place
    names = _bound(turn.statement).union(*(names_in(argument) for argument in call.args))
    calls = (node for node in function.nodes if isinstance(node, ast.Call) and called(node) in ("exp", "exp2", "log1p"))
    return any(names_in(node) & names for node in calls)


def _learned_from(function: Function) -> set[str]:
    """Return the names that a loss is made of, on which `backward` is called in this function."""
    found = {
        name
        for node in function.nodes
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "backward"
        for name in names_in(node.func.value)
    }
    bindings = [node for node in function.nodes if isinstance(node, ast.Assign)] if found else []
    for _ in range(6):
        for binding in bindings:
            if _bound(binding) & found:
                found |= names_in(binding.value)
    return found
