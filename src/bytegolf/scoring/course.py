"""The course of a text's bits: what is spent along it, in slices, and token by token at its beginning.

It costs a score next to nothing, its size does not depend on the text's, and pages are drawn from it.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from bytegolf.arrays import Doubles, TokenSequence
from bytegolf.text.tokenizer import Tokenizer

SLICES = 256  # of equally many targets, or nearly
FIRST_TARGETS = 4096  # whose bits are kept one by one
DIGITS = 4  # of bits, behind the point


@dataclass(frozen=True)
class BitCourse:
    """Bits by slice, (slices,), and of the first targets, (n,). Slice s begins at target s · targets / slices, rounded up."""

    targets: int
    by_slice: Doubles
    first: Doubles

    def starts(self) -> list[int]:
        """Return the first target of each slice, and behind them the number of targets."""
        slices = len(self.by_slice)
        return [-(-part * self.targets // slices) for part in range(slices + 1)]


class CourseRecorder:
    """Adds up the course of a text whose targets come in order."""

    def __init__(self, targets: int) -> None:
        self.targets, self.come = targets, 0
        self.by_slice = np.zeros(min(SLICES, targets))
        self.first: list[Doubles] = []

    def add(self, bits: Doubles) -> None:
        """Take the bits of the next targets."""
        targets = np.arange(self.come, min(self.come + bits.size, self.targets))  # more than are due, the ledger refuses
        np.add.at(self.by_slice, targets * len(self.by_slice) // max(1, self.targets), bits.ravel()[: len(targets)])
        if self.come < FIRST_TARGETS:
            self.first.append(bits.ravel()[: FIRST_TARGETS - self.come].astype(np.float64))
        self.come += bits.size

    def course(self) -> BitCourse:
        """Return what has come."""
        return BitCourse(self.targets, self.by_slice, np.concatenate(self.first) if self.first else np.zeros(0))


def course_json(tokens: TokenSequence, tokenizer: Tokenizer, course: BitCourse, course_model: BitCourse | None) -> dict[str, Any]:
    """Return the courses of a text, of the model alone too where experts improved it, as the object that a run keeps.

    `tokens` are those of the text, the given one first. A slice's bytes are those of the text that its targets stand for.
    """
    starts = course.starts()
    parts = [tokens[first : stop + 1] for first, stop in pairwise(starts)]
    return {
        "tokens": course.targets,
        "slice_bytes": [int(tokenizer.byte_counts(part)[1:].sum()) for part in parts],
        "slice_bits": _rounded(course.by_slice),
        "slice_bits_model": None if course_model is None else _rounded(course_model.by_slice),
        "first_tokens": tokens[: len(course.first) + 1].tolist(),
        "first_bits": _rounded(course.first),
        "first_bits_model": None if course_model is None else _rounded(course_model.first),
    }


def _rounded(bits: Doubles) -> list[float]:
    return [round(value, DIGITS) for value in bits.tolist()]
