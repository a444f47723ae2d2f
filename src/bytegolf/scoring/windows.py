"""Protocols with windows of fixed length: `standard` and `sliding`.

A window reads tokens [start, stop) and scores its last `scored` targets, each from nothing but the tokens before it in
the window. Windows of one shape go through the model together.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from typing import NamedTuple

from torch import Tensor

from bytegolf.config import ScoreConfig
from bytegolf.model.gpt import GPT
from bytegolf.scoring.compiled import CompiledScorer
from bytegolf.scoring.passes import Reading, Stage


class Window(NamedTuple):
    """The tokens that a target is predicted from, and which targets are."""

    start: int
    stop: int
    scored: int

    @property
    def first(self) -> int:
        """The first target that is scored."""
        return self.stop - self.scored


def standard_windows(targets: int, length: int) -> Iterator[Window]:
    """Yield windows that score each of `targets` once, one after the other, the last one shorter."""
    for start in range(0, targets, length):
        stop = min(start + length, targets)
        yield Window(start, stop, stop - start)


def sliding_windows(targets: int, length: int, stride: int) -> Iterator[Window]:
    """Yield windows that score each of `targets` once, each `stride` further than the one before and scoring what is new.

    The last one is anchored at the end, so that all have one shape.
    """
    stop = min(length, targets)
    yield Window(0, stop, stop)
    while stop < targets:
        scored = min(stride, targets - stop)
        stop += scored
        yield Window(stop - length, stop, scored)


def windows_at_once(config: ScoreConfig) -> int:
    """Return how many windows go through the model together."""
    return max(1, config.batch_tokens // config.window)


def standard_stages(reading: Reading) -> Iterator[Stage]:
    """Yield the one stage of protocol `standard`."""
    length = reading.config.window
    yield WindowPasses(reading, reading.model, stride=length).over(standard_windows(reading.targets, length))


def sliding_stages(reading: Reading) -> Iterator[Stage]:
    """Yield the one stage of protocol `sliding`."""
    length, stride = reading.config.window, reading.config.stride
    yield WindowPasses(reading, reading.model, stride).over(sliding_windows(reading.targets, length, stride))


@dataclass(frozen=True)
class WindowPass:
    """One pass over neighbouring windows of one shape."""

    reading: Reading
    scorer: CompiledScorer
    windows: Sequence[Window]

    @property
    def first(self) -> int:
        """The first target that is scored."""
        return self.windows[0].first

    @property
    def scored(self) -> int:
        """Return how many targets are scored."""
        return sum(window.scored for window in self.windows)

    @property
    def model(self) -> GPT:
        """The model that reads."""
        return self.scorer.model

    def hidden(self) -> Tensor:
        """Return the hidden states that predict the targets, (windows, targets of each, D)."""
        return self.model.hidden(self._inputs(), self.windows[0].scored)

    def nats(self) -> Tensor:
        """Return the nats of the targets, (windows, targets of each)."""
        targets = self.reading.rows([slice(window.first + 1, window.stop + 1) for window in self.windows])
        return self.scorer.nats(self._inputs(), targets)

    def _inputs(self) -> Tensor:
        return self.reading.rows([slice(window.start, window.stop) for window in self.windows])


class WindowPasses:
    """Makes passes of windows that `model` reads, most of which are `stride` apart."""

    def __init__(self, reading: Reading, model: GPT, stride: int) -> None:
        self.reading = reading
        forwarded_tokens = len(reading.tokens) * reading.config.window // stride
        self.scorer = CompiledScorer(model, forwarded_tokens, most=(reading.windows_per_pass, stride))

    def over(self, windows: Iterable[Window]) -> Iterator[WindowPass]:
        """Yield passes over runs of windows of one shape, `windows_per_pass` at most."""
        for _, run in groupby(windows, key=lambda window: (window.stop - window.start, window.scored)):
            while together := list(islice(run, self.reading.windows_per_pass)):
                yield WindowPass(self.reading, self.scorer, together)
