"""What the verbs come to, ready for JSON, a terminal or a page."""

from dataclasses import asdict, dataclass
from typing import Any

from bytegolf.model.weights import Bits
from bytegolf.names import CoderName, MethodName


@dataclass(frozen=True)
class PackResult:
    """An artifact. `bpb_before` and `bpb_after` are sliding scores of the run's weights and of the decoded file, if text was given."""

    bytes: int
    budget: int
    method: MethodName
    coder: CoderName
    parameters: int
    bits_per_weight: float  # of the whole file
    entropy_bits_per_weight: float  # of the coded integers, given their coder's histograms
    bpb_before: float | None
    bpb_after: float | None
    file: str
    bits: Bits
    sections: dict[str, int]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)
