"""All spacings of a model follow from one number, by what the loss minds."""

import os
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from bytegolf.errors import InputError
from bytegolf.names import CalibrationName
from bytegolf.packing.fit import Fitted, fit
from bytegolf.packing.gptq import ErrorFeedback
from bytegolf.packing.lattice import Lattice
from bytegolf.packing.methods import GridLadder, RateLadder
from bytegolf.packing.rate import Lattices, prepare_lattices
from bytegolf.text.tokenizer import BytesTokenizer
from support.packing_cases import RECIPE, random_lattices, small_weights
from support.runs import finished, prepared
from support.trained import Trained

TOKENIZER = BytesTokenizer()
BUDGETS = (9_000, 11_000, 13_000)


def test_it_loses_less_than_grids_do(trained: Trained) -> None:
    """At the same number of bytes."""
    grids = GridLadder(trained.weights, trained.recipe, TOKENIZER, ErrorFeedback(trained.moments, trained.recipe.pack))
    trellises = RateLadder(trained.lattices, trained.recipe, TOKENIZER)
    for budget in (8_000, 10_000, 13_000):
        on_trellises, on_grids = (trained.divergence(fit(ladder, budget).artifact.model()) for ladder in (trellises, grids))
        assert 0 < on_trellises < 0.7 * on_grids, (budget, on_trellises, on_grids)


def test_more_bytes_never_lose_more(trained: Trained) -> None:
    """From the smallest file to three times its size, in bits per byte of text that was held out."""
    ladder = RateLadder(trained.lattices, trained.recipe, TOKENIZER)
    smallest = len(Fitted.of(ladder.at(ladder.lowest)).file.data)
    losses = [trained.divergence(fit(ladder, budget).artifact.model()) for budget in range(smallest + 500, 3 * smallest, smallest // 3)]
    assert all(after <= before + 0.0005 for before, after in pairwise(losses)), losses
    assert losses[-1] < 0.05 * losses[0]


def test_spacings_by_row_pay(trained: Trained) -> None:
    """Of a model of bytes, most of which its text has never seen."""

    def without(lattice: Lattice) -> Lattice:
        return replace(lattice, row_scales=np.zeros_like(lattice.row_scales))

    plain = Lattices({name: [without(each) for each in stack] for name, stack in trained.lattices.stacks.items()}, {})
    kept, lost = (
        [np.log(trained.divergence(fit(RateLadder(each, trained.recipe, TOKENIZER), budget).artifact.model())) for budget in BUDGETS]
        for each in (trained.lattices, plain)
    )
    assert np.mean(kept) < np.mean(lost) - 0.4


def test_rows_that_are_seldom_read_have_coarse_spacings(trained: Trained) -> None:
    """By a half octave and more: of bytes that the text has not, and those it has most of."""
    [lattice] = trained.lattices.stacks["value_embedding.table"]
    seen = np.bincount(trained.stream[:], minlength=260)
    assert lattice.row_scales[seen == 0].mean() > lattice.row_scales[np.argsort(seen)[-5:]].mean() + 2


@pytest.mark.parametrize("source", ["text", "self", "random"])
def test_what_it_learns_from(trained: Trained, source: CalibrationName) -> None:
    """Text of the model's own does nearly as well as text it was trained on."""
    lattices = prepare_lattices(source, trained.model, trained.weights, trained.recipe, trained.stream)
    lost = trained.divergence(fit(RateLadder(lattices, trained.recipe, TOKENIZER), 10_000).artifact.model())
    known = trained.divergence(fit(RateLadder(trained.lattices, trained.recipe, TOKENIZER), 10_000).artifact.model())
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
