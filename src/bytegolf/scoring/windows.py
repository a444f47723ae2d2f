"""Scoring with windows of fixed length: `standard` and `sliding`.

A window reads tokens [start, stop) and scores its last `scored` targets, each from nothing but the tokens before it in
the window.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from typing import NamedTuple

from bytegolf.config import ScoreConfig
from bytegolf.model.gpt import GPT
from bytegolf.scoring.compiled import Costing
from bytegolf.scoring.nats import Costs, Tokens, rows


class Window(NamedTuple):
    start: int
    stop: int
    scored: int

    @property
    def first(self) -> int:
        """The first target that is scored."""
        return self.stop - self.scored


def standard_windows(targets: int, length: int) -> Iterator[Window]:
    """Windows that score each of `targets` once, one after the other, the last one shorter."""
    for start in range(0, targets, length):
        stop = min(start + length, targets)
        yield Window(start, stop, stop - start)


def sliding_windows(targets: int, length: int, stride: int) -> Iterator[Window]:
    """Windows that score each of `targets` once, each `stride` further than the one before and scoring what is new.

    The last one is anchored at the end, so that all have one shape.
    """
    stop = min(length, targets)
    yield Window(0, stop, stop)
    while stop < targets:
        scored = min(stride, targets - stop)
        stop += scored
        yield Window(stop - length, stop, scored)


def standard_costs(model: GPT, tokens: Tokens, config: ScoreConfig) -> Iterator[Costs]:
    scorer = WindowScorer(model, tokens, config, stride=config.window)
    return map(scorer.costs, scorer.batches(standard_windows(len(tokens) - 1, config.window)))


def sliding_costs(model: GPT, tokens: Tokens, config: ScoreConfig) -> Iterator[Costs]:
    scorer = WindowScorer(model, tokens, config, stride=config.stride)
    return map(scorer.costs, scorer.batches(sliding_windows(len(tokens) - 1, config.window, config.stride)))


class WindowScorer:
    """Scores windows of `tokens`, most of which are `stride` apart, in batches of one shape."""

    def __init__(self, model: GPT, tokens: Tokens, config: ScoreConfig, stride: int) -> None:
        self.tokens, self.device = tokens, next(model.parameters()).device
        self.size = max(1, config.batch_tokens // config.window)
        self.costing = Costing(model, len(tokens) * config.window // stride, whole=(self.size, stride))

    def batches(self, windows: Iterable[Window]) -> Iterator[list[Window]]:
        """Runs of windows of one shape, `size` at most."""
        for _, run in groupby(windows, key=lambda window: (window.stop - window.start, window.scored)):
            while batch := list(islice(run, self.size)):
                yield batch

    def costs(self, batch: list[Window]) -> Costs:
        """Nats (windows, scored) of what the windows of a batch score."""
        inputs = rows(self.tokens, [slice(window.start, window.stop) for window in batch], self.device)
        targets = rows(self.tokens, [slice(window.first + 1, window.stop + 1) for window in batch], self.device)
        return Costs(batch[0].first, self.costing.nats(inputs, targets))
