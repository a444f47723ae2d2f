"""Texts read by a protocol, pass by pass."""

from collections.abc import Iterator
from itertools import chain

import torch
from torch import Tensor

from bytegolf.arrays import Tokens
from bytegolf.config import LoraConfig, ScoreConfig, TttConfig
from bytegolf.model.gpt import GPT
from bytegolf.names import ProtocolName
from bytegolf.scoring.passes import Pass, Reading
from bytegolf.scoring.protocols import STAGES

TTT = TttConfig(lr=0.5, epochs=2, chunk_tokens=40, batch_sequences=2)
LORA = LoraConfig(rank=2, lr=0.1)


def reading(model: GPT, tokens: Tokens, config: ScoreConfig, windows_per_pass: int = 1) -> Reading:
    """Return a text that is about to be read."""
    return Reading(model, tokens, config, TTT, LORA, windows_per_pass)


def passes(protocol: ProtocolName, text: Reading) -> Iterator[Pass]:
    """Yield the passes of a protocol, one after the other."""
    return chain.from_iterable(STAGES[protocol](text))


def nats_of(protocol: ProtocolName, text: Reading) -> Tensor:
    """Return the nats of all targets, (targets,), in the order of the passes."""
    with torch.no_grad():
        return torch.cat([one.nats().flatten() for one in passes(protocol, text)])
