"""The ledger: bits and bytes, every held-out token exactly once."""

from dataclasses import asdict, dataclass
from typing import Any

from torch import Tensor


@dataclass(frozen=True)
class Score:
    """Bits spent on `tokens` tokens that stand for `bytes` bytes of UTF-8 text.

    `ttt` has the settings of test-time training, if the protocol was `ttt`. If the text is `normalised`, its bytes are those
    that its tokenizer made of the documents, which had `original_bytes` bytes, if that is known.
    """

    protocol: str
    bits: float
    bytes: int
    tokens: int
    ttt: dict[str, float] | None = None
    normalised: bool = False
    original_bytes: int | None = None

    @property
    def bpb(self) -> float:
        """Bits per byte."""
        return self.bits / self.bytes

    @property
    def bpb_original(self) -> float | None:
        """Bits per byte of the documents as they were, if their tokenizer changed them."""
        return self.bits / self.original_bytes if self.original_bytes else None

    def to_json(self) -> dict[str, Any]:
        """Return the score as an object for JSON, `bpb` first."""
        return {
            key: value for key, value in {"bpb": self.bpb, **asdict(self), "bpb_original": self.bpb_original}.items() if value is not None
        }


class LedgerError(Exception):
    """Targets were left out, scored twice, or given no probability: a defect of the scorer, never of its input."""


class Ledger:
    """Adds up the bits of targets, which must arrive in order, without gap or overlap. Sums are float64."""

    def __init__(self, protocol: str, tokens: int, num_bytes: int) -> None:
        self.protocol, self.expected, self.num_bytes = protocol, tokens, num_bytes
        self.tokens, self.bits = 0, 0.0

    def record(self, first: int, bits: Tensor) -> None:
        """Add the bits of the targets `first`, `first` + 1, … Raises LedgerError for others than are due."""
        if first != self.tokens:
            raise LedgerError(f"target {first} scored where {self.tokens} was due")
        total = float(bits.double().sum())
        if not (bits.isfinite() & (bits >= 0)).all():
            raise LedgerError(f"{total} bits for targets from {first} on: probabilities that are no distribution")
        self.tokens += bits.numel()
        self.bits += total

    def close(self) -> Score:
        """Return the score. Raises LedgerError unless every target was recorded."""
        if self.tokens != self.expected:
            raise LedgerError(f"{self.tokens} targets scored of {self.expected}")
        return Score(self.protocol, self.bits, self.num_bytes, self.tokens)
