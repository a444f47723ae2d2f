"""A model that reads many lanes side by side, a token of each at a time: the practical compressor."""

import numpy as np
import torch
from numpy.typing import NDArray

from bytegolf.coding.predictor import Distributions
from bytegolf.config import BOS
from bytegolf.model.gpt import GPT
from bytegolf.model.lanes import Lanes


class LanePredictor:
    """Each lane begins as a document does. Both directions run the very same operations in the very same shapes."""

    def __init__(self, model: GPT, lanes: int, window: int) -> None:
        self.model, self.lanes, self.window = model.eval(), lanes, window
        self.vocab_size = model.config.vocab_size
        self.device = next(model.parameters()).device
        self.reset()

    def reset(self) -> None:
        self.steps = Lanes(self.model, self.window)
        self.tokens = np.full(self.lanes, BOS, np.int64)

    @torch.inference_mode()
    def predict(self) -> Distributions:
        """Reads the tokens that came last; call it once after each `observe`."""
        logits = self.steps.logits(torch.from_numpy(self.tokens).to(self.device))
        return torch.softmax(logits.float(), dim=-1).cpu().numpy()

    def observe(self, tokens_L: NDArray[np.integer]) -> None:
        self.tokens = tokens_L.astype(np.int64)
