"""What is exported of a model, wherever it comes from."""

from typing import NamedTuple

from bytegolf.arrays import WeightArrays
from bytegolf.config import ModelConfig, ScoreConfig
from bytegolf.text.tokenizer import Tokenizer


class ExportedModel(NamedTuple):
    """An architecture, its weights by the names of the model's parameters, its tokenizer and the way it is meant to be scored."""

    config: ModelConfig
    weights: WeightArrays
    tokenizer: Tokenizer
    score: ScoreConfig
