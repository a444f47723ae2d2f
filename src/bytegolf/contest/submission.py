"""The facts of a submission, and the `submission.json` and logs that are computed from them."""

import math
import statistics
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from bytegolf.config import Recipe
from bytegolf.names import ProtocolName

ContestTrack = Literal["10min_16mb", "non_record_16mb"]
TRACKS: tuple[ContestTrack, ...] = get_args(ContestTrack)


@dataclass(frozen=True)
class Entrant:
    """Who hands in, and what they call it."""

    author: str
    github_id: str
    name: str
    track: ContestTrack = "non_record_16mb"


@dataclass(frozen=True)
class RunResult:
    """One run: what training it took, what its artifact has, and the score of that."""

    seed: int
    run: Path
    artifact: str  # its name in the folder
    artifact_bytes: int
    bits: float
    bytes: int
    tokens: int
    steps: int
    train_seconds: float
    eval_seconds: float

    @property
    def bpb(self) -> float:
        """Bits per byte."""
        return self.bits / self.bytes

    @property
    def loss(self) -> float:
        """Nats per token."""
        return self.bits * math.log(2) / self.tokens

    @property
    def log_name(self) -> str:
        """The name of its log in the folder."""
        return f"train_seed{self.seed}.log"


@dataclass(frozen=True)
class SubmissionFacts:
    """All that a folder says of itself. `whole` tells that all held-out text was scored."""

    entrant: Entrant
    recipe: Recipe
    protocol: ProtocolName
    code_bytes: int
    seeds: tuple[RunResult, ...]
    whole: bool
    machine: dict[str, str | int]

    @property
    def bpb(self) -> float:
        """The mean of all seeds, in bits per byte."""
        return statistics.fmean(result.bpb for result in self.seeds)

    @property
    def bpb_deviation(self) -> float | None:
        """The standard deviation over n − 1; None for a single seed."""
        return _deviation([result.bpb for result in self.seeds])

    @property
    def bytes_total(self) -> int:
        """Code and the largest artifact."""
        return self.code_bytes + max(result.artifact_bytes for result in self.seeds)

    def to_json(self) -> dict[str, Any]:
        """Return what `submission.json` holds: the keys that submissions share, with numbers of the runs."""
        results = self.seeds
        sizes, losses = [result.artifact_bytes for result in results], [result.loss for result in results]
        return {
            "author": self.entrant.author,
            "github_id": self.entrant.github_id,
            "name": self.entrant.name,
            "date": datetime.now(UTC).date().isoformat(),
            "track": self.entrant.track,
            "val_bpb": self.bpb,
            "val_bpb_std": self.bpb_deviation,
            "val_loss": statistics.fmean(losses),
            "val_loss_std": _deviation(losses),
            "protocol": self.protocol,
            "seeds": [result.seed for result in results],
            "seed_results": {str(result.seed): _result_json(result) for result in results},
            "bytes_total": self.bytes_total,
            "bytes_code": self.code_bytes,
            "bytes_model": max(sizes),
            "artifact_bytes_mean": statistics.fmean(sizes),
            "artifact_bytes_max": max(sizes),
            "val_bytes": results[0].bytes,
            "val_tokens": results[0].tokens,
            "val_whole_split": self.whole,
            "wallclock_seconds": max(result.train_seconds for result in results),
            "eval_time_seconds": max(result.eval_seconds for result in results),
            "hardware": self.machine["processor"],
            "pytorch_version": self.machine["torch"],
        }


def log_of(result: RunResult, code_bytes: int, log: str) -> str:
    """Return the log of a run with what packing and scoring it gave, in the words that logs of the contest have."""
    total = code_bytes + result.artifact_bytes
    return (
        f"{log.rstrip()}\nseed: {result.seed}\ntrain_time: {result.train_seconds * 1000:.0f}ms\n"
        f"Code size: {code_bytes} bytes\nTotal submission size: {total} bytes\n"
        f"eval_time: {result.eval_seconds * 1000:.0f}ms\nval_loss: {result.loss:.8f} val_bpb: {result.bpb:.8f}\n"
    )


def _result_json(result: RunResult) -> dict[str, Any]:
    return {
        "val_bpb": result.bpb,
        "val_loss": result.loss,
        "artifact_bytes": result.artifact_bytes,
        "steps": result.steps,
        "train_time_s": result.train_seconds,
        "eval_time_s": result.eval_seconds,
    }


def _deviation(values: list[float]) -> float | None:
    return statistics.stdev(values) if len(values) > 1 else None
