"""What the verbs come to, ready for JSON, a terminal or a page."""

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


@dataclass(frozen=True)
class QuickstartResult:
    """The whole flow on one page."""

    data: DataManifest
    train: TrainResult
    pack: PackResult
    compressors: list[CompressorScore]
    proof: Receipt
    report: str

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "data": self.data.to_json()}
