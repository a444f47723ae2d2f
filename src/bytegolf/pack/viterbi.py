"""Trellis-coded quantisation, the encoder's side: of all ways through the trellis, down a column, the one of least error.

Viterbi's algorithm over the 8 states of `artifact.trellis`. The rows of a column weigh alike in the error of a matrix's output,
so that the search composes with error feedback from column to column.
"""

import numpy as np
from numpy.typing import NDArray

from bytegolf.artifact.range_coder import compiled
from bytegolf.artifact.trellis import NEXT, STATES

Doubles = NDArray[np.float64]


def _arrivals() -> NDArray[np.int64]:
    """For each state, the two (state before, subset) that lead to it; of a subset are the levels that are alike modulo 4."""
    arrivals: list[list[tuple[int, int]]] = [[] for _ in range(STATES)]
    for state in range(STATES):
        for parity in range(2):
            arrivals[NEXT[state, parity]].append((state, 2 * parity + (state & 1)))
    return np.array(arrivals, np.int64)


ARRIVALS = _arrivals()


@compiled
def best_levels(targets: Doubles, arrivals: NDArray[np.int64], levels: NDArray[np.int32]) -> None:
    """Into `levels` (rows,), those in reach of the trellis from state 0 with the least squared distance to `targets`, in half steps."""
    rows = len(targets)
    costs, arrived = np.full(8, np.inf), np.empty(8)
    costs[0] = 0
    distances = np.empty(4)
    choices = np.empty(rows, np.uint8)  # a bit for each state: which of its arrivals
    for row in range(rows):
        for subset in range(4):
            away = (targets[row] - subset) / 4
            distances[subset] = 16 * (away - np.rint(away)) ** 2
        choice = 0
        for state in range(8):
            first = costs[arrivals[state, 0, 0]] + distances[arrivals[state, 0, 1]]
            second = costs[arrivals[state, 1, 0]] + distances[arrivals[state, 1, 1]]
            arrived[state] = min(first, second)
            choice |= (second < first) << state
        costs[:] = arrived
        choices[row] = choice
    state = np.argmin(costs)
    for row in range(rows - 1, -1, -1):
        arrival = arrivals[state, choices[row] >> state & 1]
        levels[row] = np.int32(4 * np.rint((targets[row] - arrival[1]) / 4)) + np.int32(arrival[1])
        state = arrival[0]


@compiled
def nearest_levels(targets: Doubles, levels: NDArray[np.int32]) -> None:
    """The same without a trellis: the nearest multiples of a whole step."""
    for row in range(len(targets)):
        levels[row] = 2 * np.int32(np.rint(targets[row] / 2))
