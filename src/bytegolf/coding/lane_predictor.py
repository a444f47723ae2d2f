"""A model that reads many lanes side by side, a token of each at a time: the predictor of the compressor."""

import numpy as np
from numpy.typing import NDArray

from bytegolf.arrays import Doubles
from bytegolf.config import BOS, ExpertsConfig
from bytegolf.exact.model import ExactModel
from bytegolf.exact.output import Frequencies, integer_probabilities
from bytegolf.exact.reader import Reader
from bytegolf.experts.experts import Experts

PROBABILITIES = 1 << 22  # held at once where many tokens are read in one pass


class LanePredictor:
    """Predicts every lane as if a document began with it; lanes share what experts learn.

    Once `window` positions are in sight, all but half of them are forgotten at once.
    """

    def __init__(self, model: ExactModel, experts: ExpertsConfig | None, lanes: int, window: int) -> None:
        self.model, self.lanes, self.window = model, lanes, window
        self.experts = Experts(experts, model.config.vocab_size, lanes) if experts else None
        self.reader = Reader(model, lanes, window)
        self.tokens = np.full(lanes, BOS)

    def predict(self) -> Frequencies:
        """Return how likely each token is to come next in each lane, (L, V). Call it once after each `observe`."""
        rows_LV = integer_probabilities(self.model.logits(self._hidden(self.tokens[:, None])[:, 0]))
        return self.experts.predict(rows_LV) if self.experts else rows_LV

    def observe(self, tokens_L: NDArray[np.integer]) -> None:
        """Take the token that came in each lane."""
        self.tokens = tokens_L.astype(np.int64)
        if self.experts:
            self.experts.update(self.tokens)

    def read(self, tokens_LT: NDArray[np.integer]) -> None:
        """Take tokens that are known beforehand, as `predict` and `observe` by turns would, in as few passes as possible.

        Call it instead of `predict`, before the first one or after an `observe`.
        """
        at_once = max(1, PROBABILITIES // (self.lanes * self.model.config.vocab_size))
        first, length = 0, tokens_LT.shape[1]
        while first < length:
            room = self.window - (self.reader.length if self.reader.length < self.window else self.window // 2)
            known = tokens_LT[:, first : first + min(room, at_once)].astype(np.int64)
            hidden_LTD = self._hidden(np.concatenate((self.tokens[:, None], known[:, :-1]), axis=1), None if self.experts else 0)
            if self.experts:
                self.experts.score(integer_probabilities(self.model.logits(hidden_LTD)).swapaxes(0, 1), known.T)
            self.tokens = known[:, -1]
            first += known.shape[1]

    def _hidden(self, tokens_LT: NDArray[np.int64], last: int | None = None) -> Doubles:
        """Return the hidden states of the next tokens, (L, n, D), of which the window has room for all once it has forgotten."""
        if self.reader.length == self.window:
            self.reader.forget(self.window - self.window // 2)
        return self.reader.hidden(tokens_LT, last)
