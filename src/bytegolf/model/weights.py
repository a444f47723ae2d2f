"""The names of a model's weights and their classes."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:  # reading an artifact needs the classes of weights, and not torch
    from torch import Tensor

Weights = Mapping[str, "Tensor"]  # by parameter
WeightClass = Literal["mlp", "attention", "embedding", "table", "projection", "control"]
Bits = Mapping[WeightClass, float]  # per weight

_CLASSES: dict[str, WeightClass] = {
    "banks.up": "mlp",
    "banks.down": "mlp",
    "banks.qo": "attention",
    "banks.kv": "attention",
    "tokens": "embedding",
    "head": "embedding",
    "bigram.table": "table",
    "trigram.table": "table",
    "value_embedding.table": "table",
    "bigram.projection": "projection",
    "trigram.projection": "projection",
    "value_embedding.projection": "projection",
}


def weight_class(name: str) -> WeightClass:
    """Return the class of a parameter. The optimiser, the packer and the report all group by it."""
    return _CLASSES.get(name, "control")
