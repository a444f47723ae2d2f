"""A matrix is rounded by what the loss minds, every row and column on a grid of its own where that pays."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from bytegolf.artifact.magnitudes import MAX_MAGNITUDE
from bytegolf.artifact.trellis_states import NEXT
from bytegolf.artifact.trellis_weights import factors
from bytegolf.config import PackConfig
from bytegolf.packing.lattice import prepare_lattice

Matrix = NDArray[np.float64]
PLAIN = PackConfig(damping=1e-9)


def random_curvature(columns: int, spread: float = 1.0) -> torch.Tensor:
    random = np.random.default_rng(columns)
    sizes = np.exp(spread * random.standard_normal(columns))
    x = random.standard_normal((4 * columns, columns)) @ random.standard_normal((columns, columns)) * sizes
    return torch.from_numpy(x.T @ x / len(x))


def values_of(integers: NDArray[np.int32]) -> Matrix:
    """What integers (rows, columns) stand for in spacings, from the trellis's table alone."""
    values = np.empty(integers.shape)
    for column in range(integers.shape[1]):
        state = 0
        for row, integer in enumerate(integers[:, column]):
            values[row, column] = integer + (state % 2) / 2
            state = int(NEXT[state, integer % 2])
    return values


def loss(matrix: Matrix, again: Matrix, curvature: Matrix) -> float:
    change = matrix - again
    return float(np.einsum("ri,ij,rj->", change, curvature, change))


@pytest.mark.parametrize("rows", [8, 200])
def test_errors_are_made_good_by_later_columns(rows: int) -> None:
    """Twelve times less of a spacing's square than without: the loss is Σ d_j e_j², d_j what no later column can mend."""
    columns = 96
    curvature, matrix = random_curvature(columns), torch.from_numpy(np.random.default_rng(0).standard_normal((rows, columns)))
    lattice = prepare_lattice(matrix, curvature, None, PLAIN)
    c = 0.02 * float(lattice.curvature) ** 0.5
    values = values_of(lattice.rounded(c)) * lattice.spacing(c) * factors(lattice.column_scales)
    found = loss(matrix.numpy(), values, curvature.numpy())
    alone = prepare_lattice(matrix, torch.eye(columns, dtype=torch.float64), None, PLAIN)
    near = values_of(alone.rounded(lattice.spacing(c))) * alone.spacing(lattice.spacing(c))
    assert found < 0.25 * loss(matrix.numpy(), near, curvature.numpy())
    if rows > 8:  # so few have one spacing for all columns
        assert found == pytest.approx(rows * columns * c**2 * 0.78 / 12, rel=0.25)


def test_weights_all_lose_alike() -> None:
    """Spacing² × curvature is the same for all, to the half octave that scales have."""
    rows, columns = 128, 64
    curvature, matrix = random_curvature(columns), torch.from_numpy(np.random.default_rng(0).standard_normal((rows, columns)))
    weights = np.exp(np.random.default_rng(1).standard_normal(rows))
    lattice = prepare_lattice(matrix, curvature, weights, PLAIN)
    ordered = curvature[lattice.order][:, lattice.order]
    pivots = np.diag(np.linalg.cholesky(ordered.numpy()[::-1, ::-1]))[::-1] ** 2  # what is left of each column, later ones free
    own = np.empty(columns)
    own[lattice.order] = pivots
    minds = np.log2(weights)[:, None] + np.log2(own) + lattice.row_scales[:, None] + lattice.column_scales
    assert np.ptp(minds) <= 2.02
    assert 2 ** float(np.log2(own).mean()) == pytest.approx(lattice.curvature, rel=1e-3)


def test_a_short_matrix_has_no_spacings_by_column() -> None:
    lattice = prepare_lattice(torch.randn(8, 40, dtype=torch.float64), random_curvature(40), None, PLAIN)
    assert not lattice.column_scales.any() and not lattice.row_scales.any()


@pytest.mark.parametrize("value", [0.0, 1.0, 1e-30, 1e30, -7.25])
def test_constant_matrices(value: float) -> None:
    lattice = prepare_lattice(torch.full((70, 12), value, dtype=torch.float64), random_curvature(12), None, PLAIN)
    for c in (1e-3, 1.0, 1e3):
        integers = lattice.rounded(c)
        assert np.abs(integers).max() <= MAX_MAGNITUDE
        spacing = lattice.spacing(c)
        assert np.isfinite(spacing) and spacing > 0
        if value == 0:
            assert not integers.any()
