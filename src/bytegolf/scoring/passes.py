"""Passes: what a protocol reads of a text, forward pass by forward pass, by a model in torch.

A protocol cuts a text into stages, and a stage into passes: the passes of a stage can be made in any order, or by several
processes, but a stage only begins when those of the one before were made (a cache was filled, a model has learned from them).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, get_args

import numpy as np
import torch
from torch import Tensor

from bytegolf.arrays import TokenSequence
from bytegolf.config import LoraConfig, ScoreConfig, TttConfig
from bytegolf.model.gpt import GPT
from bytegolf.names import LearningName, ProtocolName
from bytegolf.runtime.parallel import ALONE, Group

LEARNING: tuple[LearningName, ...] = get_args(LearningName)


@dataclass(frozen=True)
class Reading:
    """A text to be read, the model that reads it, and the settings of all protocols: what a protocol makes its stages of."""

    model: GPT
    tokens: TokenSequence
    config: ScoreConfig
    ttt: TttConfig
    lora: LoraConfig
    windows_per_pass: int = 1
    group: Group = ALONE  # processes that learn together; each reads the same text

    @property
    def targets(self) -> int:
        """Number of targets of the text."""
        return len(self.tokens) - 1

    def learning(self, protocol: ProtocolName) -> dict[str, float] | None:
        """Return the settings by which a protocol learns, by recipe key, or None if it does not."""
        if protocol not in LEARNING:
            return None
        settings = self.ttt.model_dump(exclude={"enabled"}) if protocol == "ttt" else self.lora.model_dump()
        return {f"{protocol}.{key}": value for key, value in settings.items()}

    def rows(self, spans: list[slice]) -> Tensor:
        """Return spans of equal length as a model takes them, (spans, length), on its device."""
        stacked = np.stack([self.tokens[span] for span in spans]).astype(np.int64)
        return torch.from_numpy(stacked).to(next(self.model.parameters()).device)


class Pass(Protocol):
    """One forward pass. It scores neighbouring targets, each in sight of nothing but tokens before it."""

    @property
    def first(self) -> int:
        """The first target that is scored."""

    @property
    def scored(self) -> int:
        """Return how many targets are scored."""

    def nats(self) -> Tensor:
        """Return the nats of the targets, (windows, targets of each)."""

    def logits(self) -> Tensor:
        """Return the logits of the targets, (windows, targets of each, V), where `nats` was not asked for."""


Stage = Iterable[Pass]
