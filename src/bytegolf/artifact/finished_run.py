"""The final weights of a finished run, with the recipe and the tokenizer they belong to."""

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from bytegolf.config import Recipe
from bytegolf.errors import InputError
from bytegolf.model.shapes import parameter_shapes
from bytegolf.recipes import read_recipe
from bytegolf.storage.run_folder import RunFolder
from bytegolf.text.tokenizer import Tokenizer, load_tokenizer


@dataclass(frozen=True)
class FinishedRun:
    """A finished run as packing and scoring need it: recipe, final averaged weights (float32) and tokenizer."""

    folder: RunFolder
    recipe: Recipe
    weights: dict[str, Tensor]
    tokenizer: Tokenizer


def read_run(root: Path) -> FinishedRun:
    """Return the finished run of a folder. Raises InputError if `root` is none."""
    run = RunFolder(root)
    run.read_manifest()
    if not run.recipe.exists():
        raise InputError(f"{root}: expected a run folder, found no recipe.toml in it")
    recipe = read_recipe(run.recipe)
    try:
        weights = load_file(run.weights)
    except (OSError, SafetensorError) as error:
        raise InputError(f"{run.weights}: expected the run's weights, found {error}") from None
    if {name: weight.shape for name, weight in weights.items()} != parameter_shapes(recipe.model):
        raise InputError(f"{run.weights}: expected the weights of {run.recipe}, found those of another model")
    wrong = next((name for name, weight in weights.items() if weight.dtype != torch.float32 or not weight.isfinite().all()), None)
    if wrong is not None:
        raise InputError(f"{run.weights}: expected finite weights in float32, found others in {wrong}")
    tokenizer = next((path for path in (root / "tokenizer.model", root / "bytes") if path.exists()), None)
    if tokenizer is None:
        raise InputError(f"{root}: expected a run folder, found no tokenizer in it")
    return FinishedRun(run, recipe, weights, load_tokenizer(tokenizer))
