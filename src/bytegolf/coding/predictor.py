"""What can be scored, coded and decoded: something that says how likely each token is before it is told which one it was.

Nothing here is ever given the token it is to predict. L lanes, V tokens in the vocabulary.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Lane = NDArray[np.uint16]
Distributions = NDArray[np.floating]


class Predictor(Protocol):
    """`lanes` texts side by side. `reset`, then `predict` and `observe` by turns."""

    @property
    def lanes(self) -> int: ...
    @property
    def vocab_size(self) -> int: ...

    def reset(self) -> None:
        """Forget all that was observed."""

    def predict(self) -> Distributions:
        """How likely each token is to come next, (L, V)."""

    def observe(self, tokens_L: NDArray[np.integer]) -> None:
        """The tokens that came."""
