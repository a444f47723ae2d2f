"""Spacings from one number, by what the loss minds; every row and column on its own where that pays."""

import os
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from bytegolf.artifact.static_coder import MAX_MAGNITUDE
from bytegolf.artifact.trellis_states import NEXT
from bytegolf.artifact.trellis_weights import factors
from bytegolf.config import PackConfig
from bytegolf.errors import InputError
from bytegolf.names import CalibrationName
from bytegolf.packing.fit import Fitted, fit, grid_ladder, lattice_ladder
from bytegolf.packing.gptq import ErrorFeedback
from bytegolf.packing.lattice import Lattice, prepare_lattice
from bytegolf.packing.rate import Lattices, prepare_lattices
from bytegolf.text.tokenizer import BytesTokenizer
from support.packing_cases import RECIPE, random_lattices, small_weights
from support.runs import finished, prepared
from support.trained import Trained

TOKENIZER = BytesTokenizer()
BUDGETS = (9_000, 11_000, 13_000)
Matrix = NDArray[np.float64]
PLAIN = PackConfig(damping=1e-9)


def random_curvature(columns: int, spread: float = 1.0) -> torch.Tensor:
    random = np.random.default_rng(columns)
    sizes = np.exp(spread * random.standard_normal(columns))
    x = random.standard_normal((4 * columns, columns)) @ random.standard_normal((columns, columns)) * sizes
    return torch.from_numpy(x.T @ x / len(x))


def values_of(integers: NDArray[np.int32]) -> Matrix:
    """What integers (rows, columns) stand for in steps, from the trellis's table alone."""
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


# --- one matrix


@pytest.mark.parametrize("rows", [8, 200])
def test_errors_are_made_good_by_later_columns(rows: int) -> None:
    """Of a step's square twelve times less than without: the loss is Σ d_j e_j², d_j what no later column can mend."""
    columns = 96
    curvature, matrix = random_curvature(columns), torch.from_numpy(np.random.default_rng(0).standard_normal((rows, columns)))
    lattice = prepare_lattice(matrix, curvature, None, PLAIN)
    c = 0.02 * float(lattice.curvature) ** 0.5
    values = values_of(lattice.rounded(c)) * lattice.step(c) * factors(lattice.column_scales)
    found = loss(matrix.numpy(), values, curvature.numpy())
    alone = prepare_lattice(matrix, torch.eye(columns, dtype=torch.float64), None, PLAIN)
    near = values_of(alone.rounded(lattice.step(c))) * alone.step(lattice.step(c))
    assert found < 0.25 * loss(matrix.numpy(), near, curvature.numpy())
    if rows > 8:  # so few have one step for all columns
        assert found == pytest.approx(rows * columns * c**2 * 0.78 / 12, rel=0.25)


def test_weights_all_lose_alike() -> None:
    """Step² × curvature is the same for all, to the half octave that scales are told in."""
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


def test_a_short_matrix_has_no_steps_by_column() -> None:
    lattice = prepare_lattice(torch.randn(8, 40, dtype=torch.float64), random_curvature(40), None, PLAIN)
    assert not lattice.column_scales.any() and not lattice.row_scales.any()


@pytest.mark.parametrize("value", [0.0, 1.0, 1e-30, 1e30, -7.25])
def test_constant_matrices(value: float) -> None:
    lattice = prepare_lattice(torch.full((70, 12), value, dtype=torch.float64), random_curvature(12), None, PLAIN)
    for c in (1e-3, 1.0, 1e3):
        integers = lattice.rounded(c)
        assert np.abs(integers).max() <= MAX_MAGNITUDE
        step = lattice.step(c)
        assert np.isfinite(step) and step > 0
        if value == 0:
            assert not integers.any()


# --- all of them


def test_it_loses_less_than_grids_do(trained: Trained) -> None:
    """At the same number of bytes."""
    grids = grid_ladder(trained.weights, trained.recipe, TOKENIZER, ErrorFeedback(trained.moments, trained.recipe.pack))
    trellises = lattice_ladder(trained.lattices, trained.recipe, TOKENIZER)
    for budget in (8_000, 10_000, 13_000):
        ours, theirs = (trained.divergence(fit(ladder, budget).artifact.model()) for ladder in (trellises, grids))
        assert 0 < ours < 0.7 * theirs, (budget, ours, theirs)


def test_more_bytes_never_lose_more(trained: Trained) -> None:
    """From the smallest file to three times its size, in bits per byte of text that was held out."""
    ladder = lattice_ladder(trained.lattices, trained.recipe, TOKENIZER)
    smallest = len(Fitted.of(ladder.at(ladder.lowest)).file.data)
    losses = [trained.divergence(fit(ladder, budget).artifact.model()) for budget in range(smallest + 500, 3 * smallest, smallest // 3)]
    assert all(after <= before + 0.0005 for before, after in pairwise(losses)), losses
    assert losses[-1] < 0.05 * losses[0]


def test_steps_by_row_pay(trained: Trained) -> None:
    """Of a model of bytes, most of which its text has never seen."""

    def without(lattice: Lattice) -> Lattice:
        return replace(lattice, row_scales=np.zeros_like(lattice.row_scales))

    plain = Lattices({name: [without(each) for each in stack] for name, stack in trained.lattices.stacks.items()}, {})
    kept, lost = (
        [np.log(trained.divergence(fit(lattice_ladder(each, trained.recipe, TOKENIZER), budget).artifact.model())) for budget in BUDGETS]
        for each in (trained.lattices, plain)
    )
    assert np.mean(kept) < np.mean(lost) - 0.4


def test_rows_that_are_seldom_read_have_coarse_steps(trained: Trained) -> None:
    """By a half octave and more: of bytes that the text has not, and those it has most of."""
    [lattice] = trained.lattices.stacks["value_embedding.table"]
    seen = np.bincount(trained.stream[:], minlength=260)
    assert lattice.row_scales[seen == 0].mean() > lattice.row_scales[np.argsort(seen)[-5:]].mean() + 2


@pytest.mark.parametrize("source", ["text", "self", "random"])
def test_what_it_learns_from(trained: Trained, source: CalibrationName) -> None:
    """Text of the model's own does nearly as well as text it was trained on."""
    lattices = prepare_lattices(source, trained.model, trained.weights, trained.recipe, trained.stream)
    lost = trained.divergence(fit(lattice_ladder(lattices, trained.recipe, TOKENIZER), 10_000).artifact.model())
    known = trained.divergence(fit(lattice_ladder(trained.lattices, trained.recipe, TOKENIZER), 10_000).artifact.model())
    assert lost <= {"text": 1.0, "self": 1.5, "random": 12.0}[source] * known + 1e-9


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_weights_that_are_no_numbers(bad: float) -> None:
    weights = small_weights()
    known = random_lattices(weights, RECIPE)
    assert known.stacks
    weights["banks.up"][0, 1, 2] = bad
    with pytest.raises(InputError, match=r"^(model|banks.up): expected finite"):
        random_lattices(weights, RECIPE)


PACK = """
import sys, torch
from pathlib import Path
import bytegolf as bg
torch.set_num_threads(int(sys.argv[1]))
bg.pack(Path(sys.argv[2]), budget=20_000, data=Path(sys.argv[3]) if sys.argv[3] != "-" else None, out=Path(sys.argv[4]))
"""


@pytest.mark.parametrize("with_text", [True, False])
def test_same_input_same_bytes(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, with_text: bool) -> None:
    """Twice, and on one thread or two."""
    run, data = finished(tmp_path_factory), prepared(tmp_path_factory)
    files = []
    for place, threads in enumerate((1, 2, 2)):
        out = tmp_path / f"{place}.bgz"
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONPATH": os.pathsep.join(sys.path)}
        source = str(data) if with_text else "-"
        subprocess.run([sys.executable, "-c", PACK, str(threads), str(run), source, str(out)], check=True, env=environment)
        files.append(out.read_bytes())
    assert files[0] == files[1] == files[2]
