"""Protocol `streaming`: a rolling cache of keys and values, by which each token is forwarded once.

Pieces of `score.stride` tokens see themselves and what is cached of the `score.window` − `score.stride` before them: no
more than a sliding window holds, but each as it was computed in sight of its own past. Through the layers a score
therefore knows of more text than a window's, and another stride is another protocol: where pieces end decides who sees whom.
"""

from collections.abc import Iterator
from copy import copy

from torch import Tensor

from bytegolf.model.gpt import GPT
from bytegolf.model.stream import Stream
from bytegolf.scoring.passes import Reading, Stage


def streaming_stages(reading: Reading) -> Iterator[Stage]:
    """Yield a stage for each piece, which needs the cache that the one before has filled."""
    config = reading.config
    stream = Stream(reading.model, reach=config.window - config.stride)
    for first in range(0, reading.targets, config.stride):
        piece = StreamingPass(reading, stream, first, min(first + config.stride, reading.targets))
        yield [piece]
        stream = piece.accept()


class StreamingPass:
    """One pass over a piece, given what was read before it. It can be made again until all tokens of the piece are known."""

    def __init__(self, reading: Reading, before: Stream, first: int, stop: int) -> None:
        self.reading, self.before, self.first, self.stop = reading, before, first, stop
        self.after = before

    @property
    def scored(self) -> int:
        """Return how many targets are scored."""
        return self.stop - self.first

    @property
    def model(self) -> GPT:
        """Return the model that reads."""
        return self.reading.model

    def hidden(self) -> Tensor:
        """Return the hidden states that predict the targets, (1, targets, D). The stream before the piece stays as it was."""
        self.after = copy(self.before)
        self.after.caches = [copy(cache) for cache in self.before.caches]
        return self.after.hidden(self.reading.rows([slice(self.first, self.stop)]))

    def nats(self) -> Tensor:
        """Return the nats of the targets, (1, targets), all of which are known. The pass is made once and for all."""
        inputs, targets = self.reading.rows([slice(self.first, self.stop), slice(self.first + 1, self.stop + 1)]).unsqueeze(1)
        return self.before.nats(inputs, targets)

    def accept(self) -> Stream:
        """Return the stream behind the piece. The last attempt has read the true tokens: otherwise it would have been made again."""
        return self.after
