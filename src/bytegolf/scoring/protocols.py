"""The protocols: how held-out text is put before a model. Whichever it is, the books are kept here.

A stream of n + 1 tokens has n targets, target i being token i + 1; the first token is given.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import get_args

import torch

from bytegolf.config import ScoreConfig, TttConfig
from bytegolf.errors import InputError
from bytegolf.model.gpt import GPT
from bytegolf.names import ProtocolName
from bytegolf.runtime.parallel import ALONE, Group
from bytegolf.scoring.ledger import Ledger, Score
from bytegolf.scoring.nats import Costs, Tokens
from bytegolf.scoring.streaming import streaming_costs
from bytegolf.scoring.test_time_training import adapting_costs
from bytegolf.scoring.windows import sliding_costs, standard_costs

PROTOCOLS: tuple[ProtocolName, ...] = get_args(ProtocolName)
TTT_DEFAULTS = TttConfig()


def score_tokens(
    model: GPT,
    tokens: Tokens,
    num_bytes: int,
    protocol: ProtocolName,
    config: ScoreConfig,
    advance: Callable[[int], None] = lambda _: None,
    *,
    ttt: TttConfig = TTT_DEFAULTS,
    group: Group = ALONE,
) -> Score:
    """Score all of `tokens` after the first, which stand for `num_bytes` bytes. Only `ttt` shares its work with `group`.

    Raises InputError for a model whose costs are no numbers.
    """
    ledger = Ledger(protocol, len(tokens) - 1, num_bytes)
    was_training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            for first, nats in _costs(model, tokens, protocol, config, ttt, group):
                if not nats.isfinite().all():
                    why = "its training diverged" if protocol != "ttt" else "its training diverged, or ttt.lr is too high"
                    raise InputError(f"model: expected finite scores, found others from token {first} on; {why}")
                ledger.record(first, nats.double() / math.log(2))
                advance(nats.numel())
    finally:
        model.train(was_training)
    return replace(ledger.close(), ttt=ttt.model_dump(exclude={"enabled"}) if protocol == "ttt" else None)


def _costs(model: GPT, tokens: Tokens, protocol: ProtocolName, config: ScoreConfig, ttt: TttConfig, group: Group) -> Iterator[Costs]:
    match protocol:
        case "standard":
            return standard_costs(model, tokens, config)
        case "sliding":
            return sliding_costs(model, tokens, config)
        case "streaming":
            return streaming_costs(model, tokens, config)
        case "ttt":
            return adapting_costs(model, tokens, config, ttt, group)
