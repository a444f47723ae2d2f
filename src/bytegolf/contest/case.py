"""A script under review: what it reaches by default, as it was run, and at all."""

import ast
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property

from bytegolf.contest.events import DataEvent
from bytegolf.contest.evidence import DEAD, DEFAULT, Mark, ReviewFinding
from bytegolf.contest.flow import Flow
from bytegolf.contest.functions import Function
from bytegolf.contest.outcomes import Outcomes
from bytegolf.contest.program import Program
from bytegolf.contest.reach import Reach
from bytegolf.contest.switches import SOMETIMES, Settings

TRIED_VALUES = ("1", "0", "true", "2")
MAX_TRIALS = 12
MIN_PRINTED = 9  # characters of a text by which a function is recognised in a log


class Case:
    """A program with three walks through it.

    `variables` and `attributes` are the settings that stand beside the script: see `Settings`. `printed` is what its runs
    printed.
    """

    def __init__(self, program: Program, variables: Mapping[str, str], attributes: Mapping[str, object], printed: str = "") -> None:
        self.printed = printed
        self.program, self.variables, self.attributes = program, variables, attributes
        self.default = Reach(program, Settings(program))
        self.as_run = Reach(program, Settings(program, variables, attributes)) if variables or attributes else self.default
        self.possible = Reach(program, Settings(program, undecided=True))
        self._events: dict[Reach, list[DataEvent]] = {}
        self._switch_names: dict[object, tuple[str, Reach | None]] = {}
        self._trials: dict[str, Reach] = {}

    def events(self, reach: Reach) -> list[DataEvent]:
        """Return the events of a walk, in order."""
        if reach not in self._events:
            self._events[reach] = Flow(self.program, reach).events()
        return self._events[reach]

    @cached_property
    def outcomes(self) -> Outcomes:
        """How well the tokens to be scored were predicted, followed through the program."""
        return Outcomes(self.program)

    def by_events(self, rule: Callable[[Sequence[DataEvent], Reach], Iterable[Mark]]) -> list[ReviewFinding]:
        """Return what a rule finds in the order of events by default, as run, and at all."""
        found: dict[tuple[str, int], ReviewFinding] = {}
        for reach in dict.fromkeys((self.default, self.as_run, self.possible)):
            for mark in rule(self.events(reach), reach):
                found.setdefault((mark.rule, id(mark.nodes[0])), self.finding(mark, reach))
        return list(found.values())

    def by_code(self, marks: Iterable[Mark]) -> list[ReviewFinding]:
        """Return findings for what a rule says of places in the code."""
        found: dict[tuple[str, int], ReviewFinding] = {}
        for mark in marks:
            reach = next((reach for reach in (self.default, self.as_run, self.possible) if self._has(reach, mark)), None)
            finding = self.finding(mark, reach)
            key = (mark.rule, id(mark.nodes[0]))
            if key not in found or (finding.on and not found[key].on):
                found[key] = finding
        return list(found.values())

    def _has(self, reach: Reach, mark: Mark) -> bool:
        return reach.has(*self._nodes(mark))

    def _nodes(self, mark: Mark) -> list[ast.AST]:
        return [node for node in mark.nodes if isinstance(node, ast.AST)]

    def finding(self, mark: Mark, reach: Reach | None) -> ReviewFinding:
        """Return the finding of a mark, which a walk reaches or none does."""
        place = self._nodes(mark)[0]
        function = self.program.function_of(place)
        source = function.source if function else self.program.sources[0]
        line = getattr(place, "lineno", 0)
        reached, on = self._reached(mark, reach)
        return ReviewFinding(mark.rule, mark.weight, source.name, line, source.line(line), reached, on, mark.why)

    def _reached(self, mark: Mark, reach: Reach | None) -> tuple[str, bool]:
        """Return how a mark is reached, and whether it was on in the run."""
        if reach is self.default:
            return DEFAULT, True
        if reach is None:
            return DEAD, False
        nodes = self._nodes(mark)
        asked = self.possible.switches(*nodes)
        if reach is self.as_run:
            return f"switch {self._as_run(nodes, asked)}", True
        told, under = self._switch(nodes, asked)
        if under is not None and any(name.lower() in self.attributes for name in under.settings.variables):
            return told, False  # a log says how that switch stood
        return told, self._has_printed(nodes, under)

    def constant(self, name: str) -> object:
        """Return the first value that a setting is given as run, None if none is known."""
        for expression, home in self.program.attributes.get(name, []):
            value = self.as_run.settings.value(expression, home, {})
            if value.known:
                return value.value
        return None

    def _has_printed(self, nodes: Sequence[ast.AST], under: Reach | None) -> bool:
        """Return whether the logs hold a text that the run prints only if it reaches nodes: where they stand, or on the way."""
        if not self.printed:
            return False
        own = self.program.function_of(nodes[0])
        there = set().union(*(_texts(self.program, function, under.reached) for function in under.functions)) if under else set()
        if own is not None and own.name and own not in self.as_run.functions:
            there |= _texts(self.program, own)
        common = "\n".join(text for function in self.as_run.functions for text in _texts(self.program, function, self.as_run.reached))
        return any(text in self.printed and text not in common for text in there)

    def _as_run(self, nodes: Sequence[ast.AST], asked: frozenset[str]) -> str:
        """Return the settings of the run that reach nodes: one if one is enough."""
        given = {name: value for name, value in self.variables.items() if name in asked}
        given |= {name.upper(): str(value) for name, value in self.attributes.items() if name.upper() in asked}  # logs know best
        for name, value in given.items():
            if self._reaches({name: _as_text(value)}, nodes):
                return _told(name, value)
        return " ".join(_told(name, value) for name, value in sorted(given.items())) or "as run"

    def _reaches(self, trial: Mapping[str, str], nodes: Sequence[ast.AST]) -> bool:
        """Return whether settings reach nodes; no, once that has been asked too often."""
        key = repr(sorted(trial.items()))
        if key not in self._trials:
            if len(self._trials) >= MAX_TRIALS:
                return False
            self._trials[key] = Reach(self.program, Settings(self.program, trial))
        return self._trials[key].has(*nodes)

    def _switch(self, nodes: Sequence[ast.AST], asked: frozenset[str]) -> tuple[str, Reach | None]:
        """Return the setting of one switch that reaches nodes, or of as few as are found, and the walk under it."""
        key = (tuple(id(self.program.statement(node)) for node in nodes), asked)
        if key not in self._switch_names:
            self._switch_names[key] = self._search(nodes, sorted(asked))
        return self._switch_names[key]

    def _search(self, nodes: Sequence[ast.AST], asked: Sequence[str]) -> tuple[str, Reach | None]:
        trials = [{name: value} for name in asked for value in TRIED_VALUES[:2]]
        trials += [dict.fromkeys(asked, value) for value in TRIED_VALUES] + [{name: value} for name in asked for value in TRIED_VALUES[2:]]
        for trial in trials:
            if self._reaches(trial, nodes):
                return "switch " + " ".join(f"{name}={value}" for name, value in trial.items()), self._trials[repr(sorted(trial.items()))]
        return f"switch {' '.join(f'{name}=?' for name in asked) or 'unknown'}", None


def _texts(program: Program, function: Function, reached: set[int] | None = None) -> set[str]:
    """Return the texts by which a function, or what of it is reached, can be told in a log: constants in its calls and f-strings."""
    return {
        node.value.strip()
        for node in function.nodes
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and len(node.value.strip()) >= MIN_PRINTED
        and isinstance(program.around.get(id(node)), ast.JoinedStr | ast.Call)
        and (reached is None or id(program.statement(node)) in reached)
    }


def _told(name: str, value: str) -> str:
    """Return a setting as a command gives it."""
    value = _as_text(value).removeprefix(SOMETIMES)
    return f"{name}={value}" if value else name


def _as_text(value: str) -> str:
    """Return a logged setting as a variable would give it."""
    return {"True": "1", "False": "0"}.get(value, value)
