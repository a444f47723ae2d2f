"""Text scored in exact arithmetic, by the windows of a protocol: what a proof claims and codes."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby, islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bytegolf.arrays import Doubles, TokenSequence
from bytegolf.config import ExpertsConfig, ScoreConfig
from bytegolf.exact.model import ExactModel
from bytegolf.exact.output import integer_probabilities
from bytegolf.exact.reader import Reader, read_windows
from bytegolf.experts.experts import Experts
from bytegolf.names import ProvableName
from bytegolf.scoring.ledger import Ledger, Score
from bytegolf.scoring.mixing import ScoredTargets, TargetRows, improved
from bytegolf.scoring.windows import AFRESH, WINDOWS, Window

ReadWindows = Callable[[NDArray[np.int64], int], Doubles]  # windows (B, T), how many last positions n -> hidden states (B, n, D)

POSITIONS_AT_ONCE = 1 << 13  # of windows that are read side by side
FREQUENCIES_AT_ONCE = 1 << 21  # held at once


class TargetStates(NamedTuple):
    """The hidden states that predict the targets `first`, `first` + 1, …, (n, D)."""

    first: int
    hidden: Doubles


def score_exactly(
    model: ExactModel,
    tokens: TokenSequence,
    num_bytes: int,
    protocol: ProvableName,
    config: ScoreConfig,
    advance: Callable[[int], None] = lambda _: None,
    *,
    experts: ExpertsConfig | None = None,
    read: ReadWindows | None = None,
) -> Score:
    """Score all of `tokens` after the first, which stand for `num_bytes` bytes; any machine finds the same.

    `advance` is told how many more targets were scored. Windows that begin afresh can be `read` by the same model elsewhere.
    """
    ledger = Ledger(protocol, len(tokens) - 1, num_bytes)
    states = exact_states(model, tokens, protocol, config, read)
    for scored in _mixed(model, states, tokens, experts) if experts else _alone(model, states, tokens):
        advance(scored.recorded(ledger))
    return replace(ledger.close(), exact=True)


def exact_rows(model: ExactModel, tokens: TokenSequence, protocol: ProvableName, config: ScoreConfig) -> Iterator[TargetRows]:
    """Yield the distributions of all targets of a text, in order."""
    return _rows(model, exact_states(model, tokens, protocol, config))


def exact_states(
    model: ExactModel, tokens: TokenSequence, protocol: ProvableName, config: ScoreConfig, read: ReadWindows | None = None
) -> Iterator[TargetStates]:
    """Yield the states of all targets of a text, in order: windows of one shape side by side, or each behind the one before."""
    windows = WINDOWS[protocol](len(tokens) - 1, config)
    if protocol == "streaming":
        return _in_turn(model, tokens, config, windows)
    return _side_by_side(read or partial(read_windows, model), tokens, windows)


def reader_of(model: ExactModel, config: ScoreConfig, window: Window, before: Reader | None) -> Reader:
    """Return what reads a window of a text: a new reader, or the one that read the windows `before`, with what is kept in sight."""
    if before is None or window.kept == AFRESH:
        return Reader(model, texts=1, positions=config.window)
    before.forget(before.length - window.kept)
    return before


def _in_turn(model: ExactModel, tokens: TokenSequence, config: ScoreConfig, windows: Iterable[Window]) -> Iterator[TargetStates]:
    reader = None
    for window in windows:
        reader = reader_of(model, config, window, reader)
        yield TargetStates(window.first, reader.hidden(_inputs(tokens, [window]), window.scored)[0])


def _side_by_side(read: ReadWindows, tokens: TokenSequence, windows: Iterable[Window]) -> Iterator[TargetStates]:
    for (length, scored, _), run in groupby(windows, key=lambda window: window.shape):
        while together := list(islice(run, max(1, POSITIONS_AT_ONCE // length))):
            hidden_BnD = read(_inputs(tokens, together), scored)
            yield TargetStates(together[0].first, hidden_BnD.reshape(-1, hidden_BnD.shape[-1]))


def _alone(model: ExactModel, states: Iterable[TargetStates], tokens: TokenSequence) -> Iterator[ScoredTargets]:
    """Yield the nats of targets by the model alone, for which no distribution has to be written down."""
    for first, hidden_nD in states:
        yield ScoredTargets(first, model.nats(hidden_nD, tokens[first + 1 : first + 1 + len(hidden_nD)]))


def _mixed(model: ExactModel, states: Iterable[TargetStates], tokens: TokenSequence, experts: ExpertsConfig) -> Iterator[ScoredTargets]:
    """Yield the nats of targets by the model and its experts."""
    return improved(_rows(model, states), tokens, Experts(experts, model.config.vocab_size))


def _rows(model: ExactModel, states: Iterable[TargetStates]) -> Iterator[TargetRows]:
    step = max(1, FREQUENCIES_AT_ONCE // model.config.vocab_size)
    for first, hidden_nD in states:
        for start in range(0, len(hidden_nD), step):
            yield TargetRows(first + start, integer_probabilities(model.logits(hidden_nD[start : start + step])))


def _inputs(tokens: TokenSequence, windows: Sequence[Window]) -> NDArray[np.int64]:
    return np.stack([tokens[window.start : window.stop] for window in windows]).astype(np.int64)
