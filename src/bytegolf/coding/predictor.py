"""The interface of what can be scored, coded and decoded: it says how likely each token is before it is told which one came.

Nothing here is ever given the token it is to predict. L lanes, V tokens in the vocabulary.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Distributions = NDArray[np.floating]


class Predictor(Protocol):
    """A model that reads `lanes` texts side by side. `reset`, then `predict` and `observe` by turns."""

    @property
    def lanes(self) -> int:
        """Number of texts."""

    @property
    def vocab_size(self) -> int:
        """Number of tokens in the vocabulary."""

    def reset(self) -> None:
        """Forget all that was observed."""

    def predict(self) -> Distributions:
        """Return how likely each token is to come next in each lane, (L, V)."""

    def observe(self, tokens_L: NDArray[np.integer]) -> None:
        """Take the token that came in each lane."""
