"""Runs and artifacts as models that score."""

from dataclasses import dataclass
from pathlib import Path

from bytegolf.artifact.container import Artifact
from bytegolf.artifact.finished_run import read_run
from bytegolf.coding.packed_model import PackedModel
from bytegolf.config import ScoreConfig
from bytegolf.errors import InputError
from bytegolf.model.gpt import GPT, model_from_weights
from bytegolf.runtime.device import choose_device
from bytegolf.text.dataset import Dataset
from bytegolf.text.tokenizer import Tokenizer


@dataclass(frozen=True)
class LoadedModel:
    """A model ready to score, from a run or an artifact, with its tokenizer and the way it is meant to be scored."""

    model: GPT
    tokenizer: Tokenizer
    score: ScoreConfig


def load_artifact(path: Path) -> Artifact:
    """Return what a `.bgz` file holds. Raises InputError for anything else."""
    return PackedModel(path).artifact


def load_model(source: Path, local_rank: int = 0) -> LoadedModel:
    """Return the model of a run folder (its final weights) or of an artifact, on the best device there is.

    Of several GPUs it takes number `local_rank`. Raises InputError for anything but a finished run or an artifact.
    """
    device = choose_device("auto", local_rank)
    if source.is_dir():
        run = read_run(source)
        return LoadedModel(model_from_weights(run.recipe.model, run.weights, device), run.tokenizer, run.recipe.score)
    artifact = load_artifact(source)
    return LoadedModel(artifact.model().to(device), artifact.tokenizer, artifact.score)


def require_same_tokenizer(dataset: Dataset, tokenizer: Tokenizer) -> Dataset:
    """Return `dataset`. Raises InputError unless its tokens are those of the model's `tokenizer`."""
    if dataset.tokenizer.sha256 != tokenizer.sha256:
        raise InputError(
            f"{dataset.folder.root}: expected the tokenizer the model was trained with, {tokenizer.name} ({tokenizer.sha256[:12]}), "
            f"found {dataset.tokenizer.name} ({dataset.tokenizer.sha256[:12]})"
        )
    return dataset
