"""Protocol `streaming`: a rolling cache of keys and values, by which each token is forwarded once.

Pieces of `score.stride` tokens see themselves and what is cached of the `score.window` − `score.stride` before them: no
more than a sliding window holds, but each as it was computed in sight of its own past. Through the layers a score
therefore knows of more text than a window's, and another stride is another protocol: where pieces end decides who sees whom.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from bytegolf.model.stream import Stream
from bytegolf.scoring.passes import Reading, Stage
from bytegolf.scoring.windows import Window, streaming_windows


def streaming_stages(reading: Reading) -> Iterator[Stage]:
    """Yield a stage for each piece, which needs the cache that the one before has filled."""
    stream = Stream(reading.model, reach=reading.config.window - reading.config.stride)
    for piece in streaming_windows(reading.targets, reading.config):
        yield [StreamingPass(reading, stream, piece)]


@dataclass(frozen=True)
class StreamingPass:
    """The pass over a piece, which is made once: the stream goes on behind it."""

    reading: Reading
    stream: Stream
    piece: Window

    @property
    def first(self) -> int:
        """The first target that is scored."""
        return self.piece.first

    @property
    def scored(self) -> int:
        """Return how many targets are scored."""
        return self.piece.scored

    def nats(self) -> Tensor:
        """Return the nats of the targets, (1, targets)."""
        return self.stream.nats(self._rows(0), self._rows(1))

    def logits(self) -> Tensor:
        """Return the logits of the targets, (1, targets, V)."""
        return self.stream.logits(self._rows(0))

    def _rows(self, ahead: int) -> Tensor:
        return self.reading.rows([slice(self.piece.start + ahead, self.piece.stop + ahead)])
