"""Models for exact arithmetic: weights as arrays and as lists, and texts; nothing here depends on a library's random numbers."""

import math
import random
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bytegolf.config import BOS, ModelConfig
from bytegolf.exact.model import ExactModel
from bytegolf.exact.output import Frequencies, integer_probabilities
from bytegolf.model.shapes import parameter_shapes

if TYPE_CHECKING:  # golden figures are checked where torch is not
    from bytegolf.model.gpt import GPT

Arrays = dict[str, NDArray[np.float32]]


def drawn_weights(config: ModelConfig, seed: int = 1) -> Arrays:
    """Every parameter of a model, uniform: the same on every machine."""
    draw = random.Random(seed)
    weights = {}
    for name, shape in parameter_shapes(config).items():
        width = 2 * (shape[-1] if len(shape) > 1 else 1) ** -0.5
        numbers = [draw.random() * 2 * width - width for _ in range(math.prod(shape))]
        weights[name] = np.array(numbers, np.float32).reshape(shape)
    return weights


def drawn_texts(config: ModelConfig, texts: int, length: int, seed: int = 2) -> NDArray[np.int64]:
    """Texts (texts, length) in which documents begin here and there."""
    draw = random.Random(seed)
    tokens = [BOS if draw.random() < 0.1 else draw.randrange(config.vocab_size) for _ in range(texts * length)]
    return np.array(tokens).reshape(texts, length)


def weights_of(model: "GPT") -> Arrays:
    return {name: parameter.detach().numpy() for name, parameter in model.named_parameters()}


def as_lists(weights: Arrays) -> dict[str, object]:
    return {name: values.astype(np.float64).tolist() for name, values in weights.items()}


def frequencies(model: ExactModel, hidden: NDArray[np.float64]) -> Frequencies:
    return integer_probabilities(model.logits(hidden))
