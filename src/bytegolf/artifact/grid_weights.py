"""Parameters as a file holds them: stacks of matrices that are integers times steps, or kept in float16."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, NonNegativeInt

from bytegolf.arrays import Halves, Integers
from bytegolf.artifact.general_coders import Shape, decode_matrices, half_patterns, halves_from
from bytegolf.artifact.grid import dequantize
from bytegolf.artifact.sections import GROUPS, Reader
from bytegolf.config import RecipeTable
from bytegolf.model.weights import weight_class
from bytegolf.names import CoderName

CODED = (*GROUPS, "row_steps", "kept")  # sections that are matrices of integers


@dataclass(frozen=True)
class GridStack:
    """A parameter as a stack of matrices: integers times steps, but for those that are kept in float16.

    `integers` (matrices, rows, columns) and `steps` are 0 where a matrix is kept. `steps` are float32, one per matrix, or
    float16 (matrices, rows). `kept` has the other matrices (rows, columns) by their place in the stack.
    """

    integers: Integers
    steps: NDArray[np.float32] | Halves
    kept: Mapping[int, Halves] = field(default_factory=dict)

    @property
    def by_row(self) -> bool:
        return self.steps.ndim == 2

    @property
    def coded(self) -> list[int]:
        """Places of the matrices that are integers."""
        return [place for place in range(len(self.integers)) if place not in self.kept]

    def values(self) -> torch.Tensor:
        """Float32 (matrices, rows, columns)."""
        steps = torch.from_numpy(self.steps.astype(np.float32)).reshape(len(self.integers), -1, 1)
        values = dequantize(torch.from_numpy(self.integers).float(), steps)
        for place, matrix in self.kept.items():
            values[place] = torch.from_numpy(matrix.astype(np.float32))
        return values


class Storage(RecipeTable):
    """How a file stores its weights. The defaults are all that version 1 knows."""

    coder: CoderName = "range"
    rows: list[str] = Field([], description="parameters with a step per row")
    kept: dict[str, list[NonNegativeInt]] = Field({}, description="places of float16 matrices in their stacks, ascending")

    @classmethod
    def of(cls, weights: Mapping[str, GridStack], coder: CoderName) -> "Storage":
        kept = {name: sorted(weight.kept) for name, weight in weights.items() if weight.kept}
        return cls(coder=coder, rows=[name for name, weight in weights.items() if weight.by_row], kept=kept)


Stacks = Mapping[str, tuple[int, int, int]]  # (matrices, rows, columns) of each parameter, in the model's order


def coded_matrices(weights: Mapping[str, GridStack]) -> dict[str, list[Integers]]:
    """What each section of CODED holds."""
    matrices: dict[str, list[Integers]] = {section: [] for section in CODED}
    for name, weight in weights.items():
        matrices[weight_class(name)] += [weight.integers[place] for place in weight.coded]
        if weight.by_row and weight.coded:
            matrices["row_steps"].append(half_patterns(weight.steps[weight.coded].astype(np.float16)))
        matrices["kept"] += [half_patterns(weight.kept[place]) for place in sorted(weight.kept)]
    return matrices


def matrix_steps(weights: Mapping[str, GridStack]) -> bytes:
    """The section of steps: float32, one per matrix that has its own."""
    return b"".join(weight.steps[weight.coded].astype("<f4").tobytes() for weight in weights.values() if not weight.by_row)


def decode_stacks(stacks: Stacks, storage: Storage, sections: Mapping[str, bytes]) -> dict[str, GridStack]:
    """The parameters of `stacks`. Raises ValueError or CorruptStreamError where the sections do not hold just them."""
    if {*storage.rows, *storage.kept} - stacks.keys() or storage.rows != [name for name in stacks if name in storage.rows]:
        raise ValueError("storage of parameters that the model has not")
    if any(kept != sorted({*kept} & {*range(stacks[name][0])}) for name, kept in storage.kept.items()):
        raise ValueError("places of matrices that the model has not")
    places = {name: [place for place in range(count) if place not in storage.kept.get(name, [])] for name, (count, _, _) in stacks.items()}
    shapes: dict[str, list[Shape]] = {section: [] for section in CODED}
    for name, (_, rows, columns) in stacks.items():
        shapes[weight_class(name)] += [(rows, columns)] * len(places[name])
        if name in storage.rows and places[name]:
            shapes["row_steps"].append((len(places[name]), rows))
        shapes["kept"] += [(rows, columns)] * len(storage.kept.get(name, []))
    streams = {section: iter(decode_matrices(storage.coder, sections.get(section, b""), shapes[section])) for section in CODED}
    steps = Reader(sections["steps"], "<f4")
    weights = {name: _take(name, stack, places[name], storage, streams, steps) for name, stack in stacks.items()}
    steps.close()
    return weights


def _take(
    name: str,
    stack: tuple[int, int, int],
    places: list[int],
    storage: Storage,
    streams: Mapping[str, Iterator[Integers]],
    steps: Reader,
) -> GridStack:
    """The next parameter."""
    integers = np.zeros(stack, np.int32)
    for place in places:
        integers[place] = next(streams[weight_class(name)])
    kept = {place: halves_from(next(streams["kept"])) for place in storage.kept.get(name, [])}
    if name not in storage.rows:
        by_matrix = np.zeros(stack[0], np.float32)
        by_matrix[places] = steps.take(len(places))
        return GridStack(integers, by_matrix, kept)
    by_row = np.zeros(stack[:2], np.float16)
    if places:
        by_row[places] = halves_from(next(streams["row_steps"]))
    return GridStack(integers, by_row, kept)
