"""The protocols by name, and the score of a text by one of them.

A protocol is how held-out text is put before a model: a function in a module of its own that yields stages of passes (see
`bytegolf.scoring.passes`). Whichever it is, the ledger sees every target once and in order.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain, islice
from typing import NamedTuple, get_args

import torch
from torch import Tensor

from bytegolf.config import ScoreConfig, TttConfig
from bytegolf.errors import InputError
from bytegolf.model.gpt import GPT
from bytegolf.names import ProtocolName
from bytegolf.runtime.parallel import ALONE, Group
from bytegolf.scoring.ledger import Ledger, Score
from bytegolf.scoring.passes import Pass, Reading, Stage, TokenSequence
from bytegolf.scoring.streaming import streaming_stages
from bytegolf.scoring.test_time_training import adapting_stages, mention_idle_chunks
from bytegolf.scoring.windows import sliding_stages, standard_stages, windows_at_once

STAGES: dict[ProtocolName, Callable[[Reading], Iterator[Stage]]] = {
    "standard": standard_stages,
    "sliding": sliding_stages,
    "streaming": streaming_stages,
    "ttt": adapting_stages,
}
PROTOCOLS: tuple[ProtocolName, ...] = get_args(ProtocolName)  # in the order of their numbers in proof files
TTT_DEFAULTS = TttConfig()


class ScoredTargets(NamedTuple):
    """Nats of the targets `first`, `first` + 1, …, in any shape."""

    first: int
    nats: Tensor


def passes(protocol: ProtocolName, reading: Reading) -> Iterator[Pass]:
    """Yield the passes of a protocol, one after the other. Ask for the next only when all targets of the one before are known."""
    return chain.from_iterable(STAGES[protocol](reading))


def score_tokens(
    model: GPT,
    tokens: TokenSequence,
    num_bytes: int,
    protocol: ProtocolName,
    config: ScoreConfig,
    advance: Callable[[int], None] = lambda _: None,
    *,
    ttt: TttConfig = TTT_DEFAULTS,
    group: Group = ALONE,
) -> Score:
    """Score all of `tokens` after the first, which stand for `num_bytes` bytes.

    `advance` is told how many more targets were scored. The processes of `group`, which make the same call, share the work of
    `ttt`; the other protocols are scored by each alone. Raises InputError for a model whose nats are no numbers.
    """
    learns = protocol == "ttt"
    reading = Reading(model, tokens, config, ttt, windows_at_once(config), group if learns else ALONE)
    if learns:
        mention_idle_chunks(reading)
    ledger = Ledger(protocol, reading.targets, num_bytes)
    with _evaluating(model), torch.inference_mode():
        for stage in STAGES[protocol](reading):
            for first, nats in _scored(stage, reading.group):
                if not nats.isfinite().all():
                    why = "its training diverged, or ttt.lr is too high" if learns else "its training diverged"
                    raise InputError(f"model: expected finite scores, found NaN or infinity from token {first} on; {why}")
                ledger.record(first, nats.double() / math.log(2))
                advance(nats.numel())
    return replace(ledger.close(), ttt=ttt.model_dump(exclude={"enabled"}) if learns else None)


def _scored(stage: Stage, group: Group) -> Iterator[ScoredTargets]:
    """Yield the nats of a stage's passes, in order. Each process of `group` makes one pass at a time, and all get all nats."""
    remaining = iter(stage)
    while together := list(islice(remaining, group.size)):
        if group.size == 1:
            yield ScoredTargets(together[0].first, together[0].nats())
            continue
        sizes = [forward.scored for forward in together]
        joint = next(together[0].model.parameters()).new_zeros(sum(sizes))
        parts = joint.split(sizes)
        for i in group.share(range(len(together))):
            parts[i].copy_(together[i].nats().flatten())
        group.sum_(joint)
        yield from (ScoredTargets(forward.first, part) for forward, part in zip(together, parts, strict=True))


@contextmanager
def _evaluating(model: GPT) -> Iterator[None]:
    """Put a model in evaluation mode in this context."""
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)
