"""A model that reads many lanes side by side, a token of each at a time: the predictor of the compressor."""

import numpy as np
from numpy.typing import NDArray

from bytegolf.config import BOS, ExpertsConfig
from bytegolf.exact.model import ExactModel
from bytegolf.exact.output import Frequencies, integer_probabilities
from bytegolf.exact.reader import Reader
from bytegolf.experts.experts import Experts


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
        if self.reader.length == self.window:
            self.reader.forget(self.window - self.window // 2)
        hidden_L1D = self.reader.hidden(self.tokens[:, None])
        rows_LV = integer_probabilities(self.model.logits(hidden_L1D[:, 0]))
        return self.experts.predict(rows_LV) if self.experts else rows_LV

    def observe(self, tokens_L: NDArray[np.integer]) -> None:
        """Take the token that came in each lane."""
        self.tokens = tokens_L.astype(np.int64)
        if self.experts:
            self.experts.update(self.tokens)
