"""What a page shows of a run, and of the data that it learned from."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from bytegolf.config import Recipe
from bytegolf.contest.run_scores import PREFERRED, RunScore
from bytegolf.proving.receipt import Receipt
from bytegolf.scoring.compressors import CompressorScore
from bytegolf.storage.run_records import CourseRecord, OverlapRecord, PackRecord, ScoreRecord


class BestScore(NamedTuple):
    """The figure that tells most of a run: in bits per byte, by the model alone too where experts improved it, and what was scored how."""

    bpb: float
    bpb_model: float | None
    how: str


@dataclass(frozen=True)
class RunReport:
    """The contents of a run folder. `manifest` is None of a run that has not ended; scores, courses and receipt are of files still there.

    `packs` are all scored results of packing; `figures` those that `compare` can compare.
    """

    name: str
    folder: Path
    recipe: Recipe
    manifest: Mapping[str, Any] | None
    events: Sequence[Mapping[str, Any]]
    scores: Sequence[ScoreRecord] = ()
    pack: PackRecord | None = None
    packs: Sequence[PackRecord] = ()
    courses: Sequence[CourseRecord] = ()
    receipt: Receipt | None = None
    figures: Mapping[str, RunScore] = field(default_factory=dict)

    def of(self, kind: str) -> list[Mapping[str, Any]]:
        """Return the events of a kind."""
        return [event for event in self.events if event["event"] == kind]

    @cached_property
    def steps_done(self) -> int:
        """Return the number of the last step that is known to be done."""
        return int(self.manifest["steps"]) if self.manifest else int(max((event["step"] for event in self.of("step")), default=0))

    @cached_property
    def best(self) -> BestScore | None:
        """Return the score of the artifact, else of the weights, else the last one of training; None if there is none at all."""
        return next(chain(self._of_artifact(), self._of_weights()), None)

    def _of_artifact(self) -> Iterator[BestScore]:
        """Yield what is known of the artifact: scores, what packing said, a proof; that of a part of the text last."""
        yield from self._scored("artifact.bgz")
        if self.pack and self.pack.bpb_after is not None:
            after, mixed = self.pack.bpb_after, self.pack.bpb_experts
            how = "sliding score after packing"
            yield BestScore(after, None, how) if mixed is None else BestScore(mixed, after, how)
        if self.receipt:
            part = f" of the first {self.receipt.text_bytes:,} bytes" if self.receipt.partial else ""
            how = f"{self.receipt.protocol} score of {self.receipt.artifact}{part}, as it was proved"
            yield BestScore(self.receipt.bpb_claimed, self.receipt.bpb_model, how)

    def _of_weights(self) -> Iterator[BestScore]:
        """Yield what is known of the weights, at the end or in training."""
        yield from self._scored("weights.safetensors")
        if self.manifest and self.manifest["val_bpb"] is not None:
            yield BestScore(self.manifest["val_bpb"], None, "standard score at the end of training")
        for check in self.of("validate")[-1:]:
            yield BestScore(check["bpb"], None, f"standard score at step {check['step']:,}")

    def _scored(self, file: str) -> Iterator[BestScore]:
        """Yield the scores of a file, by the protocols that are preferred."""
        found = {score.protocol: score for score in self.scores if score.of == file}
        for protocol in PREFERRED:
            if score := found.get(protocol):
                yield BestScore(score.bpb, score.bpb_model, f"{protocol} score of {file}")


@dataclass(frozen=True)
class DataReport:
    """What is known of the data folder that runs were trained on: its manifest, what compressors make of its text, and its audit."""

    manifest: Mapping[str, Any]
    compressors: Sequence[CompressorScore] = ()
    overlap: OverlapRecord | None = None


@dataclass(frozen=True)
class PageContents:
    """All that a page shows; `left_out` has the folders that could not be read, each with the reason."""

    title: str
    runs: Sequence[RunReport]
    data: DataReport | None = None
    left_out: Sequence[str] = ()
