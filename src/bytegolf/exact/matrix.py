"""Rows of integers, matrices of integers, and their products, which are exact in any order of summation.

N rows, n numbers in each; a matrix is (out, n). A row of integers has a scale, and so has a row of a matrix: what a product of two
stands for is its sum times both.
"""

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from bytegolf.arrays import Doubles
from bytegolf.exact.arithmetic import LEAST, compiled, round_row
from bytegolf.exact.bounds import ROW_BITS
from bytegolf.exact.parts import in_parts

FEW_ROWS = 4  # which a kernel multiplies that reads half of the memory, for then memory is what takes the time


class Rows(NamedTuple):
    """Rows (N, n) as integers, each with a scale (N,)."""

    integers: Doubles
    scales: Doubles


class Product(NamedTuple):
    """A product (N, out): exact sums, each of which stands for itself times the scale of its row and that of its column."""

    sums: Doubles
    row_scales: Doubles
    column_scales: Doubles

    def columns(self, first: int, stop: int) -> "Product":
        """Return some of the columns."""
        return Product(self.sums[:, first:stop], self.row_scales, self.column_scales[first:stop])


class IntegerMatrix:
    """A matrix (out, n) whose rows are rounded to integers of ROW_BITS."""

    def __init__(self, values: NDArray[np.float32]) -> None:
        self.rows = rounded(without_traces(values))
        self.narrow = np.ascontiguousarray(self.rows.integers.T.astype(np.float32))  # (n, out); float32 holds 24 bits

    @classmethod
    def of(cls, *values: NDArray[np.float32]) -> Self:
        """Return matrices one below the other."""
        return cls(np.concatenate(values))

    def times(self, rows: Rows) -> Product:
        """Return rows matrixᵀ."""
        sums = np.empty((len(rows.integers), len(self.rows.integers)))
        if len(sums) <= FEW_ROWS:
            _multiply_few(rows.integers, self.narrow, sums)
        else:
            work = self.rows.integers.size
            in_parts(lambda part: np.matmul(rows.integers[slice(*part)], self.rows.integers.T, out=sums[slice(*part)]), len(sums), work)
        return Product(sums, rows.scales, self.rows.scales)

    def row_norms(self) -> Doubles:
        """Return the Euclidean norm of each row, (out,)."""
        squares = (self.rows.integers.astype(np.int64) ** 2).sum(axis=1)
        return np.sqrt(squares.astype(np.float64)) * self.rows.scales


def without_traces(values: NDArray[np.floating]) -> Doubles:
    """Return weights in float64, those below LEAST as 0."""
    return np.where(np.abs(values) < LEAST, 0.0, values.astype(np.float64))


def rounded(x_Nn: Doubles) -> Rows:
    """Return rows rounded to integers of ROW_BITS."""
    rows = Rows(np.empty(x_Nn.shape), np.empty(len(x_Nn)))
    _round_rows(x_Nn, rows)
    return rows


@compiled
def _round_rows(x_Nn: Doubles, rows: Rows) -> None:
    for row in range(len(x_Nn)):
        rows.scales[row] = round_row(x_Nn[row], ROW_BITS, rows.integers[row])


@compiled
def _multiply_few(x_Nn: Doubles, matrix_nO: NDArray[np.float32], sums_NO: Doubles) -> None:
    """Write x matrix, eight terms at a time so that sums stay in registers for as long."""
    terms, whole = len(matrix_nO), len(matrix_nO) // 8 * 8
    sums_NO[:] = 0.0
    for row in range(len(x_Nn)):
        x, sums = x_Nn[row], sums_NO[row]
        for i in range(0, whole, 8):
            a, b, c, d, e, f, g, h = x[i], x[i + 1], x[i + 2], x[i + 3], x[i + 4], x[i + 5], x[i + 6], x[i + 7]
            for o in range(len(sums)):
                first = a * matrix_nO[i, o] + b * matrix_nO[i + 1, o] + c * matrix_nO[i + 2, o] + d * matrix_nO[i + 3, o]
                second = e * matrix_nO[i + 4, o] + f * matrix_nO[i + 5, o] + g * matrix_nO[i + 6, o] + h * matrix_nO[i + 7, o]
                sums[o] += first + second
        for i in range(whole, terms):
            for o in range(len(sums)):
                sums[o] += x[i] * matrix_nO[i, o]
