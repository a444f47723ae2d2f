"""The protocol of an artifact's weights, however they are stored.

Two classes store weights: `GridWeights` (methods gptq and baseline) and `TrellisWeights` (method rate). The header of a file names the
kind and says what has to be known before sections can be read; a third kind is a class and a `Storage` more, and a line in `header` and
`container`.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from bytegolf.arrays import Floats, Integers
from bytegolf.model.weights import WeightClass
from bytegolf.names import CoderName

GROUPS: tuple[WeightClass, ...] = ("mlp", "attention", "embedding", "table", "projection")  # sections of coded integers


class Storage(BaseModel):
    """The header's entry for the weights, beside their kind."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    coder: CoderName = "range"

    @property
    def section_names(self) -> tuple[str, ...]:
        """Return the names of the sections of weights, in the order of the file."""
        raise NotImplementedError


class Stack(Protocol):
    """A parameter as a stack of matrices."""

    @property
    def integers(self) -> Integers:
        """Return the integers (matrices, rows, columns); 0 where a matrix is stored otherwise."""
        ...

    def coded(self) -> list[Integers]:
        """Return the matrices that are integers."""
        ...

    def values(self) -> Floats:
        """Return the weights, float32 (matrices, rows, columns)."""
        ...


class StoredWeights(Protocol):
    """The parameters of a model as a file stores them."""

    @property
    def stacks(self) -> Mapping[str, Stack]:
        """Return the parameters that are stacks of integers, in the model's order."""
        ...

    def holds(self, names: Sequence[str]) -> bool:
        """Return whether these are the parameters, in this order."""
        ...

    def storage(self, coder: CoderName) -> Storage:
        """Return what the header says of the weights."""
        ...

    def sections(self, coder: CoderName) -> dict[str, bytes]:
        """Return the sections that hold the weights, by the names of their `storage`."""
        ...

    def coded(self) -> dict[str, list[Integers]]:
        """Return all integer matrices by section, in the order in which the checksum of integers runs over them."""
        ...

    def values(self, name: str) -> Floats:
        """Return the weights of a parameter, float32, in its shape or in that of its stack."""
        ...

    def entropy_bits(self) -> float:
        """Return the bits that an ideal coder would need for the integers of all stacks, had it known their histograms."""
        ...
