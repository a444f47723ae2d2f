"""Scoring with windows of fixed length: `standard` and `sliding`.

A window reads tokens [start, stop) and scores its last `scored` targets, each from nothing but the tokens before it in
the window.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from typing import NamedTuple

from bytegolf.config import ScoreConfig
from bytegolf.model.gpt import GPT
from bytegolf.score.compiling import Costing
from bytegolf.score.costs import Costs, Tokens, rows


class Window(NamedTuple):
    start: int
    stop: int
    scored: int


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
    return _costs(model, tokens, standard_windows(len(tokens) - 1, config.window), config, stride=config.window)


def sliding_costs(model: GPT, tokens: Tokens, config: ScoreConfig) -> Iterator[Costs]:
    return _costs(model, tokens, sliding_windows(len(tokens) - 1, config.window, config.stride), config, stride=config.stride)


def _costs(model: GPT, tokens: Tokens, windows: Iterable[Window], config: ScoreConfig, stride: int) -> Iterator[Costs]:
    device = next(model.parameters()).device
    size = max(1, config.batch_tokens // config.window)
    costing = Costing(model, len(tokens) * config.window // stride, whole=(size, stride))
    for batch in _batches(windows, size):
        inputs = rows(tokens, [slice(window.start, window.stop) for window in batch], device)
        targets = rows(tokens, [slice(window.stop - window.scored + 1, window.stop + 1) for window in batch], device)
        yield Costs(batch[0].stop - batch[0].scored, costing.nats(inputs, targets))


def _batches(windows: Iterable[Window], size: int) -> Iterator[list[Window]]:
    """Runs of windows of one shape, `size` at most."""
    for _, run in groupby(windows, key=lambda window: (window.stop - window.start, window.scored)):
        while batch := list(islice(run, size)):
            yield batch
