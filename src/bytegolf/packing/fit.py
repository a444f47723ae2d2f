"""A model into a number of bytes: round and code it ever again until the file is just under its limit."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from torch import Tensor

from bytegolf.artifact.container import Artifact, trellis_coded, write_artifact
from bytegolf.artifact.sections import PackedFile
from bytegolf.artifact.static_coder import entropy_bits
from bytegolf.artifact.trellis_weights import trellis_entropy_bits
from bytegolf.config import Recipe
from bytegolf.model.weights import Bits, WeightClass, weight_class
from bytegolf.packing.allocate import GRIDS, TRELLISES, Allocation, highest_level
from bytegolf.packing.baseline import quantize_baseline
from bytegolf.packing.rate import Lattices
from bytegolf.packing.rounding import Rounding, nearest, quantize_model
from bytegolf.text.tokenizer import Tokenizer


@dataclass(frozen=True)
class Ladder:
    """The artifacts that one way to pack makes of a model: each more precise and larger than the one on the level below.

    Levels are bits a weight, or nearly.
    """

    at: Callable[[float], Artifact]
    lowest: float
    highest: float


@dataclass(frozen=True)
class Fitted:
    """An artifact and its file."""

    artifact: Artifact
    file: PackedFile

    @classmethod
    def of(cls, artifact: Artifact) -> "Fitted":
        return cls(artifact, write_artifact(artifact))

    @property
    def bits(self) -> Bits:
        """Bits a weight that the integers of each class came to."""
        weights: dict[WeightClass, int] = {}
        for name, weight in self.artifact.weights.items():
            kind = weight_class(name)
            weights[kind] = weights.get(kind, 0) + sum(weight.integers[place].size for place in weight.coded)
        return {kind: 8 * self.file.sections[kind] / count for kind, count in weights.items() if count and kind != "control"}

    @cached_property
    def entropy_bits_per_weight(self) -> float:
        """Entropy of the integers given all that the coder's histograms hang on, averaged over them; 0 if there are none.

        On a grid each matrix has a histogram.
        """
        weights = self.artifact.weights
        matrices = [weight.integers[place] for weight in weights.values() for place in weight.coded]
        bits = trellis_entropy_bits(weights) if trellis_coded(weights) else entropy_bits(matrices)
        return bits / max(1, sum(matrix.size for matrix in matrices))


def lattice_ladder(lattices: Lattices, recipe: Recipe, tokenizer: Tokenizer) -> Ladder:
    """Method rate."""

    def at(level: float) -> Artifact:
        return Artifact(recipe.model, recipe.score, tokenizer, lattices.at(level), {}, recipe.pack.coder)

    return Ladder(at, TRELLISES.lowest, TRELLISES.highest)


def grid_ladder(
    weights: Mapping[str, Tensor], recipe: Recipe, tokenizer: Tokenizer, rounding: Rounding = nearest, allocation: Allocation = GRIDS
) -> Ladder:
    """One grid for each matrix, its step by its class: method gptq, where `rounding` has error feedback."""

    def at(level: float) -> Artifact:
        return quantize_model(weights, recipe, tokenizer, allocation.bits(recipe.pack, level), rounding)

    return Ladder(at, allocation.lowest_level, allocation.highest_level)


def baseline_ladder(weights: Mapping[str, Tensor], recipe: Recipe, tokenizer: Tokenizer) -> Ladder:
    """Method seed, of fixed bits: there is one level."""
    return Ladder(lambda level: quantize_baseline(weights, recipe, tokenizer), 0, 0)


def fit(ladder: Ladder, limit: int, tried: Callable[[int], None] = lambda size: None) -> Fitted:
    """The highest on the ladder of at most `limit` bytes; `tried` hears the size of each attempt.

    Raises BudgetTooSmallError if there is none.
    """
    best: list[Fitted] = []  # the largest that fits

    def size_at(level: float) -> int:
        fitted = Fitted.of(ladder.at(level))
        size = len(fitted.file.data)
        tried(size)
        if size <= limit and (not best or size > len(best[0].file.data)):
            best[:] = [fitted]
        return size

    highest_level(size_at, limit, ladder.lowest, ladder.highest)
    return best[0]
