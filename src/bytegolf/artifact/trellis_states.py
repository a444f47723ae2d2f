"""The trellis, the decoder's side: which of two grids each integer of a column stands on.

Two grids of one step lie half a step apart. A machine of 8 states runs down each column of a matrix; its state says which
grid the next weight lies on, and the parity of the weight's integer moves it on (Ungerboeck's code, h0 = 13, h1 = 04 octal).
An encoder that searches for the best way through has a choice of finer points than the coder has to tell apart: 0.18 bit per
weight at equal error (entropy-constrained trellis-coded quantisation, Fischer and Wang 1992).
"""

import numpy as np
from numpy.typing import NDArray

from bytegolf.arrays import Integers

STATES = 8
LARGEST_SCALE = 32  # of a row's or column's step, in half octaves
# After a weight in `state` whose integer is even, or odd. The state's lowest bit is the shift: 1 is the grid half a step up.
NEXT = np.array([[0, 2], [5, 7], [1, 3], [4, 6], [2, 0], [7, 5], [3, 1], [6, 4]], np.uint8)


def shifts(integers: Integers) -> NDArray[np.uint8]:
    """1 where an integer of (matrices, rows, columns) stands for half a step more than itself, else 0. Columns begin in state 0."""
    found = np.empty(integers.shape, np.uint8)
    state = np.zeros((integers.shape[0], integers.shape[2]), np.uint8)
    for row in range(integers.shape[1]):
        found[:, row] = state & 1
        state = NEXT[state, integers[:, row] & 1]
    return found


def half_steps(integers: Integers) -> Integers:
    """What integers (matrices, rows, columns) stand for, in half steps."""
    halves: Integers = 2 * integers + shifts(integers)
    return halves
