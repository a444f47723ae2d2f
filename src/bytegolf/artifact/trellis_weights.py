"""Trellis-coded parameters, as version 3 of the file holds them: integers, a step, and factors of it for rows and columns."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from bytegolf.arrays import Integers
from bytegolf.artifact.general_coders import decode_matrices, encode_matrices
from bytegolf.artifact.grid_weights import Stacks
from bytegolf.artifact.sections import GROUPS, Reader
from bytegolf.artifact.static_coder import decode_integers, encode_integers
from bytegolf.artifact.trellis_states import LARGEST_SCALE, half_steps
from bytegolf.model.weights import weight_class
from bytegolf.names import CoderName

STREAMS = ("controls", *GROUPS)  # sections that are trellis-coded


@dataclass(frozen=True)
class TrellisStack:
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


def trellis_sections(weights: Mapping[str, TrellisStack], coder: CoderName) -> dict[str, bytes]:
    """What a file of version 3 holds of them."""
    matrices, row_scales = trellis_matrices(weights), _row_scales(weights)
    return {
        "steps": b"".join(weight.steps.astype("<f4").tobytes() for weight in weights.values()),
        "scales": encode_integers([scales for weight in weights.values() for scales in (weight.row_scales, weight.column_scales)]),
        **{section: _encode(coder, matrices[section], row_scales[section]) for section in STREAMS},
    }


def trellis_matrices(weights: Mapping[str, TrellisStack]) -> dict[str, list[Integers]]:
    """The matrices of each section of STREAMS."""
    return _by_section({name: weight.integers for name, weight in weights.items()})


def _row_scales(weights: Mapping[str, TrellisStack]) -> dict[str, list[Integers]]:
    return _by_section({name: weight.row_scales for name, weight in weights.items()})


def _by_section(stacks: Mapping[str, Integers]) -> dict[str, list[Integers]]:
    sections: dict[str, list[Integers]] = {section: [] for section in STREAMS}
    for name, stack in stacks.items():
        sections[section_of(name)] += [*stack]
    return sections


def _encode(coder: CoderName, matrices: list[Integers], row_scales: list[Integers]) -> bytes:
    if coder != "range":
        return encode_matrices(coder, matrices)
    from bytegolf.artifact.adaptive_coder import encode_trellis  # numba takes a second to load

    return encode_trellis(matrices, row_scales)


def trellis_entropy_bits(weights: Mapping[str, TrellisStack]) -> float:
    """Bits that the range coder would need for the integers, did it know their histograms beforehand."""
    from bytegolf.artifact.adaptive_coder import entropy_given_histograms

    matrices, row_scales = trellis_matrices(weights), _row_scales(weights)
    return sum(entropy_given_histograms(matrices[section], row_scales[section]) for section in STREAMS)


def decode_trellis_sections(stacks: Stacks, coder: CoderName, sections: Mapping[str, bytes]) -> dict[str, TrellisStack]:
    """The parameters of `stacks`. Raises ValueError or CorruptStreamError where the sections do not hold just them."""
    sides = [(count, side) for count, rows, columns in stacks.values() for side in (rows, columns)]
    scales, steps = iter(_bounded(decode_integers(sections["scales"], sides))), Reader(sections["steps"], "<f4")
    sizes = {
        name: TrellisStack(np.broadcast_to(np.int32(0), stack), steps.take(stack[0]).astype(np.float32), next(scales), next(scales))
        for name, stack in stacks.items()
    }
    steps.close()
    empty, row_scales = trellis_matrices(sizes), _row_scales(sizes)
    streams = {section: iter(_decode(coder, sections[section], empty[section], row_scales[section])) for section in STREAMS}
    return {
        name: replace(weight, integers=np.stack([next(streams[section_of(name)]) for _ in weight.integers]))
        for name, weight in sizes.items()
    }


def _decode(coder: CoderName, data: bytes, matrices: list[Integers], row_scales: list[Integers]) -> list[Integers]:
    """Those that belong in the place of `matrices`."""
    if coder != "range":
        return decode_matrices(coder, data, [(len(matrix), matrix.shape[1]) for matrix in matrices])
    from bytegolf.artifact.adaptive_coder import decode_trellis

    return decode_trellis(data, row_scales, [matrix.shape[1] for matrix in matrices])


def _bounded(scales: list[Integers]) -> Iterator[Integers]:
    for found in scales:
        if found.size and max(-int(found.min()), int(found.max())) > LARGEST_SCALE:
            raise ValueError("a scale is out of bounds")
        yield found
