"""Trellis-coded quantisation as an encoder searches: of all ways through the trellis, down a column, the one of least error.

Viterbi's algorithm over the 8 states of `artifact.trellis_states`. The rows of a column weigh alike in the error of a matrix's output,
once each has its spacing, so that the search goes with error feedback from column to column.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bytegolf.arrays import Doubles, Integers
from bytegolf.artifact.range_coder import Number
from bytegolf.artifact.trellis_states import NEXT, STATES
from bytegolf.compiling import compiled

Arrivals = NDArray[np.int64]


class ColumnBlock(NamedTuple):
    """Columns to round one after the other, (columns, rows).

    Each later column takes its share, `shares` (columns, columns), of the error of each. The spacing of a weight is its
    `column_spacings` (columns,) times its `row_spacings` (rows,). A weight of variance v would best be aimed at 1 / (1 + D/v) of itself,
    D the mean squared error at its spacing: what it would take in bits, were it normal, is worth as much. `shrinkage` (columns, rows)
    is what is made of D/v, at a spacing of 1.
    """

    columns: Doubles
    shares: Doubles
    column_spacings: Doubles
    row_spacings: Doubles
    shrinkage: Doubles


def _arrivals() -> Arrivals:
    """Return for each state the two pairs (state before, subset) that lead to it; a subset has the levels that are alike modulo 4."""
    arrivals: list[list[tuple[int, int]]] = [[] for _ in range(STATES)]
    for state in range(STATES):
        for parity in range(2):
            arrivals[NEXT[state, parity]].append((state, 2 * parity + (state & 1)))
    return np.array(arrivals, np.int64)


ARRIVALS = _arrivals()


@compiled
def best_levels(targets: Doubles, arrivals: Arrivals, levels: Integers) -> None:
    """Write into `levels` (rows,) the way through the trellis, from state 0, whose squared distance to `targets` is least.

    Levels and targets are in half spacings.
    """
    rows = len(targets)
    totals, arrived, distances = np.full(STATES, np.inf), np.empty(STATES), np.empty(4)
    totals[0] = 0
    choices = np.empty(rows, np.uint8)  # a bit for each state: which of its arrivals
    for row in range(rows):
        for subset in range(4):
            away = (targets[row] - subset) / 4
            distances[subset] = (away - np.rint(away)) ** 2
        choice = 0
        for state in range(STATES):
            first = totals[arrivals[state, 0, 0]] + distances[arrivals[state, 0, 1]]
            second = totals[arrivals[state, 1, 0]] + distances[arrivals[state, 1, 1]]
            arrived[state] = min(first, second)
            choice |= (second < first) << state
        totals[:] = arrived
        choices[row] = choice
    best: Number = np.argmin(totals)
    for row in range(rows - 1, -1, -1):
        arrival = arrivals[best, choices[row] >> best & 1]
        levels[row] = 4 * np.int64(np.rint((targets[row] - arrival[1]) / 4)) + arrival[1]
        best = arrival[0]


@compiled
def round_block(block: ColumnBlock, arrivals: Arrivals, levels: Integers) -> None:
    """Round the columns of a block. Afterwards they hold their errors, and `levels` (columns, rows) half spacings."""
    targets = np.empty(block.columns.shape[1])
    for column in range(len(block.columns)):
        for row in range(len(targets)):
            spacing = block.column_spacings[column] * block.row_spacings[row]
            targets[row] = 2 * block.columns[column, row] / (spacing * (1 + spacing * spacing * block.shrinkage[column, row]))
        best_levels(targets, arrivals, levels[column])
        for row in range(len(targets)):
            block.columns[column, row] -= 0.5 * levels[column, row] * block.column_spacings[column] * block.row_spacings[row]
        for later in range(column + 1, len(block.columns)):
            share = block.shares[column, later]
            for row in range(len(targets)):
                block.columns[later, row] -= share * block.columns[column, row]
