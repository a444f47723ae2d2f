"""A model into a number of bytes: round and code it again and again, until the file is just under its limit."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from bytegolf.artifact.container import Artifact, write_artifact
from bytegolf.artifact.sections import PackedFile
from bytegolf.model.weights import Bits, WeightClass, weight_class
from bytegolf.packing.search import largest_fitting


class Ladder(Protocol):
    """The artifacts that one method makes of a model, by level: each is more precise, and larger, than those of lower levels.

    Levels are bits per weight, or nearly. `methods` has a class for each method.
    """

    @property
    def lowest(self) -> float:
        """Return the lowest level."""
        ...

    @property
    def highest(self) -> float:
        """Return the highest level."""
        ...

    def at(self, level: float) -> Artifact:
        """Return the artifact of a level."""
        ...


@dataclass(frozen=True)
class Fitted:
    """An artifact and its file."""

    artifact: Artifact
    file: PackedFile

    @classmethod
    def of(cls, artifact: Artifact) -> "Fitted":
        """Return an artifact with its file."""
        return cls(artifact, write_artifact(artifact))

    @property
    def size(self) -> int:
        """Return the size of the file in bytes."""
        return len(self.file.data)

    @property
    def bits(self) -> Bits:
        """Return the bits per weight that the integers of each class came to; a class without integers has none."""
        weights: dict[WeightClass, int] = {}
        for name, stack in self.artifact.weights.stacks.items():
            kind = weight_class(name)
            weights[kind] = weights.get(kind, 0) + sum(matrix.size for matrix in stack.coded())
        return {kind: 8 * self.file.sections[kind] / count for kind, count in weights.items() if count and kind != "control"}

    @cached_property
    def entropy_bits_per_weight(self) -> float:
        """Return the mean entropy of the integers, given all that their coder's histograms depend on; 0 if there are no integers.

        On a grid that is the order-0 entropy of each matrix.
        """
        weights = self.artifact.weights
        count = sum(matrix.size for stack in weights.stacks.values() for matrix in stack.coded())
        return weights.entropy_bits() / max(1, count)


def fit(ladder: Ladder, limit: int, tried: Callable[[int], None] = lambda size: None) -> Fitted:
    """Return the largest artifact on the ladder of at most `limit` bytes; `tried` is called with the size of each attempt.

    Raises BudgetTooSmallError if there is none.
    """

    def build(level: float) -> Fitted:
        fitted = Fitted.of(ladder.at(level))
        tried(fitted.size)
        return fitted

    return largest_fitting(build, lambda fitted: fitted.size, limit, ladder.lowest, ladder.highest)
