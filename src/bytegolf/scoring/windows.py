"""The protocols, as the windows in which a text is read. Scoring and coding read the same ones, whatever computes the model.

A text of n + 1 tokens has n targets, target i being token i + 1; the first token is given. A window reads tokens and scores some
targets, each from nothing but the tokens before it that are in sight. Protocol `ttt` reads the windows of `sliding`.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from bytegolf.config import ScoreConfig
from bytegolf.names import ProtocolName

AFRESH = -1


class Window(NamedTuple):
    """The tokens [start, stop) are read, and the targets [first, stop) scored.

    `kept` of the positions that were read before stay in sight; of a window that begins AFRESH, not even the neighbours are known.
    """

    start: int
    first: int
    stop: int
    kept: int = AFRESH

    @property
    def scored(self) -> int:
        """Number of targets that are scored."""
        return self.stop - self.first

    @property
    def shape(self) -> tuple[int, int, int]:
        """What windows have in common that can be read side by side."""
        return self.stop - self.start, self.scored, self.kept


def standard_windows(targets: int, config: ScoreConfig) -> Iterator[Window]:
    """Yield windows that score each of `targets` once, one after the other, the last one shorter."""
    for start in range(0, targets, config.window):
        yield Window(start, start, min(start + config.window, targets))


def sliding_windows(targets: int, config: ScoreConfig) -> Iterator[Window]:
    """Yield windows that score each of `targets` once, each `stride` further than the one before and scoring what is new.

    The last one is anchored at the end, so that all have one shape.
    """
    stop = min(config.window, targets)
    yield Window(0, 0, stop)
    while stop < targets:
        first, stop = stop, min(stop + config.stride, targets)
        yield Window(stop - config.window, first, stop)


def streaming_windows(targets: int, config: ScoreConfig) -> Iterator[Window]:
    """Yield pieces of `stride` tokens, each read once. With what is kept of the tokens before, no more are in sight than `window`."""
    for first in range(0, targets, config.stride):
        yield Window(first, first, min(first + config.stride, targets), min(first, config.window - config.stride) if first else AFRESH)


def pieces(document: range, config: ScoreConfig) -> Iterator[Window]:
    """Yield windows that score each of a document's targets once, `stride` at a time.

    Where a window begins does not depend on where its document ends, which would be to look ahead.
    """
    for first in range(document.start, document.stop, config.stride):
        yield Window(max(0, first + config.stride - config.window), first, min(first + config.stride, document.stop))


WINDOWS: dict[ProtocolName, Callable[[int, ScoreConfig], Iterator[Window]]] = {
    "standard": standard_windows,
    "sliding": sliding_windows,
    "streaming": streaming_windows,
    "ttt": sliding_windows,
}
