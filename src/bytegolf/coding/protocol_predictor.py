"""A protocol of `score` as a predictor: each token is given the very distribution that it is scored with, to the bit.

Scoring reads a whole window in one pass; a decoder reads what is known of it in one pass and then goes on token by token. In
exact arithmetic both find the same.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bytegolf.arrays import Tokens
from bytegolf.config import ExpertsConfig, ScoreConfig
from bytegolf.exact.arithmetic import LN_2
from bytegolf.exact.model import ExactModel
from bytegolf.exact.output import Frequencies, integer_probabilities, nats_of_frequencies
from bytegolf.exact.reader import Reader
from bytegolf.experts.experts import Experts
from bytegolf.names import ProvableName
from bytegolf.scoring.exact import reader_of
from bytegolf.scoring.ledger import Ledger, Score
from bytegolf.scoring.windows import WINDOWS

TOKENS_PER_ENTRY = 4096  # of the ledger


class ProtocolSettings(NamedTuple):
    """What a score depends on, beside the model and the text. Without `experts` it is the model's alone."""

    protocol: ProvableName
    config: ScoreConfig
    experts: ExpertsConfig | None


class MixtureLedger:
    """One text's experts, if there are any, and the ledger of what they made of the model's predictions."""

    def __init__(self, settings: ProtocolSettings, vocab_size: int, targets: int, num_bytes: int) -> None:
        self.experts = Experts(settings.experts, vocab_size) if settings.experts else None
        self.ledger = Ledger(settings.protocol, targets, num_bytes)
        self.chosen: list[tuple[int, int]] = []  # parts that tokens were given, by the mixture and by the model, since the last entry

    def predict(self, rows_1V: Frequencies) -> Frequencies:
        """Return the improved distribution, (1, V), given the model's."""
        self.model_1V = rows_1V
        self.mixed_1V = self.experts.predict(rows_1V) if self.experts else rows_1V
        return self.mixed_1V

    def update(self, tokens_1: NDArray[np.integer]) -> None:
        """Take the token that came."""
        token = int(tokens_1[0])
        self.chosen.append((self.mixed_1V[0, token], self.model_1V[0, token]))
        if len(self.chosen) == TOKENS_PER_ENTRY:
            self._enter()
        if self.experts:
            self.experts.update(tokens_1)

    def score(self) -> Score:
        """Return the score of the text, all of whose tokens have come."""
        self._enter()
        return replace(self.ledger.close(), exact=True)

    def _enter(self) -> None:
        nats = nats_of_frequencies(np.array(self.chosen, np.int64).reshape(-1, 2)) / LN_2
        self.ledger.record(self.ledger.tokens, nats[:, 0], nats[:, 1] if self.experts else None)
        self.chosen.clear()


class ProtocolPredictor:
    """Predicts one lane, a text of known length whose first token is given."""

    lanes = 1

    def __init__(self, model: ExactModel, settings: ProtocolSettings, first_token: int, targets: int) -> None:
        self.model, self.config = model, settings.config
        self.tokens: Tokens = np.zeros(targets + 1, np.uint16)
        self.tokens[0] = first_token
        self.position = 0  # the target to predict, and the last token that is known
        self.windows = WINDOWS[settings.protocol](targets, settings.config)
        self.window_ends = 0
        self.reader: Reader | None = None
        self.mixture = MixtureLedger(settings, model.config.vocab_size, targets, num_bytes=1)

    def predict(self) -> Frequencies:
        """Return how likely each token is to come next, (1, V). Call it once after each `observe`."""
        first = self.position
        if first == self.window_ends:
            window = next(self.windows)
            first, self.window_ends = window.start, window.stop
            self.reader = reader_of(self.model, self.config, window, self.reader)
        assert self.reader is not None
        hidden_11D = self.reader.hidden(self.tokens[None, first : self.position + 1].astype(np.int64), last=1)
        return self.mixture.predict(integer_probabilities(self.model.logits(hidden_11D[:, 0])))

    def observe(self, tokens_L: NDArray[np.integer]) -> None:
        """Take the token that came."""
        self.position += 1
        self.tokens[self.position] = tokens_L[0]
        self.mixture.update(tokens_L)
