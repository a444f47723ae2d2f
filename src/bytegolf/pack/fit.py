"""A model into a number of bytes: allocate, quantise and code until the file is just under its limit."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

from bytegolf.artifact.container import Artifact, write_artifact
from bytegolf.artifact.entropy import entropy_bits
from bytegolf.artifact.sections import PackedFile
from bytegolf.config import Recipe
from bytegolf.pack.allocate import Bits, BudgetTooSmallError, class_bits, highest_level
from bytegolf.pack.quantize import Rounding, nearest, quantize_model
from bytegolf.pack.seed import class_widths, quantize_seed
from bytegolf.text.tokenizer import Tokenizer


@dataclass(frozen=True)
class Fitted:
    """An artifact, its file, and the bits each class of weight was given."""

    artifact: Artifact
    file: PackedFile
    bits: Bits

    @property
    def entropy_bits_per_weight(self) -> float:
        """Order-0 entropy of each matrix's integers, averaged over the weights that are integers; 0 if none are."""
        matrices = [weight.integers[place] for weight in self.artifact.weights.values() for place in weight.coded]
        return entropy_bits(matrices) / max(1, sum(matrix.size for matrix in matrices))


def pack_at(weights: Mapping[str, Tensor], recipe: Recipe, tokenizer: Tokenizer, bits: Bits, rounding: Rounding = nearest) -> Fitted:
    """The artifact at given bits, whatever its size. Method seed has bits of its own."""
    if recipe.pack.method == "seed":
        artifact, bits = quantize_seed(weights, recipe, tokenizer), class_widths(recipe.pack)
    else:
        artifact = quantize_model(weights, recipe, tokenizer, bits, rounding)
    return Fitted(artifact, write_artifact(artifact), bits)


def fit(
    weights: Mapping[str, Tensor],
    recipe: Recipe,
    tokenizer: Tokenizer,
    limit: int,
    tried: Callable[[int], None] = lambda size: None,
    rounding: Rounding = nearest,
) -> Fitted:
    """The most precise artifact of at most `limit` bytes, the only one there is by method seed; `tried` hears the size of each attempt.

    Raises BudgetTooSmallError if there is none.
    """

    def at(level: float) -> Fitted:
        return pack_at(weights, recipe, tokenizer, class_bits(recipe.pack, level), rounding)

    def size_at(level: float) -> int:
        size = len(at(level).file.data)
        tried(size)
        return size

    if recipe.pack.method == "seed":
        fitted = at(0)
        size = len(fitted.file.data)
        tried(size)
        if size > limit:
            raise BudgetTooSmallError(size)
        return fitted
    return at(highest_level(size_at, limit))
