"""A model on trellises whose steps all follow from one number: rate-distortion optimal for a loss that is quadratic.

A change ΔW of a matrix costs ½ Σ_r ρ_r ΔW_r A ΔW_rᵀ nats a token, A and ρ from `curvature`. With error feedback (`gptq`) the
error of column j counts d_j, the square of its diagonal in the Cholesky factor of A. Bits are spent best where all weights
lose alike for one bit less: at steps Δ_rj = c / √(ρ_r d_j) (Gish and Pierce 1968; per column, WaterSIC, arXiv 2603.04956).
"""

import math
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bytegolf.artifact.container import stack_shape
from bytegolf.artifact.entropy import MAX_MAGNITUDE, Integers
from bytegolf.artifact.grid import GAUSSIAN_BITS
from bytegolf.artifact.states import LARGEST_SCALE
from bytegolf.artifact.trellis import TrellisCoded, factors
from bytegolf.config import CalibrationName, Recipe
from bytegolf.errors import InputError
from bytegolf.model.gpt import GPT, parameter_shapes, weight_class
from bytegolf.pack.allocate import fixed_bits
from bytegolf.pack.curvature import Curvatures, curvatures, row_uses
from bytegolf.pack.gptq import feedback
from bytegolf.pack.samples import calibration_batches, counted_batches
from bytegolf.text.shards import TokenStream

Doubles = NDArray[np.float64]

BLOCK = 64  # columns whose errors reach the columns after the block in one product
ROWS_TO_SCALE_COLUMNS = 64  # a column's scale takes 2 or 3 bits
RARE = 0.1  # of the mean: no row counts less
UNSEEN = 1e-6  # of the highest: no matrix counts less
CALIBRATED_BY = 0.5  # share of what calibration says of a table's rows; the rest is by how often they are read


@dataclass(frozen=True)
class Lattice:
    """A matrix ready to be rounded at any step."""

    columns: Doubles  # (columns, rows), in the order of rounding
    order: NDArray[np.int64]
    shares: Doubles  # of a column's error that each later one takes, in that order
    curvature: float  # geometric mean of d_j
    row_scales: Integers
    column_scales: Integers  # in the matrix's own order
    aims: Doubles  # 1 / variance expected of each weight, (columns, rows) in the order of rounding

    def bits(self) -> float:
        """Of each weight at c = 1, on average, were they normal."""
        spread = -0.5 * np.log2(self.aims).mean() + 0.5 * math.log2(self.curvature)
        scales = 0.5 * (self.row_scales.mean() + self.column_scales.mean())
        return float(GAUSSIAN_BITS + spread - scales)

    def step(self, c: float) -> float:
        """Coarser where the largest weight would be out of the coder's bounds."""
        finest = factors(np.array([self.row_scales.min() + self.column_scales.min()]))[0]
        return max(c / math.sqrt(self.curvature), float(np.abs(self.columns).max() / finest) / (MAX_MAGNITUDE // 4), 1e-30)


class Lattices:
    """All matrices of a model. Factored once; `at` then rounds them at any level: bits a weight, on average, were all normal.

    Classes to which the recipe itself gives bits have those at every level.
    """

    def __init__(
        self, weights: Mapping[str, Tensor], recipe: Recipe, curvatures: Curvatures, uses: Mapping[str, NDArray[np.int64]]
    ) -> None:
        self.stacks: dict[str, list[Lattice]] = {}
        self.fixed = fixed_bits(recipe.pack)
        highest = max(float(curvature.columns.diagonal(dim1=1, dim2=2).mean()) for curvature in curvatures.values())
        for name, shape in parameter_shapes(recipe.model).items():
            if not torch.isfinite(weights[name]).all():
                raise InputError(f"{name}: expected finite weights, found NaN or infinity")
            stack = weights[name].double().reshape(stack_shape(shape)).cpu()
            found = curvatures[name]
            least = max(UNSEEN * highest, 1e-30)
            prepared = [
                _prepare(name, matrix, found.columns[place], found.rows[place], least, uses.get(name), recipe)
                for place, matrix in enumerate(stack)
            ]
            self.stacks[name] = prepared

    def at(self, level: float) -> dict[str, TrellisCoded]:
        scales = self._scales(level)
        with ThreadPoolExecutor() as threads:  # each matrix is one thread's, so that their number changes nothing
            rounded = {name: [threads.submit(_round, lattice, scales[name]) for lattice in stack] for name, stack in self.stacks.items()}
            return {name: _stacked(self.stacks[name], scales[name], [job.result() for job in jobs]) for name, jobs in rounded.items()}

    def _scales(self, level: float) -> dict[str, float]:
        """Each parameter's c: one for all, but for classes whose bits are fixed."""
        scales: dict[str, float] = {}
        for bits, names in self._parts(level):
            lattices = [lattice for name in names for lattice in self.stacks[name]]
            scales.update(dict.fromkeys(names, _scale_of(lattices, bits)))
        return scales

    def _parts(self, level: float) -> Iterator[tuple[float, list[str]]]:
        """Parameters that share their bits, and those."""
        for kind, bits in self.fixed.items():
            yield bits, [name for name in self.stacks if weight_class(name) == kind]
        yield level, [name for name in self.stacks if weight_class(name) not in self.fixed]


def _scale_of(lattices: list[Lattice], level: float) -> float:
    """The c at which the bits of all weights are `level` on average, were they normal. What would have less than 0 has 0."""
    if not lattices:
        return 1.0
    bits = np.array([lattice.bits() for lattice in lattices])
    sizes = np.array([lattice.columns.size for lattice in lattices], float)
    low, high = float(bits.min()) - level, float(bits.max())  # of log₂ c
    for _ in range(64):
        middle = (low + high) / 2
        if sizes @ np.maximum(bits - middle, 0) > level * sizes.sum():
            low = middle
        else:
            high = middle
    return float(2.0**low)


def prepare_lattices(
    source: CalibrationName,
    model: GPT,
    weights: Mapping[str, Tensor],
    recipe: Recipe,
    tokens: TokenStream | None,
    advance: Callable[[int], None] = lambda _: None,
) -> Lattices:
    """From the curvature of `model`, which has the `weights`, on text of a source; training text is `tokens`."""
    batches = list(calibration_batches(source, model, recipe, tokens))
    counted = counted_batches(tokens, recipe.train.sequence_length) if source == "text" and tokens is not None else batches
    return Lattices(weights, recipe, curvatures(model, batches, advance), row_uses(model, counted))


def _stacked(stack: list[Lattice], c: float, integers: list[Integers]) -> TrellisCoded:
    return TrellisCoded(
        np.stack(integers),
        np.array([lattice.step(c) for lattice in stack], np.float32),
        np.stack([lattice.row_scales for lattice in stack]),
        np.stack([lattice.column_scales for lattice in stack]),
    )


def _prepare(
    name: str, matrix: Tensor, curvature: Tensor, by_row: Tensor, least: float, uses: NDArray[np.int64] | None, recipe: Recipe
) -> Lattice:
    rows, columns = matrix.shape
    if weight_class(name) == "control":
        curvature = torch.eye(columns, dtype=torch.float64) * curvature.diagonal().mean()
    curvature = curvature + torch.eye(columns, dtype=torch.float64) * least
    found = feedback([curvature], recipe.pack.damping, recipe.pack.act_order)
    order, shares, counted = found.order[0].numpy(), found.shares[0].double().numpy(), found.costs[0].numpy()
    mean = float(np.exp(np.log(counted).mean()))
    row_scales, column_scales = np.zeros(rows, np.int32), np.zeros(columns, np.int32)
    if uses is not None:
        row_scales = _half_octaves(_row_weights(by_row.numpy(), uses))
    if rows >= ROWS_TO_SCALE_COLUMNS:
        column_scales[order] = _half_octaves(counted / mean)
    ordered = np.ascontiguousarray(matrix.numpy().T[order])
    squares = np.square(ordered)
    variances = np.outer(squares.mean(axis=1), squares.mean(axis=0)) / max(squares.mean(), 1e-60)
    return Lattice(ordered, order, shares, mean, row_scales, column_scales, 1 / np.maximum(variances, 1e-12 * squares.max() + 1e-60))


def _row_weights(calibrated: Doubles, uses: NDArray[np.int64]) -> Doubles:
    """ρ of a table's rows, with mean 1."""
    seen = (uses + 1) / (uses + 1).mean()
    told = calibrated / max(float(calibrated.mean()), 1e-60)
    weights = np.maximum(CALIBRATED_BY * told + (1 - CALIBRATED_BY) * seen, RARE)
    return weights / weights.mean()


def _half_octaves(weights: Doubles) -> Integers:
    """Scales of steps ∝ 1/√weight."""
    scales: Integers = np.clip(np.rint(-np.log2(weights)), -LARGEST_SCALE // 2, LARGEST_SCALE // 2).astype(np.int32)
    return scales


def _round(lattice: Lattice, c: float) -> Integers:
    """Integers (rows, columns) at c."""
    from bytegolf.pack.viterbi import ARRIVALS, round_block  # numba takes a second to load

    step = float(np.float32(lattice.step(c)))
    column_steps = step * factors(lattice.column_scales).astype(np.float64)[lattice.order]
    row_steps = factors(lattice.row_scales).astype(np.float64)
    columns, levels = lattice.columns.copy(), np.empty(lattice.columns.shape, np.int32)
    for first in range(0, len(columns), BLOCK):
        inside = slice(first, first + BLOCK)
        block = columns[inside]
        own = np.ascontiguousarray(lattice.shares[inside, inside])
        round_block(block, own, column_steps[inside], row_steps, lattice.aims[inside], ARRIVALS, levels[inside])
        columns[inside.stop :] -= lattice.shares[inside, inside.stop :].T @ block
    integers = np.empty(levels.shape[::-1], np.int32)
    integers[:, lattice.order] = (levels >> 1).T
    return integers
