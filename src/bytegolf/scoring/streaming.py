"""Scoring with a rolling cache of keys and values: each token is forwarded once.

Pieces of `score.stride` tokens see themselves and what is cached of the `score.window` − `score.stride` before them: no
more than a sliding window holds, but each as it was computed in sight of its own past. Through the layers a score
therefore knows of more text than a window's, and another stride is another protocol: where pieces end decides who sees whom.
"""

from collections.abc import Iterator

from bytegolf.config import ScoreConfig
from bytegolf.model.gpt import GPT
from bytegolf.model.stream import Stream
from bytegolf.scoring.nats import Costs, Tokens, rows


def streaming_costs(model: GPT, tokens: Tokens, config: ScoreConfig) -> Iterator[Costs]:
    """Costs of all targets, piece after piece."""
    targets, device = len(tokens) - 1, next(model.parameters()).device
    stream = Stream(model, reach=config.window - config.stride)
    for first in range(0, targets, config.stride):
        stop = min(first + config.stride, targets)
        inputs, expected = rows(tokens, [slice(first, stop), slice(first + 1, stop + 1)], device).unsqueeze(1)
        yield Costs(first, stream.nats(inputs, expected))
