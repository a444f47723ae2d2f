"""Load runs and artifacts as models that score."""

from dataclasses import dataclass
from pathlib import Path

from bytegolf.artifact.container import Artifact, read_artifact
from bytegolf.artifact.finished_run import read_run
from bytegolf.config import ScoreConfig
from bytegolf.errors import InputError
from bytegolf.model.gpt import GPT, model_from_weights
from bytegolf.runtime.device import choose_device
from bytegolf.text.dataset import Dataset
from bytegolf.text.tokenizer import Tokenizer


@dataclass(frozen=True)
class LoadedModel:
    """A model ready to score, from a run or an artifact."""

    model: GPT
    tokenizer: Tokenizer
    score: ScoreConfig


def load_artifact(path: Path) -> Artifact:
    """Read a `.bgz` file. Raises InputError for anything else."""
    if not path.is_file():
        raise InputError(f"{path}: expected an artifact, found {'a folder' if path.is_dir() else 'nothing'}")
    return read_artifact(path.read_bytes(), str(path))


def load_model(source: Path, local_rank: int = 0) -> LoadedModel:
    """Load the model of an artifact, or of a run folder with its final weights, on the best device available.

    On a machine with several GPUs, that is GPU `local_rank`.
    """
    device = choose_device("auto", local_rank)
    if source.is_dir():
        run = read_run(source)
        return LoadedModel(model_from_weights(run.recipe.model, run.weights, device), run.tokenizer, run.recipe.score)
    artifact = load_artifact(source)
    return LoadedModel(artifact.model().to(device), artifact.tokenizer, artifact.score)


def require_same_tokenizer(dataset: Dataset, tokenizer: Tokenizer) -> Dataset:
    """Return `dataset`. Raises InputError if its tokenizer is not the model's."""
    if dataset.tokenizer.sha256 != tokenizer.sha256:
        raise InputError(
            f"{dataset.folder.root}: expected the tokenizer the model was trained with, {tokenizer.name} ({tokenizer.sha256[:12]}), "
            f"found {dataset.tokenizer.name} ({dataset.tokenizer.sha256[:12]})"
        )
    return dataset
