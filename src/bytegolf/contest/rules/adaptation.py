"""Learning from the held-out text: whether each update follows the score of what it learns from."""

import ast
import re
from collections.abc import Iterable, Iterator, Sequence

from bytegolf.contest.case import Case
from bytegolf.contest.events import BYTE_COUNT_NAME, COLLECT, EARLIER_NAME, EXPORT, QUIET, SCORE, UPDATE, WARM_UP_NAME, DataEvent, Loop
from bytegolf.contest.evidence import Mark, ReviewFinding, Weight
from bytegolf.contest.functions import Function
from bytegolf.contest.reach import Reach
from bytegolf.contest.windows import cover_of

RESTORES = {"load_state_dict", "deepcopy", "copy_"}
WHY = {
    "validation-pretraining": "updates the model with validation tokens that no score precedes, before it is exported and scored (C3)",
    "score-after-update": "the score that counts is taken when the model has already been updated with the same tokens (C3)",
    "scored-window-fit": "fits parameters to the window that it then scores, its scored targets inside the loss (C1, C3)",
    "two-pass": "a pass that learns from the split comes before the pass that scores it (C1, C4)",
    "rescoring": "a later pass scores again, with the adapted model, what was scored first (C4)",
    "validation-calibration": "collects the statistics of quantisation from validation tokens",
    "warm-up-leak": "a warm-up takes optimiser steps on validation tokens before they are scored: a concern without a ruling",
    "context-only-fit": "fits parameters to tokens that look already scored, before it scores others: a form without a ruling",
}


def findings(case: Case) -> list[ReviewFinding]:
    """Return the findings of the family."""
    turns = _Turns(case)
    return case.by_events(turns.updates) + case.by_events(_calibrations)


class _Turns:
    """Tells loops over data from loops that repeat them."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self._of_bytes: dict[Function, bool] = {}

    def updates(self, events: Sequence[DataEvent], reach: Reach) -> Iterator[Mark]:
        """Yield a mark for each update from validation data that is not legal."""
        scores = [(place, event) for place, event in enumerate(events) if event.kind == SCORE and event.of_validation]
        counted = [(place, event) for place, event in scores if self._is_counted(event, [other for _, other in scores])]
        for place, update in enumerate(events):
            if update.kind != UPDATE or not update.of_validation:
                continue
            before = [score for at, score in counted if at < place]
            after = [score for at, score in counted if at > place]
            if any(self._precedes(score, update, reach) for score in before):
                yield from self._rescoring(update, after)
                continue
            rule = self._rule(update, before, after, any(event.kind == EXPORT for event in events[place:]), reach)
            weight: Weight = "disputed" if rule in ("warm-up-leak", "context-only-fit") else "violation"
            yield Mark(rule, weight, [update.node, *update.calls], WHY[rule])

    def _rescoring(self, update: DataEvent, after: Sequence[DataEvent]) -> Iterator[Mark]:
        """Yield a mark if a call after a legal loop scores again with the same model, which nothing has restored."""
        home = self.case.program.function_of(update.node)
        words = {node.attr for node in home.nodes if isinstance(node, ast.Attribute)} if home else set()
        if home is None or RESTORES & words or "lora" in home.name.lower():
            return
        for score in after:
            first, second = next(
                ((one, other) for one, other in zip(update.calls, score.calls, strict=False) if one is not other), (None, None)
            )
            if not isinstance(first, ast.Call) or not isinstance(second, ast.Call):
                continue
            follows = first.lineno < second.lineno and not self.case.program.exclude_each_other(first, second)
            if follows and _models(first) & _models(second) and not self._restored_between(first, second):
                yield Mark("rescoring", "violation", [second, score.node, update.node, *update.calls], WHY["rescoring"])
                return

    def _restored_between(self, first: ast.Call, second: ast.Call) -> bool:
        """Return whether weights are loaded between two calls of one function."""
        function = self.case.program.function_of(first)
        return function is None or any(
            isinstance(node, ast.Attribute) and node.attr in RESTORES and first.lineno < node.lineno < second.lineno
            for node in function.nodes
        )

    def _is_counted(self, score: DataEvent, scores: Sequence[DataEvent]) -> bool:
        """Return whether a sum of losses is a score: bytes are counted beside it, in the same function.

        Where names say nothing, it is if it is summed without gradients.
        """
        if score.detail == "bytes":
            return False
        home = self.case.program.function_of(score.node)
        if score.detail == QUIET and home is not None and home.is_minified:
            return True
        bytes_counted = [other for other in scores if other.detail == "bytes" and _shared(other, score)]
        depth = len(score.calls)
        return self._names_bytes(home) or any(
            self.case.program.function_of(other.node) is home or (other.calls[:depth] == score.calls and len(other.calls) <= depth + 1)
            for other in bytes_counted
        )

    def _names_bytes(self, home: Function | None) -> bool:
        """Return whether a function, not the script's main one, names a number of bytes."""
        if home is None or not isinstance(home.node, ast.FunctionDef) or home.name == "main":
            return False
        if home not in self._of_bytes:
            self._of_bytes[home] = any(BYTE_COUNT_NAME.search(name) for name in home.words)
        return self._of_bytes[home]

    def _precedes(self, score: DataEvent, update: DataEvent, reach: Reach) -> bool:
        """Return whether a score comes before an update in each turn of a loop over the data, and no loop repeats both."""
        shared = _shared(score, update)
        first, second = next(((one, other) for one, other in zip(_path(score), _path(update), strict=False) if one is not other))
        if self.case.program.leaves_before(first, second) or self.case.program.exclude_each_other(first, second):
            return False
        return bool(shared) and self._over_data(shared, score) and not any(self._repeats(loop, score, reach) for loop in shared)

    def _over_data(self, shared: Sequence[Loop], score: DataEvent) -> bool:
        """Return whether one of the loops goes through the data of a score."""
        return any(not loop.counts or loop.label in score.labels for loop in shared) or not any(
            loop.label in score.labels for loop in score.loops
        )

    def _repeats(self, loop: Loop, score: DataEvent, reach: Reach) -> bool:
        """Return whether a loop goes over the same data again: its variable does not say which, a loop inside it does."""
        if not loop.counts or loop.label in score.labels:
            return False
        inner = score.loops[score.loops.index(loop) + 1 :]
        if not any(other.label in score.labels for other in inner):
            return False
        return self._turns(loop, reach) != 1

    def _turns(self, loop: Loop, reach: Reach) -> object:
        over = getattr(loop.node, "iter", None)
        if isinstance(over, ast.Call) and isinstance(over.func, ast.Name) and over.func.id == "range" and len(over.args) == 1:
            function = self.case.program.function_of(loop.node)
            if function is not None:
                value = reach.settings.value(over.args[0], function, {})
                return value.value if value.known else None
        return None

    def _rule(self, update: DataEvent, before: Sequence[DataEvent], after: Sequence[DataEvent], exported: bool, reach: Reach) -> str:
        """Return which rule an update breaks."""
        if self._is_warm_up(update):
            return "warm-up-leak"
        for score in [*after, *before]:
            shared = _shared(score, update)
            if any(self._repeats(loop, score, reach) for loop in shared):
                return "score-after-update"
        for score in after:
            shared = _shared(score, update)
            if shared and self._over_data(shared, score):
                return "context-only-fit" if self._is_of_earlier(update, score) else "scored-window-fit"
        if exported or not after:
            return "validation-pretraining"
        return "two-pass"

    def _is_warm_up(self, update: DataEvent) -> bool:
        functions = [self.case.program.function_of(node) for node in (update.node, *update.calls)]
        return any(function is not None and WARM_UP_NAME.search(function.name) for function in functions)

    def _is_of_earlier(self, update: DataEvent, score: DataEvent) -> bool:
        """Return whether an update learns from tokens before those that are scored, by their places or by what they are called."""
        cover, names = cover_of(self.case.program, update.node, score.node)
        return cover == "earlier" or (cover == "unknown" and any(EARLIER_NAME.search(name) for name in names))


def _path(event: DataEvent) -> tuple[ast.AST, ...]:
    """Return the calls that lead to an event, and its place."""
    return (*event.calls, event.node)


def _models(call: ast.Call) -> set[str]:
    """Return the names of models among the arguments of a call."""
    given = [*call.args, *(item.value for item in call.keywords)]
    return {node.id for node in given if isinstance(node, ast.Name) and re.search(r"model|net$", node.id)}


def _shared(one: DataEvent, other: DataEvent) -> tuple[Loop, ...]:
    """Return the loops, outermost first, that two events stand in together: of the same calls."""
    shared = []
    for loop, second in zip(one.loops, other.loops, strict=False):
        if loop != second:
            break
        shared.append(loop)
    return tuple(shared)


def _calibrations(events: Sequence[DataEvent], reach: Reach) -> Iterable[Mark]:
    """Yield a mark for each collection of statistics from validation data."""
    for event in events:
        if event.kind == COLLECT and event.of_validation:
            yield Mark("validation-calibration", "violation", [event.node, *event.calls], WHY["validation-calibration"])
