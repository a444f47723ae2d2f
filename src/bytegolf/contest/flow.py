"""Follow data from the held-out split through a script: which labels expressions carry, and which events happen to them.

Functions are read once for all callers, their parameters standing for whatever is passed. Statements are read in order,
branches are joined, and loops are read until nothing changes.
"""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bytegolf.contest.events import (
    BYTES_NAME,
    COLLECT,
    COLLECT_NAME,
    EVENT_LIMIT,
    EXPORT,
    EXPORT_NAME,
    FACTS_OF_DATA,
    INSERT,
    MIXING_NAME,
    MODEL_NAME,
    NONE,
    SCORE,
    SCORE_NAME,
    TRAINING,
    UPDATE,
    Event,
    Labels,
    Loop,
    is_validation,
    of_name,
    of_parameter,
    of_text,
    substituted,
)
from bytegolf.contest.program import Function, Program
from bytegolf.contest.reach import Reach

MAX_CALL_DEPTH = 25
LOOP_READINGS = 3
ADDING_METHODS = {"add_", "append", "extend", "add", "update", "copy_", "index_add_", "scatter_add_"}
CALLED_OF_MANY = {"step", "forward", "update", "add", "backward"}  # methods that too many objects have to tell whose is called
State = dict[str, Labels]


@dataclass
class Summary:
    """What a function does, as its callers see it."""

    returns: Labels = NONE
    events: list[Event] = field(default_factory=list)
    state: State = field(default_factory=dict)


class Flow:
    """The events of a program, function by function, as far as a walk reaches them."""

    def __init__(self, program: Program, reach: Reach) -> None:
        self.program, self.reach = program, reach
        self.reading: dict[Function, State] = {}
        self._summaries: dict[Function, Summary] = {}
        self._active: list[Function] = []
        self.globals: State = {}

    def events(self) -> list[Event]:
        """Return the events of the whole script, in order."""
        found: list[Event] = []
        for module in reversed(self.program.modules):  # what is imported runs first
            summary = self.summary(module)
            self.globals |= summary.state
            found += summary.events
        return found

    def summary(self, function: Function) -> Summary:
        """Return what a function does; nothing where it calls itself."""
        if function in self._summaries:
            return self._summaries[function]
        if function in self._active or len(self._active) > MAX_CALL_DEPTH:
            return Summary()
        self._active.append(function)
        try:
            self._summaries[function] = _Reading(self, function).read()
        finally:
            self._active.pop()
        return self._summaries[function]

    def outer_state(self, function: Function) -> State:
        """Return the labels of what a function sees around itself: those of the function that defines it."""
        if function.outer is None:
            return {}
        known = self._summaries.get(function.outer)
        active = self.reading.get(function.outer)
        return dict(known.state if known else active or self.globals)


class _Reading:
    """One reading of a function from top to bottom."""

    def __init__(self, flow: Flow, function: Function) -> None:
        self.flow, self.program, self.function = flow, flow.program, function
        self.state: State = flow.outer_state(function)
        for parameter in function.parameters:
            self.state[parameter.arg] = of_parameter(parameter.arg)
        self.loops: tuple[Loop, ...] = ()
        self.events: list[Event] = []
        self.returns: Labels = NONE
        flow.reading[function] = self.state

    def read(self) -> Summary:
        self._block(self.function.node.body)
        return Summary(self.returns, self.events[:EVENT_LIMIT], self.state)

    def _block(self, statements: Sequence[ast.stmt]) -> None:
        for statement in statements:
            if id(statement) in self.flow.reach.reached:
                self._statement(statement)

    def _statement(self, statement: ast.stmt) -> None:
        match statement:
            case ast.Return():
                self.returns |= self._labels(statement.value)
            case ast.Assign():
                self._assign(statement)
            case ast.AnnAssign():
                self._bind(statement.target, self._labels(statement.value))
            case ast.AugAssign():
                self._add(statement, statement.target, statement.value, isinstance(statement.op, ast.Add))
            case _:
                self._compound(statement)

    def _compound(self, statement: ast.stmt) -> None:
        """Read a statement with others inside it, or one of no consequence."""
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                pass
            case ast.If():
                self._labels(statement.test)
                self._branches([statement.body, statement.orelse])
            case ast.For() | ast.AsyncFor() | ast.While():
                self._loop(statement)
            case ast.With() | ast.AsyncWith():
                for item in statement.items:
                    labels = self._labels(item.context_expr)
                    if item.optional_vars is not None:
                        self._bind(item.optional_vars, labels)
                self._block(statement.body)
            case ast.Try() | ast.TryStar():
                self._block(statement.body)
                self._branches([statement.orelse, *(handler.body for handler in statement.handlers)])
                self._block(statement.finalbody)
            case ast.Match():
                self._labels(statement.subject)
                self._branches([case.body for case in statement.cases])
            case _:
                for child in ast.iter_child_nodes(statement):
                    if isinstance(child, ast.expr):
                        self._labels(child)

    def _branches(self, blocks: Sequence[Sequence[ast.stmt]]) -> None:
        """Read each block from the same state, and join what they come to."""
        before = dict(self.state)
        joined: State = {}
        for block in blocks:
            self._replace_state(before)
            self._block(block)
            for name, labels in self.state.items():
                joined[name] = joined.get(name, NONE) | labels
        self._replace_state(joined)

    def _replace_state(self, state: State) -> None:
        copied = dict(state)
        self.state.clear()
        self.state.update(copied)

    def _loop(self, statement: ast.For | ast.AsyncFor | ast.While) -> None:
        loop = Loop(statement)
        events, outside = self.events, self.loops
        for _ in range(LOOP_READINGS):
            before = dict(self.state)
            self.events, self.loops = [], outside
            if isinstance(statement, ast.While):
                self.loops = (*outside, loop)
                self._labels(statement.test)
            else:
                labels = self._labels(statement.iter)
                self.loops = (*outside, loop)
                self._bind(statement.target, labels | {loop.label})
            self._block(statement.body)
            self._replace_state({name: self.state.get(name, NONE) | before.get(name, NONE) for name in self.state.keys() | before.keys()})
            if self.state == before:
                break
        self.events, self.loops = [*events, *self.events], outside
        self._block(statement.orelse)

    def _assign(self, statement: ast.Assign) -> None:
        target = statement.targets[0]
        if isinstance(target, ast.Tuple) and isinstance(statement.value, ast.Tuple) and len(target.elts) == len(statement.value.elts):
            for part, value in zip(target.elts, [self._labels(value) for value in statement.value.elts], strict=True):
                self._bind(part, value)
            return
        labels = self._labels(statement.value)
        for target in statement.targets:
            if isinstance(target, ast.Subscript) and not isinstance(statement.value, ast.Constant):
                self._score(statement, target, statement.value, labels | self._labels(target.slice))
            self._bind(target, labels)

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

    def _add(self, node: ast.AST, target: ast.expr, value: ast.expr, adds: bool) -> None:
        """Read `target += value` and the like."""
        labels = self._labels(value)
        if adds:
            self._score(node, target, value, labels | (self._labels(target.slice) if isinstance(target, ast.Subscript) else NONE))
            if isinstance(target, ast.Subscript) and is_validation(self._labels(target.slice)):
                self._note(INSERT, node, self._labels(target.slice))
        self._touch(_root(target), labels)

    def _score(self, node: ast.AST, target: ast.expr, value: ast.expr, labels: Labels) -> None:
        """Note a score if what is added up, or kept for each token, is called a loss or a number of bytes."""
        words = [part.id for part in ast.walk(target) if isinstance(part, ast.Name)]
        words += [part.attr for part in ast.walk(target) if isinstance(part, ast.Attribute)]
        words += [part.id for part in ast.walk(value) if isinstance(part, ast.Name)]
        if any(BYTES_NAME.search(word) for word in words[:1]):
            self._note(SCORE, node, labels, "bytes")
        elif any(SCORE_NAME.search(word) for word in words):
            self._note(SCORE, node, labels, "loss")

    def _note(self, kind: str, node: ast.AST, labels: Labels, detail: str = "") -> None:
        self.events.append(Event(kind, node, labels, self.loops, (), detail))

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
                return NONE if node.attr in FACTS_OF_DATA else own | inner
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
        self._events_of(call, name, last, everything, owner)
        targets = self._targets(call.func)
        handed = [self._inlined(call, target, given[place + 1 :], named) for place, target in self._handed_on(call)]
        if targets:
            return NONE.union(*handed, *(self._inlined(call, target, given, named) for target in targets))
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
        if COLLECT_NAME.search(last) and is_validation(labels) and not MIXING_NAME.search(last):
            self._note(COLLECT, call, labels)

    def _add_call(self, call: ast.Call, last: str) -> None:
        assert isinstance(call.func, ast.Attribute)
        target = call.func.value
        value = call.args[-1]
        labels = self._labels(value)
        if last in ("add_", "append", "extend", "copy_"):
            place = self._labels(target.slice) if isinstance(target, ast.Subscript) else NONE
            self._score(call, target, value, labels | place)
        self._touch(_root(target), labels)

    def _handed_on(self, call: ast.Call) -> Iterator[tuple[int, Function]]:
        """Yield the functions that a call hands on together with their arguments, `timed(label, function, *arguments)`, by place."""
        for place, argument in enumerate(call.args):
            if isinstance(argument, ast.Name) and place + 1 < len(call.args):
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


def _root(node: ast.expr) -> str:
    """Return the name that an expression like `a.b[c].d` begins with, "" if there is none."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""
