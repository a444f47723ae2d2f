"""A finished run is read with its recipe, weights and tokenizer, and what is no finished run is refused in one line."""

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from bytegolf.artifact.finished_run import read_run
from bytegolf.errors import InputError
from bytegolf.recipes import load_recipe
from support.runs import finished


@pytest.fixture
def run(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Path:
    """Finished, to be changed."""
    return shutil.copytree(finished(tmp_path_factory), tmp_path / "run")


def test_what_packing_and_scoring_need(run: Path) -> None:
    trained = read_run(run)
    assert trained.recipe == load_recipe(run / "recipe.toml")
    assert trained.tokenizer.vocab_size == trained.recipe.model.vocab_size
    assert trained.folder.root == run
    assert all(weight.dtype == torch.float32 for weight in trained.weights.values())


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        ("manifest.json", "run"),
        ("recipe.toml", "expected a run folder, found no recipe.toml in it"),
        ("weights.safetensors", "expected the run's weights, found"),
        ("bytes", "expected a run folder, found no tokenizer in it"),
    ],
)
def test_what_is_missing_is_named(run: Path, missing: str, expected: str) -> None:
    (run / missing).unlink()
    with pytest.raises(InputError, match=expected):
        read_run(run)


def test_weights_of_another_model(run: Path) -> None:
    weights = load_file(run / "weights.safetensors")
    weights.pop("tokens")
    save_file(weights, run / "weights.safetensors")
    with pytest.raises(InputError, match=r"expected the weights of .*recipe\.toml, found those of another model"):
        read_run(run)
