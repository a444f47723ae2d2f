"""A matrix that is ready to be rounded at any spacing, error feedback and trellis included.

The symbols are those of `rate`.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from bytegolf.arrays import Doubles, Integers
from bytegolf.artifact.grid import GAUSSIAN_BITS
from bytegolf.artifact.magnitudes import MAX_MAGNITUDE
from bytegolf.artifact.trellis_states import LARGEST_SCALE
from bytegolf.artifact.trellis_weights import factors
from bytegolf.config import PackConfig
from bytegolf.packing.gptq import COLUMN_BLOCK, feedback

ROWS_TO_SCALE_COLUMNS = 64  # a column's scale takes 2 or 3 bits
TRELLIS_ERROR = 0.78 / 12  # mean squared, of a spacing's square; 1/12 without a trellis
RATE_SHARE = 0.5  # of what a weight's bits are worth in theory: all of it loses more at 1.5 and 2 bits a weight, none of it at 2 and 3
TINY = 1e-60  # where there is nothing but zeros


@dataclass(frozen=True)
class Lattice:
    """A matrix ready to be rounded at any spacing."""

    columns: Doubles  # (columns, rows), in the order of rounding
    order: NDArray[np.int64]
    shares: Doubles  # of a column's error that each later one takes, in that order
    curvature: float  # geometric mean of d_j
    row_scales: Integers
    column_scales: Integers  # in the matrix's own order
    shrinkage: Doubles  # a weight is aimed at 1 / (1 + shrinkage · spacing²) of itself, (columns, rows) in the order of rounding
    spread: float  # mean log₂ of the deviation expected of weights

    def bits(self) -> float:
        """Return the mean bits per weight at c = 1, were the weights normal."""
        scales = 0.5 * (self.row_scales.mean() + self.column_scales.mean())
        return float(GAUSSIAN_BITS + self.spread + 0.5 * math.log2(self.curvature) - scales)

    def spacing(self, c: float) -> float:
        """Return the matrix's spacing at c; it is coarser where the largest weight would be out of the coder's bounds."""
        finest = factors(np.array([self.row_scales.min() + self.column_scales.min()]))[0]
        return max(c / math.sqrt(self.curvature), float(np.abs(self.columns).max() / finest) / (MAX_MAGNITUDE // 4), 1e-30)

    def rounded(self, c: float) -> Integers:
        """Return the integers (rows, columns) at c."""
        from bytegolf.packing.viterbi import ARRIVALS, ColumnBlock, round_block  # numba takes a second to load

        spacing = float(np.float32(self.spacing(c)))
        column_spacings = spacing * factors(self.column_scales).astype(np.float64)[self.order]
        row_spacings = factors(self.row_scales).astype(np.float64)
        columns, levels = self.columns.copy(), np.empty(self.columns.shape, np.int32)
        for first in range(0, len(columns), COLUMN_BLOCK):
            inside = slice(first, first + COLUMN_BLOCK)
            own = np.ascontiguousarray(self.shares[inside, inside])
            block = ColumnBlock(columns[inside], own, column_spacings[inside], row_spacings, self.shrinkage[inside])
            round_block(block, ARRIVALS, levels[inside])
            columns[inside.stop :] -= self.shares[inside, inside.stop :].T @ block.columns
        integers = np.empty(levels.shape[::-1], np.int32)
        integers[:, self.order] = (levels >> 1).T
        return integers


def prepare_lattice(matrix: Tensor, curvature: Tensor, row_weights: Doubles | None, config: PackConfig) -> Lattice:
    """Return the lattice of a matrix (rows, columns) whose rows have one `curvature` (columns, columns), times ρ_r where there are any."""
    rows, columns = matrix.shape
    fed_back = feedback([curvature], config.damping, config.act_order)
    order, shares, error_weights = fed_back.order[0].numpy(), fed_back.shares[0].double().numpy(), fed_back.error_weights[0].numpy()
    mean = float(np.exp(np.log(error_weights).mean()))
    row_scales, column_scales = np.zeros(rows, np.int32), np.zeros(columns, np.int32)
    if row_weights is not None:
        row_scales = _half_octaves(row_weights)
    if rows >= ROWS_TO_SCALE_COLUMNS:
        column_scales[order] = _half_octaves(error_weights / mean)
    ordered = np.ascontiguousarray(matrix.numpy().T[order])
    squares = np.square(ordered)
    variances = np.outer(squares.mean(axis=1), squares.mean(axis=0)) / max(squares.mean(), TINY)
    variances = np.maximum(variances, 1e-12 * squares.max() + TINY)
    spread = 0.5 * float(np.log2(variances).mean())
    return Lattice(ordered, order, shares, mean, row_scales, column_scales, RATE_SHARE * TRELLIS_ERROR / variances, spread)


def _half_octaves(weights: Doubles) -> Integers:
    """Return −log₂ of the weights, rounded: spacings ∝ 1/√weight as exponents of √2."""
    scales: Integers = np.clip(np.rint(-np.log2(weights)), -LARGEST_SCALE // 2, LARGEST_SCALE // 2).astype(np.int32)
    return scales
