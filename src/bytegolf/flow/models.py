"""Runs and artifacts as models that score."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bytegolf.arrays import Floats
from bytegolf.artifact.container import Artifact
from bytegolf.coding.packed_model import PackedModel
from bytegolf.config import ExpertsConfig, ModelConfig, ScoreConfig
from bytegolf.errors import InputError
from bytegolf.exact.model import ExactModel
from bytegolf.text.dataset import Dataset
from bytegolf.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    from bytegolf.model.gpt import GPT
    from bytegolf.runtime.parallel import Group


@dataclass(frozen=True)
class LoadedModel:
    """The weights of a run or an artifact, with its tokenizer and the way it is meant to be scored."""

    config: ModelConfig
    weights: Mapping[str, Floats]
    tokenizer: Tokenizer
    score: ScoreConfig
    experts: ExpertsConfig | None

    def model(self, group: "Group | None" = None) -> "GPT":
        """Return the model in torch, ready to score, on the best device there is; of several GPUs each process of a group has its own."""
        import torch  # which takes seconds to load, and exact arithmetic has no use for

        from bytegolf.model.gpt import model_from_weights
        from bytegolf.runtime.device import choose_device
        from bytegolf.runtime.parallel import ALONE

        weights = {name: torch.from_numpy(values) for name, values in self.weights.items()}
        return model_from_weights(self.config, weights, choose_device("auto", group or ALONE))

    def exact_model(self) -> ExactModel:
        """Return the model in exact arithmetic. Raises InputError for weights that it cannot hold."""
        return ExactModel.of(self.config, self.weights)


def load_artifact(path: Path) -> Artifact:
    """Return what a `.bgz` file holds. Raises InputError for anything else."""
    return PackedModel(path).artifact


def load_model(source: Path) -> LoadedModel:
    """Return the final weights of a run folder, or those of an artifact. Raises InputError for anything else."""
    if source.is_dir():
        from bytegolf.artifact.finished_run import read_run

        run = read_run(source)
        weights = {name: values.numpy() for name, values in run.weights.items()}
        return LoadedModel(run.recipe.model, weights, run.tokenizer, run.recipe.score, run.recipe.experts_used)
    artifact = load_artifact(source)
    return LoadedModel(artifact.config, artifact.decoded(), artifact.tokenizer, artifact.score, artifact.experts)


def experts_used(own: ExpertsConfig | None, wanted: bool | None) -> ExpertsConfig | None:
    """Return the settings of experts, or None for none: the model's `own`, unless others are `wanted`."""
    if wanted is None:
        return own
    return (own or ExpertsConfig(enabled=True)) if wanted else None


def require_same_tokenizer(dataset: Dataset, tokenizer: Tokenizer) -> Dataset:
    """Return `dataset`. Raises InputError unless its tokens are those of the model's `tokenizer`."""
    if dataset.tokenizer.sha256 != tokenizer.sha256:
        raise InputError(
            f"{dataset.folder.root}: expected the tokenizer the model was trained with, {tokenizer.name} ({tokenizer.sha256[:12]}), "
            f"found {dataset.tokenizer.name} ({dataset.tokenizer.sha256[:12]})"
        )
    return dataset
