"""Trellis-coded parameters, as version 3 of the file holds them: integers, a step, and factors of it for rows and columns."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from bytegolf.artifact.coders import Shape
from bytegolf.artifact.entropy import Integers, decode_integers, encode_integers
from bytegolf.artifact.sections import GROUPS, Reader
from bytegolf.artifact.states import half_steps
from bytegolf.model.gpt import weight_class

STREAMS = ("controls", *GROUPS)  # sections that are trellis-coded
LARGEST_SCALE = 32  # half octaves


@dataclass(frozen=True)
class TrellisCoded:
    """A parameter as a stack of matrices: `integers` (matrices, rows, columns) times `steps`, float32, one for each matrix.

    A row's step is 2^(1/2) times coarser for each 1 of `row_scales` (matrices, rows), and a column's for each of
    `column_scales` (matrices, columns).
    """

    integers: Integers
    steps: NDArray[np.float32]
    row_scales: Integers
    column_scales: Integers

    @property
    def coded(self) -> list[int]:
        """Places of the matrices that are integers: all."""
        return list(range(len(self.integers)))

    def grid_steps(self) -> NDArray[np.float32]:
        """Of each weight, (matrices, rows, columns)."""
        by_row: NDArray[np.float32] = self.steps[:, None, None] * factors(self.row_scales)[:, :, None]
        return by_row * factors(self.column_scales)[:, None, :]

    def values(self) -> torch.Tensor:
        """Float32 (matrices, rows, columns)."""
        return torch.from_numpy(half_steps(self.integers).astype(np.float32) * (self.grid_steps() / 2))


def factors(scales: Integers) -> NDArray[np.float32]:
    """2^(scale/2) in float32, the root rounded and then its power of two exact."""
    roots = np.array([1, 2**0.5], np.float32)
    return np.ldexp(roots[scales & 1], scales >> 1)


def section_of(name: str) -> str:
    kind = weight_class(name)
    return "controls" if kind == "control" else kind


def trellis_sections(weights: Mapping[str, TrellisCoded]) -> dict[str, bytes]:
    """What a file of version 3 holds of them."""
    from bytegolf.artifact.adaptive import encode_trellis  # numba takes a second to load

    return {
        "steps": b"".join(weight.steps.astype("<f4").tobytes() for weight in weights.values()),
        "scales": encode_integers([scales for weight in weights.values() for scales in (weight.row_scales, weight.column_scales)]),
        **{section: encode_trellis(matrices) for section, matrices in trellis_matrices(weights).items()},
    }


def trellis_matrices(weights: Mapping[str, TrellisCoded]) -> dict[str, list[Integers]]:
    """The matrices of each section of STREAMS."""
    matrices: dict[str, list[Integers]] = {section: [] for section in STREAMS}
    for name, weight in weights.items():
        matrices[section_of(name)] += [*weight.integers]
    return matrices


def decode_trellis_sections(stacks: Mapping[str, tuple[int, int, int]], sections: Mapping[str, bytes]) -> dict[str, TrellisCoded]:
    """The parameters of `stacks`. Raises ValueError or CorruptStreamError where the sections do not hold just them."""
    from bytegolf.artifact.adaptive import decode_trellis

    shapes: dict[str, list[Shape]] = {section: [] for section in STREAMS}
    for name, (count, rows, columns) in stacks.items():
        shapes[section_of(name)] += [(rows, columns)] * count
    streams = {section: iter(decode_trellis(sections[section], shapes[section])) for section in STREAMS}
    sides = [(count, side) for count, rows, columns in stacks.values() for side in (rows, columns)]
    scales, steps = iter(_bounded(decode_integers(sections["scales"], sides))), Reader(sections["steps"], "<f4")
    weights = {}
    for name, stack in stacks.items():
        integers = np.stack([next(streams[section_of(name)]) for _ in range(stack[0])])
        weights[name] = TrellisCoded(integers, steps.take(stack[0]).astype(np.float32), next(scales), next(scales))
    steps.close()
    return weights


def _bounded(scales: list[Integers]) -> Iterator[Integers]:
    for found in scales:
        if found.size and max(-int(found.min()), int(found.max())) > LARGEST_SCALE:
            raise ValueError("a scale is out of bounds")
        yield found
