"""A model on trellises whose spacings all follow from one number: rate-distortion optimal for a loss that is quadratic.

A change ΔW of a matrix adds ½ Σ_r ρ_r ΔW_r A ΔW_rᵀ nats per token to the loss. Bits are spent best where all weights lose alike for one
bit less: at spacings Δ_rj = c / √(ρ_r d_j) (Gish and Pierce 1968; per column, WaterSIC, arXiv 2603.04956).

| symbol | is | in code |
|---|---|---|
| A | curvature between the columns of a matrix, the mean over its rows, from `curvature` | `Curvature.columns`, `curvature` |
| ρ_r | weight of row r in the loss, with mean 1 | `row_weights`; in half octaves `row_scales` |
| d_j | what an error of column j still counts once later columns have made good what they can: the square of its diagonal in the
  Cholesky factor of A | `Feedback.error_weights`; in half octaves, over their geometric mean `Lattice.curvature`, `column_scales` |
| shares | how much of a column's error each later column takes, from the same factor (GPTQ) | `Lattice.shares` |
| c | the one number: the spacing of a weight with ρ_r d_j = 1 | `c` |
| level | the mean bits per weight at c, were all weights normal: what `fit` searches | `level` |
| spread | mean log₂ of the deviation expected of a matrix's weights; with c it gives their bits | `Lattice.spread` |
| shrinkage | how much lower a weight is aimed, by what its bits are worth, at a spacing of 1 | `Lattice.shrinkage` |
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bytegolf.arrays import Doubles, Integers
from bytegolf.artifact.shapes import stack_shape
from bytegolf.artifact.trellis_weights import TrellisStack
from bytegolf.config import PackConfig, Recipe
from bytegolf.errors import InputError
from bytegolf.model.gpt import GPT, model_from_weights
from bytegolf.model.shapes import parameter_shapes
from bytegolf.model.weights import Bits, Weights, weight_class
from bytegolf.names import CalibrationName
from bytegolf.packing.allocate import fixed_bits
from bytegolf.packing.calibration_text import calibration_batches, counted_batches
from bytegolf.packing.curvature import Curvatures, curvatures, row_uses
from bytegolf.packing.lattice import TINY, Lattice, prepare_lattice
from bytegolf.runtime.progress import Progress
from bytegolf.runtime.threads import on_threads
from bytegolf.text.shards import TokenStream

UNSEEN = 1e-6  # of the highest curvature: no matrix counts less
RARE = 0.1  # of the mean: no row counts less
CALIBRATED_BY = 0.5  # share of what calibration says of a table's rows; the rest is by how often they are read

Uses = Mapping[str, NDArray[np.int64]]  # how often each row of a lookup table is read


@dataclass(frozen=True)
class Lattices:
    """All matrices of a model by parameter, ready to be rounded at any level. Classes with `fixed` bits have those at every level."""

    stacks: Mapping[str, list[Lattice]]
    fixed: Bits

    @classmethod
    def of(cls, weights: Weights, recipe: Recipe, curvatures: Curvatures, uses: Uses) -> "Lattices":
        """Return the lattices of weights by their curvatures. Raises InputError for weights that are not finite."""
        highest = max(float(curvature.columns.diagonal(dim1=1, dim2=2).mean()) for curvature in curvatures.values())
        least = max(UNSEEN * highest, 1e-30)
        stacks = {}
        for name, shape in parameter_shapes(recipe.model).items():
            if not torch.isfinite(weights[name]).all():
                raise InputError(f"{name}: expected finite weights, found NaN or infinity")
            curvature = curvatures[name]
            alone = weight_class(name) == "control"  # gains have nothing to mend each other's errors with
            columns = curvature.columns.diagonal(dim1=1, dim2=2).mean(1, keepdim=True) if alone else curvature.columns
            row_weights = _row_weights(curvature.rows[0].numpy(), uses[name]) if name in uses else None
            stack = weights[name].cpu().double().reshape(stack_shape(shape))
            stacks[name] = _prepared(stack, columns, least, row_weights, recipe.pack)
        return cls(stacks, fixed_bits(recipe.pack))

    def at(self, level: float) -> dict[str, TrellisStack]:
        """Return the matrices rounded at `level` bits per weight on average, were all weights normal."""
        scales = self._scales(level)
        with ThreadPoolExecutor() as threads:  # each matrix is one thread's, so that their number changes nothing
            rounded = {name: [threads.submit(lattice.rounded, scales[name]) for lattice in stack] for name, stack in self.stacks.items()}
            return {name: _stacked(self.stacks[name], scales[name], [job.result() for job in jobs]) for name, jobs in rounded.items()}

    def _scales(self, level: float) -> dict[str, float]:
        """Return each parameter's c: one for all, but for classes whose bits are fixed."""
        scales: dict[str, float] = {}
        for bits, names in self._alike(level):
            lattices = [lattice for name in names for lattice in self.stacks[name]]
            scales.update(dict.fromkeys(names, _scale_of(lattices, bits)))
        return scales

    def _alike(self, level: float) -> Iterator[tuple[float, list[str]]]:
        """Yield groups of parameters that share one c, each with its mean bits per weight."""
        for kind, bits in self.fixed.items():
            yield bits, [name for name in self.stacks if weight_class(name) == kind]
        yield level, [name for name in self.stacks if weight_class(name) not in self.fixed]


def calibrated_lattices(recipe: Recipe, weights: Weights, tokens: TokenStream | None, device: torch.device) -> Lattices:
    """Return the lattices of every matrix, calibrated on training text, or without `tokens` on text of the model's own."""
    source = recipe.pack.calibration if tokens is not None or recipe.pack.calibration != "text" else "self"
    model = model_from_weights(recipe.model, weights, device)
    with Progress(f"calibrate by {source}", recipe.pack.calibration_tokens, "tokens") as progress:
        return prepare_lattices(source, model, weights, recipe, tokens, progress.advance)


def prepare_lattices(
    source: CalibrationName,
    model: GPT,
    weights: Weights,
    recipe: Recipe,
    tokens: TokenStream | None,
    advance: Callable[[int], None] = lambda _: None,
) -> Lattices:
    """Return the lattices of `weights` by the curvature of their `model` on text of a source; training text is `tokens`."""
    with on_threads(1):  # always the same bits
        batches = list(calibration_batches(source, model, recipe, tokens))
        counted = counted_batches(tokens, recipe.train.sequence_length) if source == "text" and tokens is not None else batches
        return Lattices.of(weights, recipe, curvatures(model, batches, advance), row_uses(model, counted))


def _scale_of(lattices: list[Lattice], level: float) -> float:
    """Return the c at which the bits of all weights are `level` on average, were they normal.

    Matrices that would get negative bits count as 0.
    """
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


def _stacked(stack: list[Lattice], c: float, integers: list[Integers]) -> TrellisStack:
    """Return a parameter as a file holds it, from the integers of its matrices at c."""
    return TrellisStack(
        np.stack(integers),
        np.array([lattice.spacing(c) for lattice in stack], np.float32),
        np.stack([lattice.row_scales for lattice in stack]),
        np.stack([lattice.column_scales for lattice in stack]),
    )


def _prepared(stack: Tensor, columns: Tensor, least: float, row_weights: Doubles | None, config: PackConfig) -> list[Lattice]:
    """Return the lattices of a stack (matrices, rows, columns), to whose curvature `least` is added.

    `columns` are curvatures (matrices, columns, columns), or (matrices, 1) ones that are the same for all columns.
    """
    size = stack.shape[2]
    curvatures = (columns if columns.dim() == 3 else columns.expand(-1, size).diag_embed()) + least * torch.eye(size, dtype=columns.dtype)
    with ThreadPoolExecutor() as threads:
        return list(threads.map(lambda matrix, curvature: prepare_lattice(matrix, curvature, row_weights, config), stack, curvatures))


def _row_weights(calibrated: Doubles, uses: NDArray[np.int64]) -> Doubles:
    """Return ρ of a table's rows, with mean 1."""
    seen = (uses + 1) / (uses + 1).mean()
    by_curvature = calibrated / max(float(calibrated.mean()), TINY)
    weights = np.maximum(CALIBRATED_BY * by_curvature + (1 - CALIBRATED_BY) * seen, RARE)
    return weights / weights.mean()
