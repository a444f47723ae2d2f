"""Rows of integers, matrices of integers, and their products, which are exact in any order of summation.

N rows, n numbers in each; a matrix is (out, n). A row of integers has a scale, and so has a row of a matrix: what a product of two
stands for is its sum times both.
"""

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from bytegolf.arrays import Doubles, Floats
from bytegolf.compiling import compiled_inside, compiled_inside_without_counts, compiled_without_counts
from bytegolf.exact.arithmetic import LEAST, round_row
from bytegolf.exact.bounds import ROW_BITS

ROWS, TERMS, COLUMNS = 32, 128, 512  # of a product at a time, so that matrix and sums stay in a processor's second cache


class Rows(NamedTuple):
    """Rows (N, n) as integers, each with a scale (N,)."""

    integers: Doubles
    scales: Doubles


class Product(NamedTuple):
    """A product (N, out): exact sums, each of which stands for itself times the scale of its row and that of its column."""

    sums: Doubles
    row_scales: Doubles
    column_scales: Doubles


class Columns(NamedTuple):
    """A matrix as compiled functions take it: integers (n, out), and the scale of each column (out,)."""

    integers: Floats  # float32 holds 24 bits
    scales: Doubles


class IntegerMatrix:
    """A matrix (out, n) whose rows are rounded to integers of ROW_BITS."""

    def __init__(self, values: Floats) -> None:
        rows = rounded(without_traces(values))
        self.columns = Columns(np.ascontiguousarray(rows.integers.T.astype(np.float32)), rows.scales)
        self.integers, self.scales = self.columns

    @classmethod
    def of(cls, *values: Floats) -> Self:
        """Return matrices one below the other."""
        return cls(np.concatenate(values))

    def times(self, rows: Rows) -> Product:
        """Return rows matrixᵀ."""
        sums = np.empty((len(rows.integers), len(self.scales)))
        multiply(rows.integers, self.integers, sums)
        return Product(sums, rows.scales, self.scales)

    def row_norms(self) -> Doubles:
        """Return the Euclidean norm of each row, (out,)."""
        squares = (self.integers.astype(np.int64) ** 2).sum(axis=0)
        return np.sqrt(squares.astype(np.float64)) * self.scales


def without_traces(values: NDArray[np.floating]) -> Doubles:
    """Return weights in float64, those below LEAST as 0."""
    return np.where(np.abs(values) < LEAST, 0.0, values.astype(np.float64))


def rounded(x_Nn: Doubles) -> Rows:
    """Return rows rounded to integers of ROW_BITS."""
    rows = Rows(np.empty(x_Nn.shape), np.empty(len(x_Nn)))
    _round_rows(x_Nn, rows)
    return rows


@compiled_without_counts
def _round_rows(x_Nn: Doubles, rows: Rows) -> None:
    for row in range(len(x_Nn)):
        rows.scales[row] = round_row(x_Nn[row], ROW_BITS, rows.integers[row])


@compiled_inside
def times(rows: Rows, matrix: Columns) -> Product:
    """Return rows times a matrix, in compiled functions: numba takes long to hand a named tuple to Python."""
    sums = np.empty((len(rows.integers), len(matrix.scales)))
    multiply(rows.integers, matrix.integers, sums)
    return Product(sums, rows.scales, matrix.scales)


@compiled_without_counts
def multiply(x_Nn: Doubles, matrix_nO: Floats, sums_NO: Doubles) -> None:
    """Write x matrix: four rows at a time, for which a number of the matrix is loaded once, then one by one."""
    terms = len(matrix_nO)
    whole = len(x_Nn) // 4 * 4
    sums_NO[:] = 0.0
    for row in range(0, whole, ROWS):
        _multiply_by_fours(x_Nn, matrix_nO, row, min(row + ROWS, whole), sums_NO)
    for row in range(whole, len(x_Nn)):
        for i in range(0, terms // 8 * 8, 8):
            _add_eight_terms(x_Nn[row], matrix_nO, i, sums_NO[row])
    for row in range(len(x_Nn)):
        at_once = 4 if row < whole else 8
        for i in range(terms // at_once * at_once, terms):
            _add_term(x_Nn[row, i], matrix_nO[i], sums_NO[row])


@compiled_inside_without_counts
def _multiply_by_fours(x_Nn: Doubles, matrix_nO: Floats, first: int, stop: int, sums_NO: Doubles) -> None:
    """Add all terms but the last, if four do not divide them, to some rows."""
    terms, columns = len(matrix_nO) // 4 * 4, matrix_nO.shape[1]
    for left in range(0, columns, COLUMNS):
        for top in range(0, terms, TERMS):
            for row in range(first, stop, 4):
                for i in range(top, min(top + TERMS, terms), 4):
                    _add_four_terms(x_Nn, matrix_nO, row, i, left, min(left + COLUMNS, columns), sums_NO)


@compiled_inside_without_counts
def _add_four_terms(x_Nn: Doubles, matrix_nO: Floats, row: int, i: int, left: int, right: int, sums_NO: Doubles) -> None:
    """Add four terms to some columns of four rows; numbers stand by themselves so that they stay in registers."""
    a, b, c, d = x_Nn[row, i], x_Nn[row, i + 1], x_Nn[row, i + 2], x_Nn[row, i + 3]
    e, f, g, h = x_Nn[row + 1, i], x_Nn[row + 1, i + 1], x_Nn[row + 1, i + 2], x_Nn[row + 1, i + 3]
    p, q, r, s = x_Nn[row + 2, i], x_Nn[row + 2, i + 1], x_Nn[row + 2, i + 2], x_Nn[row + 2, i + 3]
    t, u, v, w = x_Nn[row + 3, i], x_Nn[row + 3, i + 1], x_Nn[row + 3, i + 2], x_Nn[row + 3, i + 3]
    first, second = matrix_nO[i, left:right], matrix_nO[i + 1, left:right]
    third, fourth = matrix_nO[i + 2, left:right], matrix_nO[i + 3, left:right]
    sums, others = sums_NO[row, left:right], sums_NO[row + 1, left:right]
    thirds, fourths = sums_NO[row + 2, left:right], sums_NO[row + 3, left:right]
    for o in range(len(sums)):
        j, k, m, n = np.float64(first[o]), np.float64(second[o]), np.float64(third[o]), np.float64(fourth[o])
        sums[o] += (a * j + b * k) + (c * m + d * n)
        others[o] += (e * j + f * k) + (g * m + h * n)
        thirds[o] += (p * j + q * k) + (r * m + s * n)
        fourths[o] += (t * j + u * k) + (v * m + w * n)


@compiled_inside_without_counts
def _add_eight_terms(x_n: Doubles, matrix_nO: Floats, i: int, sums_O: Doubles) -> None:
    """Add eight terms to a row."""
    a, b, c, d, e, f, g, h = x_n[i], x_n[i + 1], x_n[i + 2], x_n[i + 3], x_n[i + 4], x_n[i + 5], x_n[i + 6], x_n[i + 7]
    for o in range(len(sums_O)):
        first = a * matrix_nO[i, o] + b * matrix_nO[i + 1, o] + c * matrix_nO[i + 2, o] + d * matrix_nO[i + 3, o]
        second = e * matrix_nO[i + 4, o] + f * matrix_nO[i + 5, o] + g * matrix_nO[i + 6, o] + h * matrix_nO[i + 7, o]
        sums_O[o] += first + second


@compiled_inside_without_counts
def _add_term(x: float, row_O: Floats, sums_O: Doubles) -> None:
    for o in range(len(sums_O)):
        sums_O[o] += x * row_O[o]
