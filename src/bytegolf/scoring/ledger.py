"""The ledger: bits and bytes, every held-out token exactly once."""

from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from bytegolf.arrays import Doubles
from bytegolf.scoring.course import BitCourse, CourseRecorder


@dataclass(frozen=True)
class Score:
    """Bits spent on `tokens` tokens that stand for `bytes` bytes of UTF-8 text.

    With experts, `bits_model` are those that the model alone would have spent. `learning` has the settings of a protocol that learns, by
    recipe key. A score is `exact` if it was computed in the arithmetic of proofs. If the text is `normalised`, its bytes are those that
    its tokenizer made of the documents, which had `original_bytes` bytes, if that is known. The courses say where in the text the bits
    were spent; they are no part of the figures.
    """

    protocol: str
    bits: float
    bytes: int
    tokens: int
    bits_model: float | None = None
    learning: dict[str, float] | None = None
    exact: bool = False
    normalised: bool = False
    original_bytes: int | None = None
    course: BitCourse | None = field(default=None, compare=False, repr=False)
    course_model: BitCourse | None = field(default=None, compare=False, repr=False)

    @property
    def bpb(self) -> float:
        """Bits per byte."""
        return self.bits / self.bytes

    @property
    def bpb_model(self) -> float | None:
        """Bits per byte of the model alone, if experts improved it."""
        return None if self.bits_model is None else self.bits_model / self.bytes

    @property
    def bpb_original(self) -> float | None:
        """Bits per byte of the documents as they were, if their tokenizer changed them."""
        return self.bits / self.original_bytes if self.original_bytes else None

    def to_json(self) -> dict[str, Any]:
        """Return the score as an object for JSON, `bpb` first, without the courses."""
        rates = {"bpb": self.bpb, "bpb_model": self.bpb_model}
        values = {**rates, **asdict(replace(self, course=None, course_model=None)), "bpb_original": self.bpb_original}
        return {key: value for key, value in values.items() if value is not None}


class LedgerError(Exception):
    """Targets were left out, scored twice, or given no probability: a defect of the scorer, never of its input."""


class Ledger:
    """Adds up the bits of targets, which must arrive in order, without gap or overlap. Sums are float64."""

    def __init__(self, protocol: str, tokens: int, num_bytes: int) -> None:
        self.protocol, self.expected, self.num_bytes = protocol, tokens, num_bytes
        self.tokens, self.bits = 0, 0.0
        self.bits_model: float | None = None
        self.courses = CourseRecorder(tokens), CourseRecorder(tokens)  # of the bits, and of those of the model alone

    def record(self, first: int, bits: Doubles, bits_model: Doubles | None = None) -> None:
        """Add the bits of the targets `first`, `first` + 1, …; with experts, also those of the model alone.

        Raises LedgerError for other targets than are due.
        """
        if first != self.tokens:
            raise LedgerError(f"target {first} scored where {self.tokens} was due")
        self.tokens += bits.size
        self.bits += _sum(bits, first)
        self.courses[0].add(bits)
        if bits_model is not None:
            self.bits_model = (self.bits_model or 0.0) + _sum(bits_model, first)
            self.courses[1].add(bits_model)

    def close(self) -> Score:
        """Return the score. Raises LedgerError unless every target was recorded."""
        if self.tokens != self.expected:
            raise LedgerError(f"{self.tokens} targets scored of {self.expected}")
        course, course_model = (recorder.course() for recorder in self.courses)
        score = Score(self.protocol, self.bits, self.num_bytes, self.tokens, self.bits_model, course=course)
        return score if self.bits_model is None else replace(score, course_model=course_model)


def _sum(bits: Doubles, first: int) -> float:
    """Return the sum of bits. Raises LedgerError for what is no number of bits."""
    total = float(bits.sum(dtype=np.float64))
    if not (np.isfinite(bits) & (bits >= 0)).all():
        raise LedgerError(f"{total} bits for targets from {first} on: probabilities that are no distribution")
    return total
