"""The protocols: how held-out text is put before a model. Whichever it is, the books are kept here.

A stream of n + 1 tokens has n targets, target i being token i + 1; the first token is given.
"""

import math
from collections.abc import Callable, Iterator
from typing import Literal

import torch

from bytegolf.config import ScoreConfig
from bytegolf.errors import InputError
from bytegolf.model.gpt import GPT
from bytegolf.score.costs import Costs, Tokens
from bytegolf.score.ledger import Ledger, Score
from bytegolf.score.streaming import streaming_costs
from bytegolf.score.windows import sliding_costs, standard_costs

ProtocolName = Literal["standard", "sliding", "streaming"]

PROTOCOLS: dict[ProtocolName, Callable[[GPT, Tokens, ScoreConfig], Iterator[Costs]]] = {
    "standard": standard_costs,
    "sliding": sliding_costs,
    "streaming": streaming_costs,
}


def score_tokens(
    model: GPT,
    tokens: Tokens,
    num_bytes: int,
    protocol: ProtocolName,
    config: ScoreConfig,
    advance: Callable[[int], None] = lambda _: None,
) -> Score:
    """Score all of `tokens` after the first, which stand for `num_bytes` bytes.

    Raises InputError for a model whose costs are no numbers.
    """
    ledger = Ledger(protocol, len(tokens) - 1, num_bytes)
    was_training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            for first, nats in PROTOCOLS[protocol](model, tokens, config):
                if not nats.isfinite().all():
                    raise InputError(f"model: expected finite scores, found others from token {first} on; its training diverged")
                ledger.record(first, nats.double() / math.log(2))
                advance(nats.numel())
    finally:
        model.train(was_training)
    return ledger.close()
