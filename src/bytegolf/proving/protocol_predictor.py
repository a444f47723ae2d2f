"""The protocols of `score` as predictors: each token is given the very probability that it is scored with.

A forward pass scores a row of targets at once, in sight of all tokens before each. A decoder does not know them yet, so it
makes the same pass, in the same shape, over guesses: a row is right as soon as all tokens before it are. That holds for a
causal model. One that looks ahead gives the encoder, whose guesses are the truth, other distributions than the decoder, and
decodes to something else. A wrong guess costs another pass, so decoding takes up to one a token.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bytegolf.coding.predictor import Distributions
from bytegolf.config import ScoreConfig, TttConfig
from bytegolf.model.gpt import GPT
from bytegolf.names import ProtocolName
from bytegolf.proving.guesses import Guesser
from bytegolf.scoring.passes import Pass, Reading
from bytegolf.scoring.protocols import passes


class ProtocolSettings(NamedTuple):
    """A protocol and what it depends on, beside the model and the text."""

    protocol: ProtocolName
    config: ScoreConfig
    ttt: TttConfig


class ProtocolPredictor:
    """Predicts one lane, a text of known length whose first token is given, as a protocol scores it: one window at a time."""

    lanes = 1

    def __init__(self, model: GPT, settings: ProtocolSettings, first_token: int, targets: int, new_guesser: Callable[[], Guesser]) -> None:
        self.model, self.settings, self.new_guesser = model.eval(), settings, new_guesser
        self.first_token, self.targets = first_token, targets
        self.vocab_size = model.config.vocab_size
        self.forwards = 0  # passes made, repetitions included
        self.reset()

    def reset(self) -> None:
        """Forget all that was observed."""
        self.tokens = np.zeros(self.targets + 1, np.uint16)  # known up to `position`, guesses after it
        self.tokens[0] = self.first_token
        self.position = 0  # tokens known after the first, and the target to predict
        protocol, config, ttt = self.settings
        self.passes = passes(protocol, Reading(self.model, self.tokens, config, ttt))
        self.current: Pass | None = None
        self.states_1nD: Tensor | None = None  # of the current pass, where they are right for the target to predict
        self.guesser = self.new_guesser()

    @torch.inference_mode()
    def predict(self) -> Distributions:
        """Return how likely each token is to come next, (1, V)."""
        if self.current is None or self.position == self.current.first + self.current.scored:
            self.current, self.states_1nD = next(self.passes), None
        if self.states_1nD is None:
            ahead = slice(self.position + 1, self.current.first + self.current.scored)
            self.tokens[ahead] = self.guesser.guess(self.tokens, self.position + 1, ahead.stop - ahead.start)
            self.states_1nD = self.current.hidden()
            self.forwards += 1
        row = self.position - self.current.first
        logits = self.current.model.logits(self.states_1nD[:, row : row + 1])[0]  # only of the row that is asked for
        return torch.softmax(logits.float(), dim=-1).cpu().numpy()

    def observe(self, tokens_L: NDArray[np.integer]) -> None:
        """Take the token that came. The next ones are predicted by another pass if it was not the one that was guessed."""
        self.position += 1
        (token,) = tokens_L
        if self.tokens[self.position] != token:
            self.tokens[self.position] = token
            self.states_1nD = None
