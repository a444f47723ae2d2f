"""Trellis-coded weights as a file holds them: integers, a spacing for each matrix, and factors of it for rows and columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bytegolf.arrays import Floats, Integers
from bytegolf.artifact.coders import decode_on_trellis, encode_on_trellis
from bytegolf.artifact.magnitudes import largest_magnitude
from bytegolf.artifact.sections import ArrayReader
from bytegolf.artifact.shapes import StackShape, stack_shapes
from bytegolf.artifact.static_coder import decode_integers, encode_integers
from bytegolf.artifact.stored_weights import GROUPS, Storage
from bytegolf.artifact.trellis_states import LARGEST_SCALE, half_spacings
from bytegolf.config import ModelConfig
from bytegolf.model.weights import weight_class
from bytegolf.names import CoderName

STREAMS = ("controls", *GROUPS)  # sections that are trellis-coded
Scales = Mapping[str, tuple[Integers, Integers]]  # by parameter, of rows and of columns


@dataclass(frozen=True)
class TrellisStack:
    """A parameter as a stack of matrices: `integers` (matrices, rows, columns) times `spacings`, float32, one for each matrix.

    A row's spacing is 2^(1/2) times coarser for each 1 of `row_scales` (matrices, rows), and a column's for each of
    `column_scales` (matrices, columns).
    """

    integers: Integers
    spacings: Floats
    row_scales: Integers
    column_scales: Integers

    def coded(self) -> list[Integers]:
        """Return the matrices, all of which are integers."""
        return [*self.integers]

    def weight_spacings(self) -> Floats:
        """Return the spacing of every weight, (matrices, rows, columns)."""
        by_row = self.spacings[:, None, None] * factors(self.row_scales)[:, :, None]
        spacings: Floats = by_row * factors(self.column_scales)[:, None, :]
        return spacings

    def values(self) -> Floats:
        """Return the weights, float32 (matrices, rows, columns)."""
        halves: Floats = self.weight_spacings() / np.float32(2)
        return half_spacings(self.integers).astype(np.float32) * halves


def factors(scales: Integers) -> Floats:
    """Return 2^(scale/2) in float32: the root is rounded, its power of two exact."""
    roots = np.array([1, 2**0.5], np.float32)
    return np.ldexp(roots[scales & 1], scales >> 1)


class TrellisStorage(Storage):
    """The header's entry for trellis-coded weights: nothing but their coder."""

    kind: Literal["trellis"]

    @property
    def section_names(self) -> tuple[str, ...]:
        """Return the names of the sections of weights."""
        return ("spacings", "scales", *STREAMS)


@dataclass(frozen=True)
class TrellisWeights:
    """The parameters of a model on trellises, controls too, in the model's order."""

    stacks: Mapping[str, TrellisStack]

    @classmethod
    def from_sections(cls, storage: TrellisStorage, config: ModelConfig, sections: Mapping[str, bytes]) -> "TrellisWeights":
        """Return a model's parameters. Raises ValueError or CorruptStreamError where the sections do not hold just them."""
        shapes = stack_shapes(config)
        scales, spacings = _decode_scales(sections["scales"], shapes), ArrayReader(sections["spacings"], "<f4")
        by_matrix = {name: spacings.take(shape.matrices).astype(np.float32) for name, shape in shapes.items()}
        spacings.close()
        integers: dict[str, Integers] = {}
        for section in STREAMS:
            members = {name: shape for name, shape in shapes.items() if section_of(name) == section}
            row_scales = [rows for name in members for rows in scales[name][0]]
            columns = [shape.columns for shape in members.values() for _ in range(shape.matrices)]
            matrices = iter(decode_on_trellis(storage.coder, sections[section], row_scales, columns))
            integers |= {name: np.stack([next(matrices) for _ in range(shape.matrices)]) for name, shape in members.items()}
        return cls({name: TrellisStack(integers[name], by_matrix[name], *scales[name]) for name in shapes})

    def holds(self, names: Sequence[str]) -> bool:
        """Return whether these are the parameters, in this order."""
        return [*self.stacks] == [*names]

    def storage(self, coder: CoderName) -> TrellisStorage:
        """Return what the header says of the weights."""
        return TrellisStorage(kind="trellis", coder=coder)

    def sections(self, coder: CoderName) -> dict[str, bytes]:
        """Return the sections that hold the weights."""
        matrices, row_scales = self.coded(), self._row_scales()
        scales = [scale for stack in self.stacks.values() for scale in (stack.row_scales, stack.column_scales)]
        return {
            "spacings": b"".join(stack.spacings.astype("<f4").tobytes() for stack in self.stacks.values()),
            "scales": encode_integers(scales),
            **{section: encode_on_trellis(coder, matrices[section], row_scales[section]) for section in STREAMS},
        }

    def coded(self) -> dict[str, list[Integers]]:
        """Return the matrices of each section of STREAMS."""
        return _by_section({name: stack.integers for name, stack in self.stacks.items()})

    def values(self, name: str) -> Floats:
        """Return the weights of a parameter, float32 (matrices, rows, columns)."""
        return self.stacks[name].values()

    def entropy_bits(self) -> float:
        """Return the bits that the adaptive coder would need for the integers, had it known its histograms beforehand."""
        from bytegolf.artifact.adaptive_coder import entropy_given_histograms  # numba takes a second to load

        matrices, row_scales = self.coded(), self._row_scales()
        return sum(entropy_given_histograms(matrices[section], row_scales[section]) for section in STREAMS)

    def _row_scales(self) -> dict[str, list[Integers]]:
        """Return the scales of the rows of each matrix of `coded`."""
        return _by_section({name: stack.row_scales for name, stack in self.stacks.items()})


def section_of(name: str) -> str:
    """Return the section that holds a parameter's integers."""
    kind = weight_class(name)
    return "controls" if kind == "control" else kind


def _by_section(stacks: Mapping[str, Integers]) -> dict[str, list[Integers]]:
    """Return the elements of each parameter's stack in one list for each section."""
    sections: dict[str, list[Integers]] = {section: [] for section in STREAMS}
    for name, stack in stacks.items():
        sections[section_of(name)] += [*stack]
    return sections


def _decode_scales(data: bytes, shapes: Mapping[str, StackShape]) -> Scales:
    """Return the scales of rows and columns of each parameter. Raises ValueError for one that is out of bounds."""
    sides = [(shape.matrices, side) for shape in shapes.values() for side in (shape.rows, shape.columns)]
    scales = decode_integers(data, sides)
    if any(largest_magnitude(each) > LARGEST_SCALE for each in scales):
        raise ValueError("a scale is out of bounds")
    return dict(zip(shapes, zip(scales[::2], scales[1::2], strict=True), strict=True))
