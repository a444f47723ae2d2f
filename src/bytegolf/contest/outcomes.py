"""Follow through a script how well the token to be scored was predicted: its probability, its loss, its count in a cache.

Functions are read from top to bottom, once: what a loop carries into its next turn is about tokens that are scored by then.
"""

import ast
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from bytegolf.contest.functions import Function, children
from bytegolf.contest.program import Program
from bytegolf.contest.targets import called, names_in, target_names

MODEL, COUNT = "model", "count"  # what a model, and what a cache, says of the token to be scored
ALL, SUMMED = "all", "summed"  # what a model says of every token, and a sum over that, which is the same for each of them
ORACLE, PEEK = "oracle", "peek"  # a comparison of two of these with each other, and of one with anything else
OUTCOME, CHOICE = frozenset({MODEL, COUNT}), frozenset({ORACLE, PEEK})
NOTHING: frozenset[str] = frozenset()
TOGETHER = {"sum", "mean", "median", "any", "all", "len", "shape", "numel", "size", "argmax", "bincount", "full_like", "zeros_like"}
GATHERS = {"gather", "take_along_dim", "take_along_axis", "index_select"}
LOSSES = {"cross_entropy", "nll_loss"}
SOFTMAXES = {"softmax", "log_softmax"}
PROBABILITIES = ("prob", "softmax", "log_p", "logp", "lps", "logits", "lp")  # in the name of what a model says of all tokens
ACCOUNTS = ("byte", "lut", "space", "bound", "piece", "offset", "start", "doc", "mask", "vocab")  # tables that are asked for lengths
TOKEN_LOSS = re.compile(r"nll|ptl|per_tok|token_loss|loss_(a|b|base|adapt\w*|tok\w*)$|losses$", re.IGNORECASE)  # of parameters
MAX_ROUNDS = 3
MAX_NAMES = 1_000  # of a function that are followed at once
LabelsByName = dict[str, frozenset[str]]


class Turn(NamedTuple):
    """A statement as it was read: the labels of all names before it."""

    statement: ast.stmt
    before: LabelsByName


class Outcomes:
    """The labels of the names of each function, statement by statement."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.turns: dict[Function, list[Turn]] = {}
        self.targets: dict[Function, set[str]] = {}
        self._given: dict[Function, LabelsByName] = {function: _presumed(function) for function in program.functions}
        self._returns: dict[Function, list[frozenset[str]]] = {}
        waiting = [function for function in program.functions if self._given[function] or _asks(function)]
        for _ in range(MAX_ROUNDS):
            self._changed: set[Function] = set()
            for function in waiting:
                _OutcomeReading(self, function).read()
            waiting = [function for function in program.functions if function in self._changed]

    def labels(self, function: Function, turn: Turn, node: ast.expr) -> frozenset[str]:
        """Return the labels of an expression in a statement."""
        return _OutcomeReading(self, function, turn.before).labels(node)

    def targets_of(self, function: Function) -> set[str]:
        """Return the names in a function that hold the tokens to be scored."""
        if function not in self.targets:
            self.targets[function] = target_names(function)
        return self.targets[function]

    def own(self, node: ast.expr) -> list[Function]:
        """Return the script's own functions that a call may go to."""
        name = node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")
        found = [item for item in self.program.named.get(name, []) if bool(item.owner) == isinstance(node, ast.Attribute)]
        return found if len(found) <= 2 else []

    def pass_on(self, function: Function, given: LabelsByName) -> None:
        """Note with which labels a function is called."""
        known = self._given[function]
        for name, labels in given.items():
            if labels - known.get(name, NOTHING):
                known = self._given[function] = {**known, name: known.get(name, NOTHING) | labels}
                self._changed.add(function)

    def given(self, function: Function) -> LabelsByName:
        """Return the labels of a function's parameters."""
        return self._given[function]

    def returned(self, function: Function) -> list[frozenset[str]]:
        """Return the labels of the values that a function returns."""
        return self._returns.get(function, [])

    def note_returned(self, function: Function, values: Sequence[frozenset[str]]) -> None:
        """Note the labels of what a function returns; its callers are read again if they are new."""
        known = self.returned(function)
        joined = [one | other for one, other in zip(known, values, strict=True)] if len(known) == len(values) else list(values)
        if joined != known and any(joined):
            self._returns[function] = joined
            self._changed |= {other for other in self.program.functions if function.name in other.called_names}


class _OutcomeReading:
    """One reading of a function."""

    def __init__(self, outcomes: Outcomes, function: Function, state: LabelsByName | None = None) -> None:
        self.outcomes, self.function = outcomes, function
        self.targets = outcomes.targets_of(function)
        self.state = outcomes.given(function) if state is None else state
        self.turns: list[Turn] = []

    def read(self) -> None:
        self._block(self.function.node.body)
        self.outcomes.turns[self.function] = self.turns

    def _block(self, statements: Sequence[ast.stmt]) -> None:
        for statement in statements:
            if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                self.turns.append(Turn(statement, self.state))
                self._statement(statement)

    def _statement(self, statement: ast.stmt) -> None:
        match statement:
            case ast.Assign():
                for target in statement.targets:
                    self._bind(target, statement.value)
            case ast.AnnAssign() if statement.value is not None:
                self._bind(statement.target, statement.value)
            case ast.AugAssign():
                self._note(statement.target, self.labels(statement.value) | self.labels(statement.target))
            case ast.For() | ast.AsyncFor():
                self._bind(statement.target, statement.iter)
            case ast.Return() if statement.value is not None:
                self.outcomes.note_returned(self.function, [labels & OUTCOME for labels in self._returned(statement.value)])
            case _:
                for child in children(statement):
                    if isinstance(child, ast.expr):
                        self.labels(child)
        for name in ("body", "orelse", "finalbody"):
            self._block(getattr(statement, name, []))
        for handler in getattr(statement, "handlers", []):
            self._block(handler.body)

    def _returned(self, value: ast.expr) -> list[frozenset[str]]:
        """Return the labels of the values in a `return`: those that another function returns are passed on as they are."""
        if isinstance(value, ast.Tuple):
            return [self.labels(part) for part in value.elts]
        labels = self.labels(value)
        own = self.outcomes.own(value.func) if isinstance(value, ast.Call) else []
        return next((found for function in own if len(found := self.outcomes.returned(function)) > 1), [labels])

    def _bind(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Tuple | ast.List):
            parts = self._parts(value, len(target.elts))
            for part, labels in zip(target.elts, parts, strict=True):
                self._note(part, labels)
        else:
            self._note(target, self.labels(value))

    def _parts(self, value: ast.expr, count: int) -> list[frozenset[str]]:
        """Return the labels of the values that are taken apart."""
        if isinstance(value, ast.Tuple) and len(value.elts) == count:
            return [self.labels(part) for part in value.elts]
        if not isinstance(value, ast.Call):
            return [NOTHING] * count  # which of them is what is not known
        labels, own = self.labels(value), self.outcomes.own(value.func)
        if own:
            return next((found for function in own if len(found := self.outcomes.returned(function)) == count), [NOTHING] * count)
        if called(value) in ("zip", "enumerate"):
            found = [NOTHING] * (called(value) == "enumerate") + [self.labels(part) for part in value.args]
            return found if len(found) == count else [NOTHING] * count
        return [labels] * count

    def _note(self, target: ast.expr, labels: frozenset[str]) -> None:
        if isinstance(target, ast.Name):
            self._set(target.id, labels)
        elif isinstance(target, ast.Subscript):
            root = target.value
            while isinstance(root, ast.Subscript):
                root = root.value
            if isinstance(root, ast.Name):
                self._set(root.id, self.state.get(root.id, NOTHING) | labels)

    def _set(self, name: str, labels: frozenset[str]) -> None:
        """Give a name labels from here on: in a new state, since earlier turns keep theirs."""
        if self.state.get(name, NOTHING) != labels and len(self.state) < MAX_NAMES:
            self.state = {**self.state, name: labels}
            if not labels:
                del self.state[name]

    def labels(self, node: ast.expr | None) -> frozenset[str]:
        """Return the labels of an expression, and pass those of arguments on."""
        match node:
            case None | ast.Constant() | ast.Lambda() | ast.JoinedStr():
                return NOTHING
            case ast.Name():
                return self.state.get(node.id, NOTHING)
            case ast.Subscript():
                return self._item(node)
            case ast.Attribute():
                return NOTHING if node.attr in TOGETHER else self.labels(node.value)
            case ast.Call():
                return self._call(node)
            case ast.Compare():
                return self._comparison(node)
        return NOTHING.union(*(self.labels(child) for child in children(node) if isinstance(child, ast.expr)))

    def _comparison(self, node: ast.Compare) -> frozenset[str]:
        sides = [self.labels(side) & OUTCOME for side in (node.left, *node.comparators)]
        ordered = all(isinstance(kind, ast.Lt | ast.LtE | ast.Gt | ast.GtE) for kind in node.ops)
        return frozenset({ORACLE if all(sides) else PEEK}) if ordered and any(sides) else NOTHING

    def _item(self, node: ast.Subscript) -> frozenset[str]:
        """Return the labels of `table[index]`: an outcome if the token to be scored is an index."""
        base = self.labels(node.value)
        places = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        at_target = any(self._is_target(place) for place in places)
        if at_target and ALL in base:
            return frozenset({MODEL})
        return self._of_table(node.value) if at_target and not base else base | (self.labels(node.slice) & CHOICE)

    def _of_table(self, table: ast.expr) -> frozenset[str]:
        name = ast.unparse(table).lower()
        if any(part in name for part in ACCOUNTS) or names_in(table) & self.targets:
            return NOTHING
        return frozenset({MODEL if any(part in name for part in PROBABILITIES) else COUNT})

    def _is_target(self, node: ast.expr) -> bool:
        """Return whether an index is the token to be scored, or several of them."""
        while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            node = node.func.value
        while isinstance(node, ast.Subscript):
            node = node.value
        return isinstance(node, ast.Name) and node.id in self.targets

    def _call(self, call: ast.Call) -> frozenset[str]:
        name = called(call)
        given = [self.labels(argument) for argument in call.args]
        named = {item.arg: self.labels(item.value) for item in call.keywords if item.arg}
        owner = self.labels(call.func.value) if isinstance(call.func, ast.Attribute) else NOTHING
        targets = any(self._is_target(argument) for argument in call.args)
        if name in LOSSES:
            each = any(item.arg == "reduction" and "none" in ast.unparse(item.value) for item in call.keywords)
            return frozenset({MODEL}) if each else NOTHING
        if name in SOFTMAXES:
            return frozenset({ALL})
        if name in GATHERS and targets:
            return frozenset({MODEL})
        if name == "get" and isinstance(call.func, ast.Attribute) and call.args and self._is_target(call.args[0]):
            return self._of_table(call.func.value)
        own = self.outcomes.own(call.func)
        for function in own:
            passed = dict(zip([parameter.arg for parameter in function.parameters], given, strict=False)) | named
            self.outcomes.pass_on(function, {item: labels for item, labels in passed.items() if labels})
        if own:
            results = [self.outcomes.returned(function) for function in own]
            return NOTHING.union(*(values[0] for values in results if len(values) == 1))
        everything = owner.union(*given, *named.values())
        return everything if name not in TOGETHER else frozenset({SUMMED}) if name == "sum" and everything & {ALL, SUMMED} else NOTHING


def _presumed(function: Function) -> LabelsByName:
    """Return the labels of parameters that are called a loss of each token."""
    return {parameter.arg: frozenset({MODEL}) for parameter in function.parameters if TOKEN_LOSS.search(parameter.arg)}


def _asks(function: Function) -> bool:
    """Return whether a function may learn anything of how the token to be scored was predicted."""
    asking = {*LOSSES, *GATHERS, "get"}
    return any(isinstance(node, ast.Subscript) or (isinstance(node, ast.Call) and called(node) in asking) for node in function.nodes)


def parts_of(statement: ast.stmt) -> Iterator[ast.AST]:
    """Yield the nodes of a statement, those of statements inside it left out."""
    waiting = [child for child in children(statement) if isinstance(child, ast.expr)]
    for node in waiting:  # grows while it is read
        yield node
        waiting += [child for child in children(node) if isinstance(child, ast.expr)]
