"""Weights on grids as a file holds them: integers times spacings, matrices kept in float16, and controls in float16."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Literal, NamedTuple

import numpy as np
from pydantic import Field, NonNegativeInt

from bytegolf.arrays import Floats, Halves, Integers
from bytegolf.artifact.coders import decode_grid, encode_grid
from bytegolf.artifact.float16 import half_patterns, halves_from
from bytegolf.artifact.general_coders import MatrixShape
from bytegolf.artifact.sections import ArrayReader
from bytegolf.artifact.shapes import StackShape, stack_shapes
from bytegolf.artifact.static_coder import entropy_bits
from bytegolf.artifact.stored_weights import GROUPS, Storage
from bytegolf.config import ModelConfig
from bytegolf.model.shapes import parameter_shapes
from bytegolf.model.weights import weight_class
from bytegolf.names import CoderName

CODED = (*GROUPS, "row_spacings", "kept")  # sections that are matrices of integers


@dataclass(frozen=True)
class GridStack:
    """A parameter as a stack of matrices: integers times spacings, but for those that are kept in float16.

    `integers` (matrices, rows, columns) and `spacings` are 0 where a matrix is kept. `spacings` are float32, one per matrix, or
    float16 (matrices, rows). `kept` has the other matrices (rows, columns) by their place in the stack.
    """

    integers: Integers
    spacings: Floats | Halves
    kept: Mapping[int, Halves] = field(default_factory=dict)

    @property
    def by_row(self) -> bool:
        """Return whether every row has a spacing of its own."""
        return self.spacings.ndim == 2

    @property
    def places(self) -> list[int]:
        """Return the places of the matrices that are integers."""
        return [place for place in range(len(self.integers)) if place not in self.kept]

    def coded(self) -> list[Integers]:
        """Return the matrices that are integers."""
        return [self.integers[place] for place in self.places]

    def values(self) -> Floats:
        """Return the weights, float32 (matrices, rows, columns)."""
        values: Floats = self.integers.astype(np.float32) * self.spacings.astype(np.float32).reshape(len(self.integers), -1, 1)
        for place, matrix in self.kept.items():
            values[place] = matrix
        return values


class GridStorage(Storage):
    """The header's entry for weights on grids."""

    kind: Literal["grid"]
    rows: list[str] = Field([], description="parameters with a spacing per row, in the model's order")
    kept: dict[str, list[NonNegativeInt]] = Field({}, description="places of float16 matrices in their stacks, ascending")

    @property
    def section_names(self) -> tuple[str, ...]:
        """Return the names of the sections: row spacings and kept matrices have one only where there are any."""
        optional = {"row_spacings": self.rows, "kept": self.kept}
        return ("spacings", "controls", *GROUPS, *(name for name, parameters in optional.items() if parameters))

    def require_parameters(self, shapes: Mapping[str, StackShape]) -> None:
        """Raise ValueError if rows or places are named that the model has not."""
        if {*self.rows, *self.kept} - shapes.keys() or self.rows != [name for name in shapes if name in self.rows]:
            raise ValueError("storage of parameters that the model has not")
        if any(kept != sorted({*kept} & {*range(shapes[name].matrices)}) for name, kept in self.kept.items()):
            raise ValueError("places of matrices that the model has not")

    def coded_places(self, name: str, shape: StackShape) -> list[int]:
        """Return the places of a parameter's matrices that are integers."""
        return [place for place in range(shape.matrices) if place not in self.kept.get(name, [])]


@dataclass(frozen=True)
class GridWeights:
    """The parameters of a model on grids: `stacks` of all that are no controls, and `controls`, both in the model's order."""

    stacks: Mapping[str, GridStack]
    controls: Mapping[str, Halves]

    @classmethod
    def from_sections(cls, storage: GridStorage, config: ModelConfig, sections: Mapping[str, bytes]) -> "GridWeights":
        """Return a model's parameters. Raises ValueError or CorruptStreamError where the sections do not hold just them."""
        stacks = {name: shape for name, shape in stack_shapes(config).items() if weight_class(name) != "control"}
        storage.require_parameters(stacks)
        reader = _StackReader.of(storage, stacks, sections)
        read = {name: reader.take(name, shape) for name, shape in stacks.items()}
        reader.spacings.close()
        return cls(read, _read_controls(sections["controls"], config))

    def holds(self, names: Sequence[str]) -> bool:
        """Return whether these are the parameters, in this order."""
        controls = [name for name in names if weight_class(name) == "control"]
        return [*self.controls] == controls and [*self.stacks] == [name for name in names if name not in controls]

    def storage(self, coder: CoderName) -> GridStorage:
        """Return what the header says of the weights."""
        rows = [name for name, stack in self.stacks.items() if stack.by_row]
        kept = {name: sorted(stack.kept) for name, stack in self.stacks.items() if stack.kept}
        return GridStorage(kind="grid", coder=coder, rows=rows, kept=kept)

    def sections(self, coder: CoderName) -> dict[str, bytes]:
        """Return the sections that hold the weights."""
        spacings = [stack.spacings[stack.places] for stack in self.stacks.values() if not stack.by_row]
        every = {
            "spacings": b"".join(spacing.astype("<f4").tobytes() for spacing in spacings),
            "controls": b"".join(control.astype("<f2").tobytes() for control in self.controls.values()),
            **{name: encode_grid(coder, matrices) for name, matrices in self.coded().items()},
        }
        return {name: every[name] for name in self.storage(coder).section_names}

    def coded(self) -> dict[str, list[Integers]]:
        """Return the matrices of each section of CODED."""
        matrices: dict[str, list[Integers]] = {section: [] for section in CODED}
        for name, stack in self.stacks.items():
            matrices[weight_class(name)] += stack.coded()
            if stack.by_row and stack.places:
                matrices["row_spacings"].append(half_patterns(stack.spacings[stack.places].astype(np.float16)))
            matrices["kept"] += [half_patterns(stack.kept[place]) for place in sorted(stack.kept)]
        return matrices

    def values(self, name: str) -> Floats:
        """Return the weights of a parameter, float32."""
        return self.stacks[name].values() if name in self.stacks else self.controls[name].astype(np.float32)

    def entropy_bits(self) -> float:
        """Return the order-0 entropy of each matrix's integers, summed."""
        return entropy_bits([matrix for stack in self.stacks.values() for matrix in stack.coded()])


class _StackReader(NamedTuple):
    """Takes stacks from decoded sections, one after the other."""

    storage: GridStorage
    matrices: Mapping[str, Iterator[Integers]]  # by section
    spacings: ArrayReader

    @classmethod
    def of(cls, storage: GridStorage, stacks: Mapping[str, StackShape], sections: Mapping[str, bytes]) -> "_StackReader":
        """Return a reader of stacks of these shapes, the sections of which are decoded."""
        shapes: dict[str, list[MatrixShape]] = {section: [] for section in CODED}
        for name, shape in stacks.items():
            places = storage.coded_places(name, shape)
            shapes[weight_class(name)] += [shape[1:]] * len(places)
            if name in storage.rows and places:
                shapes["row_spacings"].append((len(places), shape.rows))
            shapes["kept"] += [shape[1:]] * (shape.matrices - len(places))
        matrices = {section: iter(decode_grid(storage.coder, sections.get(section, b""), shapes[section])) for section in CODED}
        return cls(storage, matrices, ArrayReader(sections["spacings"], "<f4"))

    def take(self, name: str, shape: StackShape) -> GridStack:
        """Return the next parameter."""
        places, integers = self.storage.coded_places(name, shape), np.zeros(shape, np.int32)
        for place in places:
            integers[place] = next(self.matrices[weight_class(name)])
        kept = {place: halves_from(next(self.matrices["kept"])) for place in self.storage.kept.get(name, [])}
        if name not in self.storage.rows:
            by_matrix = np.zeros(shape.matrices, np.float32)
            by_matrix[places] = self.spacings.take(len(places))
            return GridStack(integers, by_matrix, kept)
        by_row = np.zeros(shape[:2], np.float16)
        if places:
            by_row[places] = halves_from(next(self.matrices["row_spacings"]))
        return GridStack(integers, by_row, kept)


def _read_controls(data: bytes, config: ModelConfig) -> dict[str, Halves]:
    """Return the controls of a model in their own shapes."""
    reader = ArrayReader(data, "<f2")
    shapes = {name: shape for name, shape in parameter_shapes(config).items() if weight_class(name) == "control"}
    controls = {name: reader.take(prod(shape)).reshape(shape) for name, shape in shapes.items()}
    reader.close()
    return controls
