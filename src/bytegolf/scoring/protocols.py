"""The protocols by name, and the score of a text by one of them, by a model in torch.

A protocol is how held-out text is put before a model: a function in a module of its own that yields stages of passes (see
`bytegolf.scoring.passes`). Whichever it is, the ledger sees every target once and in order.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain, islice
from typing import get_args

import torch
from torch import Tensor

from bytegolf.arrays import Doubles, TokenSequence
from bytegolf.config import ExpertsConfig, LoraConfig, ScoreConfig, TttConfig
from bytegolf.errors import InputError
from bytegolf.exact.output import integer_probabilities
from bytegolf.experts.experts import Experts
from bytegolf.model.gpt import GPT
from bytegolf.names import ProtocolName
from bytegolf.runtime.parallel import ALONE, Group
from bytegolf.scoring.ledger import Ledger, Score
from bytegolf.scoring.low_rank_adaptation import low_rank_stages
from bytegolf.scoring.mixing import ScoredTargets, TargetRows, improved
from bytegolf.scoring.passes import Reading, Stage
from bytegolf.scoring.streaming import streaming_stages
from bytegolf.scoring.test_time_training import adapting_stages, mention_idle_chunks
from bytegolf.scoring.window_passes import sliding_stages, standard_stages, windows_at_once

STAGES: dict[ProtocolName, Callable[[Reading], Iterator[Stage]]] = {
    "standard": standard_stages,
    "sliding": sliding_stages,
    "streaming": streaming_stages,
    "ttt": adapting_stages,
    "lora": low_rank_stages,
}
PROTOCOLS: tuple[ProtocolName, ...] = get_args(ProtocolName)
LOGITS_AT_ONCE = 1 << 21  # that leave the device
TTT_DEFAULTS, LORA_DEFAULTS = TttConfig(), LoraConfig()


def score_tokens(
    model: GPT,
    tokens: TokenSequence,
    num_bytes: int,
    protocol: ProtocolName,
    config: ScoreConfig,
    advance: Callable[[int], None] = lambda _: None,
    *,
    ttt: TttConfig = TTT_DEFAULTS,
    lora: LoraConfig = LORA_DEFAULTS,
    experts: ExpertsConfig | None = None,
    group: Group = ALONE,
) -> Score:
    """Score all of `tokens` after the first, which stand for `num_bytes` bytes, by the model or, with `experts`, by both.

    `advance` is told how many more targets were scored. The processes of `group`, which make the same call, share the work of
    `ttt`; the other protocols are scored by each alone. Raises InputError for a model whose nats are no numbers.
    """
    shared = protocol == "ttt"
    reading = Reading(model, tokens, config, ttt, lora, windows_at_once(config), group if shared else ALONE)
    if shared:
        mention_idle_chunks(reading)
    ledger = Ledger(protocol, reading.targets, num_bytes)
    with _evaluating(model), torch.inference_mode():
        for scored in _mixed(reading, protocol, experts) if experts else _alone(reading, protocol):
            advance(scored.recorded(ledger))
    return replace(ledger.close(), learning=reading.learning(protocol))


def _alone(reading: Reading, protocol: ProtocolName) -> Iterator[ScoredTargets]:
    """Yield the nats of targets, in order. Each process of the group makes one pass at a time, and all get all nats."""
    group = reading.group
    for stage in STAGES[protocol](reading):
        remaining = iter(stage)
        while together := list(islice(remaining, group.size)):
            joint = next(reading.model.parameters()).new_zeros(sum(forward.scored for forward in together))
            parts = joint.split([forward.scored for forward in together])
            for i in group.share(range(len(together))):
                parts[i].copy_(together[i].nats().flatten())
            group.sum_(joint)
            yield ScoredTargets(together[0].first, _doubles(joint, together[0].first))


def read_rows(reading: Reading, protocol: ProtocolName) -> Iterator[TargetRows]:
    """Yield the distributions of all targets of a text, in order. Processes of a group learn together, and each makes all passes."""
    for forward in chain.from_iterable(STAGES[protocol](reading)):
        first, logits_NV = forward.first, forward.logits().flatten(0, 1)
        for part in logits_NV.split(max(1, LOGITS_AT_ONCE // logits_NV.shape[1])):
            yield TargetRows(first, integer_probabilities(_doubles(part, first)))
            first += len(part)


def _mixed(reading: Reading, protocol: ProtocolName, experts: ExpertsConfig) -> Iterator[ScoredTargets]:
    """Yield the nats of targets, in order, by the model and its experts."""
    return improved(read_rows(reading, protocol), reading.tokens, Experts(experts, reading.model.config.vocab_size))


def _doubles(values: Tensor, first: int) -> Doubles:
    """Return numbers of the targets from `first` on. Raises InputError for NaN and infinity."""
    if not values.isfinite().all():
        why = "its training diverged, or ttt.lr or lora.lr is too high"
        raise InputError(f"model: expected finite scores, found NaN or infinity from token {first} on; {why}")
    return values.cpu().double().numpy()


@contextmanager
def _evaluating(model: GPT) -> Iterator[None]:
    """Put a model in evaluation mode in this context."""
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)
