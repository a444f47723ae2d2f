"""A model into a number of bytes: allocate, quantise and code until the file is just under its limit."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

from bytegolf.artifact.container import Artifact, PackedFile, write_artifact
from bytegolf.artifact.entropy import entropy_bits
from bytegolf.config import Recipe
from bytegolf.pack.allocate import Bits, class_bits, highest_level
from bytegolf.pack.quantize import quantize_model
from bytegolf.text.tokenizer import Tokenizer


@dataclass(frozen=True)
class Fitted:
    """An artifact, its file, and the bits each class of weight was given."""

    artifact: Artifact
    file: PackedFile
    bits: Bits

    @property
    def entropy_bits_per_weight(self) -> float:
        """Order-0 entropy of each matrix's integers, averaged over all coded weights."""
        matrices = [matrix for weight in self.artifact.weights.values() for matrix in weight.integers]
        return entropy_bits(matrices) / sum(matrix.size for matrix in matrices)


def pack_at(weights: Mapping[str, Tensor], recipe: Recipe, tokenizer: Tokenizer, bits: Bits) -> Fitted:
    """The artifact at given bits, whatever its size."""
    artifact = quantize_model(weights, recipe, tokenizer, bits)
    return Fitted(artifact, write_artifact(artifact), bits)


def fit(
    weights: Mapping[str, Tensor], recipe: Recipe, tokenizer: Tokenizer, limit: int, tried: Callable[[int], None] = lambda size: None
) -> Fitted:
    """The most precise artifact of at most `limit` bytes; `tried` hears the size of each attempt.

    Raises BudgetTooSmallError if there is none.
    """

    def at(level: float) -> Fitted:
        return pack_at(weights, recipe, tokenizer, class_bits(recipe.pack, level))

    def size_at(level: float) -> int:
        size = len(at(level).file.data)
        tried(size)
        return size

    return at(highest_level(size_at, limit))
