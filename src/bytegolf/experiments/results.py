"""What a sweep came to: its cells, the mean of each configuration, and how each compares with another."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from bytegolf.contest.compare import ALPHA, CONFIDENCE, ScoreComparison, compare_scores
from bytegolf.contest.run_scores import RunScore
from bytegolf.contest.scores import ScoreSet
from bytegolf.contest.statistics import Samples, interval

CellState = Literal["waiting", "finished", "failed"]


@dataclass(frozen=True)
class CellResult:
    """What became of a cell. Numbers are None until it is finished; `error` says why it failed."""

    name: str
    configuration: str
    seed: int
    run: str
    state: CellState
    bpb: float | None = None
    bytes: int | None = None  # of the artifact, where there is one
    seconds: float | None = None  # of training
    error: str | None = None


@dataclass(frozen=True)
class ConfigurationResult:
    """The scores of one configuration over seeds, and the comparison with another over the seeds that both have."""

    name: str
    seeds: tuple[int, ...]
    bpb: tuple[float, ...]
    mean_bpb: float | None
    interval_bpb: tuple[float, float] | None  # of the mean; None for fewer than two seeds
    mean_bytes: float | None
    compared_with: str | None  # the first configuration, or on a ladder the one before; None for the first itself
    difference_bpb: float | None  # from that one
    comparison: ScoreComparison | None  # None for fewer than two seeds in common

    def to_json(self) -> dict[str, Any]:
        """Return the configuration as an object for JSON."""
        shown = {key: value for key, value in vars(self).items() if key != "comparison"}
        return {**shown, "comparison": self.comparison.to_json() if self.comparison else None}


@dataclass(frozen=True)
class SweepResult:
    """A sweep as it stands: `figure` is the score of its cells, `threads` what each computes on (0 if any number will do)."""

    sweep: str
    recipe: str
    figure: str
    data_sha256: str
    threads: int
    cells: tuple[CellResult, ...]
    configurations: tuple[ConfigurationResult, ...]

    @property
    def finished(self) -> int:
        """Return how many cells are finished."""
        return sum(cell.state == "finished" for cell in self.cells)

    @property
    def ok(self) -> bool:
        """Return whether all cells are finished."""
        return self.finished == len(self.cells)

    def to_json(self) -> dict[str, Any]:
        """Return the sweep as an object for JSON."""
        return {
            **{key: value for key, value in vars(self).items() if key not in ("cells", "configurations")},
            "ok": self.ok,
            "finished": self.finished,
            "confidence": CONFIDENCE,
            "cells": [asdict(cell) for cell in self.cells],
            "configurations": [configuration.to_json() for configuration in self.configurations],
        }


def configuration_results(cells: Sequence[CellResult], scores: dict[str, RunScore], ladder: bool) -> tuple[ConfigurationResult, ...]:
    """Return the result of each configuration, in the order of the cells, compared with the first, or on a ladder with the one before.

    `scores` are those of finished cells, by the cells' names.
    """
    rows: dict[str, dict[int, CellResult]] = {}
    for cell in cells:
        row = rows.setdefault(cell.configuration, {})
        if cell.name in scores:
            row[cell.seed] = cell
    names = list(rows)
    return tuple(
        _configuration(name, rows, scores, None if index == 0 else names[index - 1 if ladder else 0]) for index, name in enumerate(names)
    )


def _configuration(
    name: str, rows: Mapping[str, Mapping[int, CellResult]], scores: Mapping[str, RunScore], other: str | None
) -> ConfigurationResult:
    own, others = rows[name], rows[other] if other is not None else {}
    bpb = tuple(scores[cell.name].bpb for cell in own.values())
    sizes = [cell.bytes for cell in own.values() if cell.bytes is not None]
    common = [seed for seed in own if seed in others]
    new, old = [scores[own[seed].name] for seed in common], [scores[others[seed].name] for seed in common]
    return ConfigurationResult(
        name,
        tuple(own),
        bpb,
        float(np.mean(bpb)) if bpb else None,
        interval(Samples("one-sample", bpb, (0.0,)), CONFIDENCE) if len(bpb) > 1 else None,
        float(np.mean(sizes)) if sizes else None,
        other,
        float(np.mean([score.bpb for score in new]) - np.mean([score.bpb for score in old])) if common else None,
        compare_scores(_set(new), _set(old), alpha=ALPHA) if len(common) > 1 else None,
    )


def _set(scores: Sequence[RunScore]) -> ScoreSet:
    return ScoreSet(tuple(score.bpb for score in scores), tuple(score.seed for score in scores), scores[0].figure, run=scores[0])
