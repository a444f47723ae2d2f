"""The kinds of array that several rooms hand each other. Shapes stand where an array is described."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Tokens = NDArray[np.uint16]
Integers = NDArray[np.int32]
Halves = NDArray[np.float16]
Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
WeightArrays = Mapping[str, Floats]  # by parameter


class TokenSequence(Protocol):
    """A text's tokens, in memory or on disk, of which slices are read."""

    def __len__(self) -> int:
        """Return the number of tokens."""

    def __getitem__(self, span: slice, /) -> Tokens:
        """Return the tokens of a slice."""
