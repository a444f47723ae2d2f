"""The interface of what can be coded and decoded: it says how likely each token is before it is told which one came.

Nothing here is ever given the token it is to predict. L lanes, V tokens in the vocabulary.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bytegolf.exact.output import Frequencies


class Predictor(Protocol):
    """A model that reads `lanes` texts side by side: `predict` and `observe` by turns."""

    @property
    def lanes(self) -> int:
        """Number of texts."""

    def predict(self) -> Frequencies:
        """Return how likely each token is to come next in each lane, (L, V), in parts of TOTAL."""

    def observe(self, tokens_L: NDArray[np.integer]) -> None:
        """Take the token that came in each lane."""
