"""Follow data from the held-out split through a script: which labels expressions carry, and which events happen to them.

Functions are read once for all callers, their parameters standing for whatever is passed. Statements are read in order,
branches are joined, and loops are read until nothing changes.
"""

import ast
from collections.abc import Sequence

from bytegolf.contest.events import EVENT_LIMIT, NONE, DataEvent, Labels, Loop, of_parameter
from bytegolf.contest.functions import Function
from bytegolf.contest.program import Program
from bytegolf.contest.reach import Reach
from bytegolf.contest.reading import ExpressionReading, LabelState, Summary

MAX_CALL_DEPTH = 25
LOOP_READINGS = 3


class Flow:
    """The events of a program, function by function, as far as a walk reaches them."""

    def __init__(self, program: Program, reach: Reach) -> None:
        self.program, self.reach = program, reach
        self.reading: dict[Function, LabelState] = {}
        self._summaries: dict[Function, Summary] = {}
        self._active: list[Function] = []
        self.globals: LabelState = {}

    def events(self) -> list[DataEvent]:
        """Return the events of the whole script, in order."""
        found: list[DataEvent] = []
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

    def outer_state(self, function: Function) -> LabelState:
        """Return the labels of what a function sees around itself: those of the function that defines it."""
        if function.outer is None:
            return {}
        known = self._summaries.get(function.outer)
        active = self.reading.get(function.outer)
        return dict(known.state if known else active or self.globals)


class _Reading(ExpressionReading):
    """One reading of a function from top to bottom."""

    def __init__(self, flow: Flow, function: Function) -> None:
        super().__init__(flow, function, flow.outer_state(function))
        for parameter in function.parameters:
            self.state[parameter.arg] = of_parameter(parameter.arg)
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
                before = self.quiet
                self.quiet |= any("no_grad" in ast.unparse(item) or "inference_mode" in ast.unparse(item) for item in statement.items)
                self._block(statement.body)
                self.quiet = before
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
        joined: LabelState = {}
        for block in blocks:
            self._replace_state(before)
            self._block(block)
            for name, labels in self.state.items():
                joined[name] = joined.get(name, NONE) | labels
        self._replace_state(joined)

    def _replace_state(self, state: LabelState) -> None:
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
