"""Read expressions: which labels their values carry, and which events happen in them."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bytegolf.contest.events import (
    ACCUMULATING_NAME,
    BYTES_NAME,
    COLLECT,
    COLLECT_NAME,
    EVENT_LIMIT,
    EXPORT,
    EXPORT_NAME,
    FACTS_OF_DATA,
    INSERT,
    LOSS,
    MIXING_NAME,
    MODEL_NAME,
    NONE,
    QUIET,
    SCORE,
    SCORE_NAME,
    TRAINING,
    UPDATE,
    DataEvent,
    Labels,
    Loop,
    is_equipment,
    is_validation,
    of_name,
    of_text,
    substituted,
)
from bytegolf.contest.functions import Function
from bytegolf.contest.program import Program
from bytegolf.contest.reach import Reach

ADDING_METHODS = {"add_", "append", "extend", "add", "update", "copy_", "index_add_", "scatter_add_"}
CALLED_OF_MANY = {"step", "forward", "update", "add", "backward"}  # methods that too many objects have to tell whose is called
LabelState = dict[str, Labels]


@dataclass
class Summary:
    """What a function does, as its callers see it."""

    returns: Labels = NONE
    events: list[DataEvent] = field(default_factory=list)
    state: LabelState = field(default_factory=dict)


class Summaries(Protocol):
    """Where the summaries of functions come from."""

    program: Program
    reach: Reach
    globals: LabelState

    def summary(self, function: Function) -> Summary:
        """Return what a function does."""


class ExpressionReading:
    """The expressions of one function, with the labels that its names have by now."""

    def __init__(self, flow: Summaries, function: Function, state: LabelState) -> None:
        self.flow, self.program, self.function, self.state = flow, flow.program, function, state
        self.loops: tuple[Loop, ...] = ()
        self.events: list[DataEvent] = []
        self.quiet = False  # within `no_grad` or `inference_mode`

    def _labels(self, node: ast.expr | None) -> Labels:
        """Return the labels of an expression, and note the events in it."""
        match node:
            case None:
                return NONE
            case ast.Constant():
                return of_text(node.value) if isinstance(node.value, str) else NONE
            case ast.Name():
                return self.state.get(node.id, self.flow.globals.get(node.id, of_name(node.id) | of_text(node.id)))
            case ast.Attribute():
                own = of_name(node.attr) | of_text(node.attr)
                inner = self._labels(node.value)
                return NONE if node.attr in FACTS_OF_DATA or is_equipment(node.attr) else own | inner
            case ast.Call():
                return self._call(node)
            case ast.Lambda():
                return NONE
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                return self._comprehension(node)
            case ast.Compare():
                self._all(node)
                return NONE
            case ast.NamedExpr():
                labels = self._labels(node.value)
                self._bind(node.target, labels)
                return labels
            case ast.IfExp():
                test = self.flow.reach.settings.value(node.test, self.function, {})
                return self._labels(node.body if test.value else node.orelse) if test.known else self._all(node)
        return self._all(node)

    def _all(self, node: ast.expr) -> Labels:
        parts = [self._labels(child) for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
        return NONE.union(*parts)

    def _mentioned(self, node: ast.expr) -> Labels:
        """Return the labels of all names in an expression."""
        return NONE.union(*(self._labels(part) for part in ast.walk(node) if isinstance(part, ast.Name)))

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> Labels:
        labels = NONE
        for generator in node.generators:
            over = self._labels(generator.iter)
            self._bind(generator.target, over)
            labels |= over.union(*(self._mentioned(test) for test in generator.ifs))  # which are chosen depends on these
        parts = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        return labels.union(*(self._labels(part) for part in parts))

    def _call(self, call: ast.Call) -> Labels:
        name = self.program.full_name(call.func)
        last = call.func.attr if isinstance(call.func, ast.Attribute) else name.rpartition(".")[2]
        given = [self._labels(argument) for argument in call.args]
        named = {item.arg or "**": self._labels(item.value) for item in call.keywords}
        owner = self._labels(call.func.value) if isinstance(call.func, ast.Attribute) else NONE
        everything = owner.union(*given, *named.values())
        targets = self._targets(call.func)
        self._events_of(call, name, last, everything, owner)
        if COLLECT_NAME.search(last) and not MIXING_NAME.search(last):
            taken = self._taken_as_data(targets[0], given, named) if targets else everything
            if is_validation(taken):
                self._note(COLLECT, call, taken)
        handed = [self._inlined(call, target, given[place + 1 :], named) for place, target in self._handed_on(call)]
        if not targets and ACCUMULATING_NAME.search(last):  # of a module that is not at hand
            self._note(SCORE, call, everything, "loss")
            self._note(SCORE, call, everything, "bytes")
        if targets:
            return NONE.union(*handed, *(self._inlined(call, target, given, named) for target in targets))
        everything |= {LOSS} if last in ("cross_entropy", "nll_loss") else NONE
        return NONE if last in FACTS_OF_DATA or last == "len" else everything

    def _events_of(self, call: ast.Call, name: str, last: str, labels: Labels, owner: Labels) -> None:
        """Note what a call does by itself."""
        if last == "backward" or name.endswith("autograd.grad"):
            self._note(UPDATE, call, labels if last != "backward" else owner | labels)
        elif last in ADDING_METHODS and isinstance(call.func, ast.Attribute) and call.args:
            if name.endswith("add.at"):
                self._note(INSERT, call, labels)
            self._add_call(call, last)
        elif name.endswith("add.at") or last in ("bincount", "scatter_add_", "index_put_"):
            self._note(INSERT, call, labels)
        if EXPORT_NAME.search(last) and not last.startswith("dequant"):
            self._note(EXPORT, call, labels)

    def _taken_as_data(self, target: Function, given: Sequence[Labels], named: dict[str, Labels]) -> Labels:
        """Return the labels of the arguments that a function does more with than ask for a tokenizer or a table."""
        passed = dict(zip([parameter.arg for parameter in target.parameters], given, strict=False)) | named
        used = {
            node.id
            for node in target.nodes
            if isinstance(node, ast.Name)
            and not (isinstance(around := self.program.around.get(id(node)), ast.Attribute) and is_equipment(around.attr))
        }
        return NONE.union(*(labels for name, labels in passed.items() if name in used))

    def _handed_on(self, call: ast.Call) -> Iterator[tuple[int, Function]]:
        """Yield the functions that a call hands on, by place: with their arguments, `timed(label, function, *arguments)`.

        Or without any, to be called back by an optimiser that looks several times: `optimizer.step(closure)`.
        """
        for place, argument in enumerate(call.args):
            called_back = isinstance(call.func, ast.Attribute) and call.func.attr == "step"
            if isinstance(argument, ast.Name) and (place + 1 < len(call.args) or called_back):
                for target in self._targets(argument)[:1]:
                    yield place, target

    def _targets(self, node: ast.expr) -> list[Function]:
        """Return the script's own functions that an expression may stand for."""
        if isinstance(node, ast.Name):
            candidates = [item for item in self.program.named.get(node.id, []) if not item.owner]
            return ([item for item in candidates if item.source is self.function.source] or candidates)[:2] or self._wrapped(node.id)
        if isinstance(node, ast.Attribute):
            candidates = self.program.named.get(node.attr, [])
            return candidates[:2] if len(candidates) <= 2 and node.attr not in CALLED_OF_MANY else []
        return []

    def _wrapped(self, name: str) -> list[Function]:
        """Return the function that a name was assigned: itself, or wrapped as in `torch.compile(function)`."""
        function: Function | None = self.function
        while function is not None:
            for value in function.assigned.get(name, [])[:4]:
                inner = value.args[0] if isinstance(value, ast.Call) and value.args else value
                if isinstance(inner, ast.Name) and inner.id != name:
                    found = [item for item in self.program.named.get(inner.id, []) if not item.owner]
                    if found:
                        return found[:1]
            function = function.outer
        return []

    def _inlined(self, call: ast.Call, target: Function, given: Sequence[Labels], named: dict[str, Labels]) -> Labels:
        """Take over the events of a function that is called, and return the labels of its result."""
        summary = self.flow.summary(target)
        passed = dict(zip([parameter.arg for parameter in target.parameters], given, strict=False)) | named
        for event in summary.events:
            if len(self.events) < EVENT_LIMIT:
                self.events.append(event.within(call, self.loops, passed))
        return substituted(summary.returns, passed)

    def _add(self, node: ast.AST, target: ast.expr, value: ast.expr, adds: bool) -> None:
        """Read `target += value` and the like."""
        labels = self._labels(value)
        if adds:
            self._score(node, target, value, labels | (self._labels(target.slice) if isinstance(target, ast.Subscript) else NONE))
            if isinstance(target, ast.Subscript) and is_validation(self._labels(target.slice)):
                self._note(INSERT, node, self._labels(target.slice))
        self._touch(_root(target), labels)

    def _add_call(self, call: ast.Call, last: str) -> None:
        assert isinstance(call.func, ast.Attribute)
        target = call.func.value
        value = call.args[-1]
        labels = self._labels(value)
        if last in ("add_", "append", "extend", "copy_"):
            place = self._labels(target.slice) if isinstance(target, ast.Subscript) else NONE
            self._score(call, target, value, labels | place)
        self._touch(_root(target), labels)

    def _score(self, node: ast.AST, target: ast.expr, value: ast.expr, labels: Labels) -> None:
        """Note a score if what is added up, or kept for each token, is a loss, or is called one, or a number of bytes."""
        words = [part.id for part in ast.walk(target) if isinstance(part, ast.Name)]
        words += [part.attr for part in ast.walk(target) if isinstance(part, ast.Attribute)]
        words += [part.id for part in ast.walk(value) if isinstance(part, ast.Name)]
        if any(BYTES_NAME.search(word) for word in words[:1]):
            self._note(SCORE, node, labels, "bytes")
        elif LOSS in labels or any(SCORE_NAME.search(word) for word in words):
            self._note(SCORE, node, labels, QUIET if self.quiet and LOSS in labels else "loss")

    def _note(self, kind: str, node: ast.AST, labels: Labels, detail: str = "") -> None:
        self.events.append(DataEvent(kind, node, labels, self.loops, (), detail))

    def _bind(self, target: ast.expr, labels: Labels) -> None:
        match target:
            case ast.Name():
                if not MODEL_NAME.search(target.id):  # a model that has seen data is no data
                    self.state[target.id] = labels | (NONE if TRAINING in labels else of_name(target.id))
            case ast.Tuple() | ast.List():
                for part in target.elts:
                    self._bind(part, labels)
            case ast.Starred():
                self._bind(target.value, labels)
            case ast.Subscript() | ast.Attribute():
                root = _root(target)
                self._touch(root, labels)

    def _touch(self, name: str, labels: Labels) -> None:
        """Add labels to those of a name whose value was changed in place."""
        if name and name != "self" and not MODEL_NAME.search(name):
            self.state[name] = self.state.get(name, NONE) | labels


def _root(node: ast.expr) -> str:
    """Return the name that an expression like `a.b[c].d` begins with, "" if there is none."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""
