"""The grid of late QAT is the one that `pack` would choose for the same weights."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import bytegolf as bg
from bytegolf.artifact.finished_run import read_run
from bytegolf.artifact.trellis_weights import TrellisWeights
from bytegolf.errors import InputError
from bytegolf.flow.models import load_artifact
from bytegolf.model.weights import Weights
from bytegolf.packing.qat_grid import QatGrid, solve_qat_grid
from bytegolf.text.dataset import open_data
from support.runs import finished, micro, prepared


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepared(tmp_path_factory)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Finished, to be packed at other budgets, of which a run keeps a record."""
    return shutil.copytree(finished(tmp_path_factory), tmp_path_factory.mktemp("packed") / "run")


def solved(weights: Weights, data: Path, *overrides: str) -> QatGrid | None:
    dataset = open_data(data, None)
    return solve_qat_grid(micro(*overrides), weights, dataset.train, dataset.tokenizer, torch.device("cpu"))


@pytest.mark.parametrize("budget", [6_000, 12_000])
def test_it_is_the_grid_of_the_file_that_pack_writes(data: Path, run: Path, tmp_path: Path, budget: int) -> None:
    """Spacing for spacing, of every weight, at the budget of the recipe."""
    bg.pack(run, budget=budget, data=data, out=tmp_path / "file.bgz")
    packed = load_artifact(tmp_path / "file.bgz").weights
    assert isinstance(packed, TrellisWeights)
    found = solved(read_run(run).weights, data, f"pack.budget={budget}")
    assert found is not None and set(found.bits) == {"mlp", "attention", "embedding", "table", "projection"}
    assert set(found.stacks) == set(packed.stacks)
    for name, stack in found.stacks.items():
        assert np.array_equal(stack.weight_spacings(), packed.stacks[name].weight_spacings()), name


def test_a_budget_below_the_coarsest_grid_has_none_and_a_warning(data: Path, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert solved(read_run(run).weights, data, "pack.budget=800") is None
    said = capsys.readouterr().err
    assert "warning: pack.budget: expected at least " in said and "found 800; training goes on without QAT" in said


def test_a_model_that_diverged_is_refused_in_a_line(data: Path, run: Path) -> None:
    weights = {name: torch.full_like(weight, torch.nan) for name, weight in read_run(run).weights.items()}
    with pytest.raises(InputError, match="its training diverged"):
        solved(weights, data)
