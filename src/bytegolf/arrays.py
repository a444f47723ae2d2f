"""The kinds of array that several rooms hand each other. Shapes stand where an array is described."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Tokens = NDArray[np.uint16]
Integers = NDArray[np.int32]
Halves = NDArray[np.float16]
Doubles = NDArray[np.float64]
WeightArrays = Mapping[str, NDArray[np.float32]]  # by parameter
