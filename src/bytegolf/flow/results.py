"""What the verbs come to, ready for JSON, a terminal or a page."""

from dataclasses import asdict, dataclass
from typing import Any

from bytegolf.flow.pack import PackResult
from bytegolf.proving.receipt import Receipt
from bytegolf.scoring.compressors import CompressorScore
from bytegolf.scoring.ledger import Score
from bytegolf.storage.data_folder import DataManifest


@dataclass(frozen=True)
class TrainResult:
    """A finished run; `val_bpb` is of the final averaged weights, protocol `standard`. An imported run has no such numbers."""

    steps: int
    seconds: float | None
    tokens_per_second: float | None
    val_bpb: float | None
    run: str
    parameters: int

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class ImportResult:
    """A run made of another program's checkpoint."""

    run: str
    checkpoint: str
    recipe: str
    parameters: int

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


@dataclass(frozen=True)
class BaselineResult:
    """A run as the seed system made it: `scores` are of the decoded artifact."""

    train: TrainResult
    pack: PackResult
    scores: list[Score]

    def to_json(self) -> dict[str, Any]:
        return {**self.train.to_json(), "pack": self.pack.to_json(), "scores": [score.to_json() for score in self.scores]}
