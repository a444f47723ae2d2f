"""The trellis as a decoder follows it: which of two grids each integer of a column stands on.

Two grids of one spacing lie half a spacing apart. A machine of 8 states runs down each column of a matrix; its state says which
grid the next weight lies on, and the parity of the weight's integer moves it on (Ungerboeck's code, h0 = 13, h1 = 04 octal).
An encoder that searches for the best way through can choose among finer points than the coder has to tell apart, which is worth
0.18 bit per weight at equal error (entropy-constrained trellis-coded quantisation, Fischer and Wang 1992).
"""

import numpy as np
from numpy.typing import NDArray

from bytegolf.arrays import Integers

STATES = 8
LARGEST_SCALE = 32  # of a row's or column's spacing, in half octaves
# The state after a weight in each state whose integer is even, or odd. A state's lowest bit is the shift: 1 is the grid half a spacing up.
NEXT = np.array([[0, 2], [5, 7], [1, 3], [4, 6], [2, 0], [7, 5], [3, 1], [6, 4]], np.uint8)


def shifts(integers: Integers) -> NDArray[np.uint8]:
    """Return 1 where an integer of (matrices, rows, columns) stands for half a spacing more than itself, else 0.

    Every column begins in state 0.
    """
    shifted = np.empty(integers.shape, np.uint8)
    state = np.zeros((integers.shape[0], integers.shape[2]), np.uint8)
    for row in range(integers.shape[1]):
        shifted[:, row] = state & 1
        state = NEXT[state, integers[:, row] & 1]
    return shifted


def half_spacings(integers: Integers) -> Integers:
    """Return what integers (matrices, rows, columns) of a trellis stand for, in half spacings."""
    halves: Integers = 2 * integers + shifts(integers)
    return halves
