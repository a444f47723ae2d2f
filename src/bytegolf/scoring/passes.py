"""Passes: what a protocol reads of a text, forward pass by forward pass. Scoring and proving make the same ones.

A text of n + 1 tokens has n targets, target i being token i + 1; the first token is given. A protocol cuts a text into
stages, and a stage into passes: the passes of a stage can be made in any order, or by several processes, but a stage only
begins when all targets of the one before are known (a cache was filled, a model has learned from them).

Scoring knows the text and makes each pass once, over many windows. Proving fills the text in as it decodes: it makes a pass
over one window as often as a guess at the tokens to come was wrong.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from bytegolf.arrays import Tokens
from bytegolf.config import ScoreConfig, TttConfig
from bytegolf.model.gpt import GPT
from bytegolf.runtime.parallel import ALONE, Group


class TokenSequence(Protocol):
    """A text's tokens, in memory or on disk, of which slices are read."""

    def __len__(self) -> int:
        """Return the number of tokens."""

    def __getitem__(self, span: slice, /) -> Tokens:
        """Return the tokens of a slice."""


@dataclass(frozen=True)
class Reading:
    """A text to be read, the model that reads it, and the settings of all protocols: what a protocol makes its stages of.

    `tokens` may still be filled in: a pass looks at them when it is made, and learning when a stage is over.
    """

    model: GPT
    tokens: TokenSequence
    config: ScoreConfig
    ttt: TttConfig
    windows_per_pass: int = 1
    group: Group = ALONE  # processes that learn together; each reads the same text

    @property
    def targets(self) -> int:
        """Number of targets of the text."""
        return len(self.tokens) - 1

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

    @property
    def model(self) -> GPT:
        """The model that reads, whose head turns hidden states into logits."""

    def hidden(self) -> Tensor:
        """Return the hidden states that predict the targets, (windows, targets of each, D)."""

    def nats(self) -> Tensor:
        """Return the nats of the targets, (windows, targets of each)."""


Stage = Iterable[Pass]
