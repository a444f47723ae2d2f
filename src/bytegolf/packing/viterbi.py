"""Trellis-coded quantisation, the encoder's side: of all ways through the trellis, down a column, the one of least error.

Viterbi's algorithm over the 8 states of `artifact.states`. The rows of a column weigh alike in the error of a matrix's output,
once each has its step, so that the search goes with error feedback from column to column.
"""

import numpy as np
from numpy.typing import NDArray

from bytegolf.arrays import Doubles, Integers
from bytegolf.artifact.range_coder import Number, compiled
from bytegolf.artifact.trellis_states import NEXT, STATES

Arrivals = NDArray[np.int64]


def _arrivals() -> Arrivals:
    """For each state, the two (state before, subset) that lead to it; of a subset are the levels that are alike modulo 4."""
    arrivals: list[list[tuple[int, int]]] = [[] for _ in range(STATES)]
    for state in range(STATES):
        for parity in range(2):
            arrivals[NEXT[state, parity]].append((state, 2 * parity + (state & 1)))
    return np.array(arrivals, np.int64)


ARRIVALS = _arrivals()


@compiled
def best_levels(targets: Doubles, arrivals: Arrivals, levels: Integers) -> None:
    """Into `levels` (rows,), those in reach of the trellis from state 0 with the least squared distance to `targets`, in half steps."""
    rows = len(targets)
    costs, arrived, distances = np.full(STATES, np.inf), np.empty(STATES), np.empty(4)
    costs[0] = 0
    choices = np.empty(rows, np.uint8)  # a bit for each state: which of its arrivals
    for row in range(rows):
        for subset in range(4):
            away = (targets[row] - subset) / 4
            distances[subset] = (away - np.rint(away)) ** 2
        choice = 0
        for state in range(STATES):
            first = costs[arrivals[state, 0, 0]] + distances[arrivals[state, 0, 1]]
            second = costs[arrivals[state, 1, 0]] + distances[arrivals[state, 1, 1]]
            arrived[state] = min(first, second)
            choice |= (second < first) << state
        costs[:] = arrived
        choices[row] = choice
    best: Number = np.argmin(costs)
    for row in range(rows - 1, -1, -1):
        arrival = arrivals[best, choices[row] >> best & 1]
        levels[row] = 4 * np.int64(np.rint((targets[row] - arrival[1]) / 4)) + arrival[1]
        best = arrival[0]


@compiled
def round_block(
    block: Doubles, shares: Doubles, column_steps: Doubles, row_steps: Doubles, shrinkage: Doubles, arrivals: Arrivals, levels: Integers
) -> None:
    """Round columns (columns, rows) one after the other; each later one takes its share (columns, columns) of the error of each.

    Afterwards `block` holds the errors, and `levels` (columns, rows) half steps. A weight of variance v would best be aimed at
    1 / (1 + D/v) of itself, D the mean squared error at its step: what it would cost in bits, were it normal, is worth as much.
    `shrinkage` (columns, rows) is what is made of D/v, at a step of 1.
    """
    targets = np.empty(block.shape[1])
    for column in range(len(block)):
        for row in range(len(targets)):
            step = column_steps[column] * row_steps[row]
            targets[row] = 2 * block[column, row] / (step * (1 + step * step * shrinkage[column, row]))
        best_levels(targets, arrivals, levels[column])
        for row in range(len(targets)):
            block[column, row] -= 0.5 * levels[column, row] * column_steps[column] * row_steps[row]
        for later in range(column + 1, len(block)):
            share = shares[column, later]
            for row in range(len(targets)):
                block[later, row] -= share * block[column, row]
