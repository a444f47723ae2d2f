"""Define the results of the verbs, for JSON, the terminal and the report."""

from dataclasses import asdict, dataclass
from typing import Any

from bytegolf.flow.train import TrainResult
from bytegolf.model.weights import Bits
from bytegolf.names import CoderName, MethodName
from bytegolf.proving.receipt import Receipt
from bytegolf.scoring.compressors import CompressorScore
from bytegolf.storage.data_folder import DataManifest


@dataclass(frozen=True)
class PackResult:
    """A packed artifact and its figures.

    `bpb_before` and `bpb_after` are sliding scores of the run's weights and of the decoded file, or None without a scored text.
    """

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
        """Return the result as an object for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class QuickstartResult:
    """The results of the whole flow."""

    data: DataManifest
    train: TrainResult
    pack: PackResult
    compressors: list[CompressorScore]
    proof: Receipt
    report: str

    def to_json(self) -> dict[str, Any]:
        """Return the result as an object for JSON."""
        return {**asdict(self), "data": self.data.to_json()}
