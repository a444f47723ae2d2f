"""The adaptive coder's model of the next integer: a class by its expected size, and for each class a histogram that learns.

Nothing is sent beside the integers. The size expected of one is the mean magnitude of its column so far, times how much larger its
row has been than its columns say; before there is any to go by, the spacing of its row tells. That product, in quarter octaves, and
the trellis's shift choose a histogram, which begins as a Student distribution of that size and counts the tokens that it meets.

Sizes are in half spacings (of a grid's points), as integers of the shifted grid lie between those of the other. Integers alone decide
every probability, so that any machine decodes the same numbers. Encoder and decoder call the same compiled functions.
"""

from functools import cache
from math import isqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bytegolf.arrays import Integers
from bytegolf.artifact.magnitudes import EXACT, KEPT_BITS, MAX_MAGNITUDE, MAX_TOKENS
from bytegolf.artifact.range_coder import Counts, Number
from bytegolf.artifact.trellis_states import LARGEST_SCALE
from bytegolf.compiling import compiled_without_counts

FRACTION, RATIO_BITS = 8, 16  # bits of the fraction of a mean, and of a ratio
LARGEST_RATIO = 1 << 32  # so that no product overflows
PRIOR_SAMPLES = 8  # of what is expected in the mean of a row or column
FIRST_MEAN = 4 << FRACTION  # half spacings, before there is any to go by
LOWEST_OCTAVE, CLASSES_PER_OCTAVE = 4, 4  # of an expected size; smaller ones share a class
CLASSES = 1 + CLASSES_PER_OCTAVE * (MAX_MAGNITUDE.bit_length() + 1 + FRACTION - LOWEST_OCTAVE)
PRIOR, INCREMENT, LIMIT = 1 << 14, 1 << 7, 1 << 24  # of a histogram's counts: at first, for each symbol, in all


class Histograms(NamedTuple):
    """Counts of tokens, int64 (classes, shifts, tokens): those that code, with their sums `totals`, and how often each was `met`."""

    counts: Counts
    totals: Counts
    met: Counts

    @classmethod
    def first(cls) -> "Histograms":
        """Return the histograms before anything is coded."""
        counts = first_counts().copy()
        return cls(counts, counts.sum(axis=2), np.zeros_like(counts))


class Sizes(NamedTuple):
    """The running sums from which the size of a matrix's next integer is predicted.

    `ratios` (rows,) are expected of each row's mean magnitude to the matrix's, `column_sums` (columns,) the magnitudes coded so far,
    `states` (columns,) where the trellis stands in each column, `following` its table, and `thresholds` the least size of each class.
    """

    ratios: NDArray[np.int64]
    column_sums: NDArray[np.int64]
    states: NDArray[np.uint8]
    following: NDArray[np.uint8]
    thresholds: NDArray[np.int64]

    @classmethod
    def first(cls, row_scales: Integers, columns: int, following: NDArray[np.uint8]) -> "Sizes":
        """Return the sizes before a matrix with these scales of rows is coded."""
        ratios = expected_ratios(row_scales)
        return cls(ratios, np.zeros(columns, np.int64), np.zeros(columns, np.uint8), following, thresholds())


def expected_ratios(row_scales: Integers) -> NDArray[np.int64]:
    """Return the ratio of each row's mean magnitude to the matrix's, were all rows' weights alike: the larger, the finer its spacing."""
    reciprocals = np.array([isqrt(1 << (32 - scale)) for scale in range(-LARGEST_SCALE, LARGEST_SCALE + 1)], np.int64)
    finer = reciprocals[row_scales + LARGEST_SCALE]
    return np.minimum((finer << RATIO_BITS) // max(1, int(finer.sum()) // max(1, len(finer))), LARGEST_RATIO >> 8)


@cache
def thresholds() -> NDArray[np.int64]:
    """Return the least expected size of each class above the first: quarter octaves, rounded down."""
    return np.array([isqrt(isqrt(1 << (4 * LOWEST_OCTAVE + i))) for i in range(CLASSES - 1)], np.int64)


@cache
def first_counts() -> Counts:
    """Return histograms (classes, shifts, tokens) of Student's t of 7 degrees, whose mean magnitude is the class's.

    Its density at x is (1 + x² / 7s²)⁻⁴, and 7s² is 8.675 times the squared mean magnitude.
    """
    counts = np.empty((CLASSES, 2, MAX_TOKENS), np.int64)
    covered = [plain_bits_of(token) for token in range(MAX_TOKENS)]
    for shift in range(2):
        squares = [(2 * base + (1 << bits) - 1 + shift) ** 2 << 16 for bits, base in covered]  # of the middle of a token, in half spacings
        shifts = [bits if token + shift == 0 else bits + 1 for token, (bits, _) in enumerate(covered)]  # for both signs, but for zero
        for kind in range(CLASSES):
            spread = 8675 * isqrt(isqrt(1 << (2 * kind + 31))) // 1000  # 7s² in units of 2⁻¹⁶, from the middle of the class
            wide = spread << 24
            weights = [(wide // (spread + square)) ** 4 << bits for square, bits in zip(squares, shifts, strict=True)]
            in_all = sum(weights)
            counts[kind, shift] = [1 + PRIOR * weight // in_all for weight in weights]
    return counts


def plain_bits_of(token: int) -> tuple[int, int]:
    """Return how many plain bits follow a token, and its smallest magnitude."""
    if token < EXACT:
        return 0, token
    octave, kept = divmod(token - EXACT, 1 << KEPT_BITS)
    return octave + 1, kept + (1 << KEPT_BITS) << octave + 1


# --- compiled: what is done for every integer


@compiled_without_counts
def row_mean(total: Number, coded: Number, before: Number) -> Number:
    """Return the mean size of a matrix after `coded` integers that sum to `total`; `before` is the mean of the last matrix."""
    return max(1, ((total << FRACTION) + PRIOR_SAMPLES * before) // (coded + PRIOR_SAMPLES))


@compiled_without_counts
def column_mean(sizes: Sizes, row: Number, column: Number, mean: Number) -> Number:
    """Return the mean size of a column before `row`, where the matrix's is `mean`."""
    return ((sizes.column_sums[column] << FRACTION) + PRIOR_SAMPLES * mean) // (row + PRIOR_SAMPLES)


@compiled_without_counts
def size_class(sizes: Sizes, row: Number, expected: Number, mean: Number, row_sum: Number, row_expected: Number) -> Number:
    """Return the size class of the next integer: `expected` by its column, scaled by the row's `row_sum` over `row_expected`."""
    prior = PRIOR_SAMPLES * mean
    ratio = ((row_sum << FRACTION + RATIO_BITS) + prior * sizes.ratios[row]) // (row_expected + prior)
    size = expected * min(ratio, LARGEST_RATIO) >> RATIO_BITS
    low, high = 0, len(sizes.thresholds)
    while low < high:
        middle = (low + high) // 2
        if sizes.thresholds[middle] <= size:
            low = middle + 1
        else:
            high = middle
    return low


@compiled_without_counts
def move_on(sizes: Sizes, column: Number, value: Number, size: Number) -> None:
    """Note that `value`, an integer of this size in half spacings, was coded in a column."""
    sizes.states[column] = sizes.following[sizes.states[column], value & 1]
    sizes.column_sums[column] += size


@compiled_without_counts
def learn(histograms: Histograms, kind: Number, shift: Number, token: Number) -> None:
    """Count a token that was coded; halve the histogram's counts where they sum to more than LIMIT."""
    counts = histograms.counts[kind, shift]
    histograms.met[kind, shift, token] += 1
    counts[token] += INCREMENT
    total = histograms.totals[kind, shift] + INCREMENT
    if total > LIMIT:
        total = 0
        for other in range(len(counts)):
            counts[other] -= counts[other] >> 1
            total += counts[other]
    histograms.totals[kind, shift] = total
