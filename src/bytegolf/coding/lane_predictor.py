"""A model that reads many lanes side by side, a token of each at a time: the predictor of the compressor."""

import numpy as np
import torch
from numpy.typing import NDArray

from bytegolf.coding.predictor import Distributions
from bytegolf.config import BOS
from bytegolf.model.gpt import GPT
from bytegolf.model.lanes import Lanes


class LanePredictor:
    """Predicts every lane as if a document began with it.

    Encoding and decoding run the very same operations in the very same shapes.
    """

    def __init__(self, model: GPT, lanes: int, window: int) -> None:
        self.model, self.lanes, self.window = model.eval(), lanes, window
        self.vocab_size = model.config.vocab_size
        self.device = next(model.parameters()).device
        self.reset()

    def reset(self) -> None:
        """Forget all that was observed."""
        self.texts = Lanes(self.model, self.window)
        self.tokens = np.full(self.lanes, BOS, np.int64)

    @torch.inference_mode()
    def predict(self) -> Distributions:
        """Return how likely each token is to come next in each lane, (L, V).

        This reads the tokens that came last, so call it once after each `observe`.
        """
        logits = self.texts.logits(torch.from_numpy(self.tokens).to(self.device))
        return torch.softmax(logits.float(), dim=-1).cpu().numpy()

    def observe(self, tokens_L: NDArray[np.integer]) -> None:
        """Take the token that came in each lane."""
        self.tokens = tokens_L.astype(np.int64)
