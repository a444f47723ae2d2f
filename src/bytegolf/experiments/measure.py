"""The one number that a sweep compares its cells by, and what has to be done to a run to get it."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from bytegolf.contest.run_scores import AT_THE_END, RunScore, kept_scores
from bytegolf.names import ProtocolName
from bytegolf.storage.records import read_record
from bytegolf.storage.run_folder import RunFolder
from bytegolf.storage.run_records import PackRecord

PACK_SCORES: ProtocolName = "sliding"  # by this protocol `pack` scores the artifact that it makes


class Measured(NamedTuple):
    """What a finished cell came to; `bytes` are those of its artifact, if it was packed."""

    score: RunScore
    bytes: int | None
    seconds: float | None  # of training


@dataclass(frozen=True)
class Measure:
    """A score by a protocol, or without one the score that training ends with; of the artifact where runs are packed."""

    protocol: ProtocolName | None
    packs: bool

    @property
    def scored_by(self) -> ProtocolName | None:
        """Return the protocol; of artifacts, where none is asked for, the one that packing scores by."""
        return self.protocol or (PACK_SCORES if self.packs else None)

    @property
    def figure(self) -> str:
        """Return the name of the score, as runs that are compared have it."""
        if self.scored_by is None:
            return AT_THE_END
        return f"{self.scored_by} score of {self._scored(RunFolder(Path())).name}"

    def measured(self, run: RunFolder) -> Measured | None:
        """Return what a run came to, or None if there is still something to be done. Raises InputError for damaged records."""
        if not run.manifest.exists() or (self.packs and not self._is_packed(run)):
            return None
        score = kept_scores(run.root).get(self.figure)
        if score is None:
            return None
        size = read_record(run.pack, PackRecord, "the result of packing").bytes if self.packs else None
        return Measured(score, size, run.read_manifest()["seconds"])

    def steps(self, run: RunFolder, training: tuple[str, ...], data: tuple[str, ...]) -> list[tuple[str, ...]]:
        """Return all commands for a run, by which it is trained, packed and scored; `training` and `data` are the words of options."""
        steps = [("train", *training, *data, "--out", str(run.root), "--resume")]
        if self.packs:
            steps.append(("pack", str(run.root), *data))
        if self.scored_by is not None and not (self.packs and self.scored_by == PACK_SCORES):
            steps.append(self._score(run, data))
        return steps

    def next_step(self, run: RunFolder, training: tuple[str, ...], data: tuple[str, ...]) -> tuple[str, ...] | None:
        """Return the first command that is still to be run, or None."""
        steps = self.steps(run, training, data)
        if not run.manifest.exists():
            return steps[0]
        if self.packs and not self._is_packed(run):
            return steps[1]
        return self._score(run, data) if self.measured(run) is None else None

    def _score(self, run: RunFolder, data: tuple[str, ...]) -> tuple[str, ...]:
        source = run.artifact if self.packs else run.root
        return ("score", str(source), *data, "--protocol", self.scored_by or "standard")

    def _scored(self, run: RunFolder) -> Path:
        return run.artifact if self.packs else run.weights

    def _is_packed(self, run: RunFolder) -> bool:
        return run.pack.exists() and run.artifact.exists()
