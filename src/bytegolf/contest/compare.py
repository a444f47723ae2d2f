"""New scores against old ones: the difference in both units, its interval, and whether it is noise."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from bytegolf.contest.scores import ScoreSet, require_comparable
from bytegolf.contest.statistics import Design, Samples, TTest, design_of, interval, runs_needed, t_test
from bytegolf.errors import InputError, ParameterError

MARGIN_NATS = 0.005  # per token: by how much a record of the contest has to beat the one before
ALPHA = 0.01  # of the contest
CONFIDENCE = 0.95
CONTEST_BYTES_PER_TOKEN = 2.4359  # of the contest's held-out split in its vocabulary of 1,024 pieces


@dataclass(frozen=True)
class Conversion:
    """How bits per byte become nats per token: by the mean bytes of a token, and where that number is from."""

    bytes_per_token: float
    source: str

    @property
    def nats(self) -> float:
        """Return the nats per token of one bit per byte."""
        return math.log(2) * self.bytes_per_token


@dataclass(frozen=True)
class ScoreComparison:
    """New scores compared with old ones. Differences are new less old, so below zero is better.

    `tests` are against no margin and against the contest's; `verdict` is against the margin asked for. Statistics and
    margins are in bits per byte, `margin_nats` in nats per token. `runs_needed` is None unless the result is not significant.
    """

    new: ScoreSet
    old: ScoreSet
    conversion: Conversion
    samples: Samples
    verdict: TTest
    tests: tuple[TTest, ...]
    margin_nats: float
    alpha: float
    interval_bpb: tuple[float, float]
    runs_needed: int | None
    note: str

    @property
    def significant(self) -> bool:
        """Return whether the new scores are lower by more than the margin, at the level `alpha`."""
        return self.verdict.p_value < self.alpha

    def to_json(self) -> dict[str, Any]:
        """Return the comparison as an object for JSON."""
        difference, nats = self.samples.difference, self.conversion.nats
        return {
            "mean_difference_bpb": difference,
            "mean_difference_nats": difference * nats,
            "p_value": self.verdict.p_value,
            "significant": self.significant,
            "test": self.samples.design,
            "statistic": _finite(self.verdict.statistic),
            "degrees_of_freedom": _finite(self.verdict.degrees_of_freedom),
            "alpha": self.alpha,
            "margin_nats": self.margin_nats,
            "confidence": CONFIDENCE,
            "interval_bpb": list(self.interval_bpb),
            "interval_nats": [bound * nats for bound in self.interval_bpb],
            "bytes_per_token": self.conversion.bytes_per_token,
            "bytes_per_token_source": self.conversion.source,
            "tests": [
                {
                    "margin_nats": test.margin * nats,
                    "margin_bpb": test.margin,
                    "statistic": _finite(test.statistic),
                    "p_value": test.p_value,
                }
                for test in self.tests
            ],
            "runs_needed": self.runs_needed,
            "note": self.note or None,
            "new": self._side(self.new, self.samples.new),
            "old": self._side(self.old, self.samples.old),
        }

    def _side(self, scores: ScoreSet, bpb: tuple[float, ...]) -> dict[str, Any]:
        """Return one side's scores in bits per byte; `seeds` are in their order."""
        seeds = list(scores.seeds) if scores.seeds else None
        return {
            "mean_bpb": float(np.mean(bpb)),
            "std_bpb": float(np.std(bpb, ddof=1)) if len(bpb) > 1 else None,
            "n": len(bpb),
            "bpb": None if scores.summarised else list(bpb),
            "seeds": sorted(seeds) if seeds and self.samples.design == "paired" else seeds,
            "figure": scores.figure,
        }


def compare_scores(
    new: ScoreSet, old: ScoreSet, *, bytes_per_token: float | None = None, margin: float = 0.0, alpha: float = ALPHA
) -> ScoreComparison:
    """Compare new scores with old ones, in pairs where both have the same seeds.

    `bytes_per_token` is that of the split; runs know it. Raises InputError for a single new score, and for scores that are
    not comparable.
    """
    if not 0 < alpha < 1:
        raise ParameterError("alpha", f"expected a level between 0 and 1, found {alpha}")
    if not 0 <= margin < math.inf:
        raise ParameterError("margin", f"expected nats of at least 0, found {margin}")
    require_comparable(new, old)
    if len(new.values) < 2:
        raise InputError(
            f"expected at least two new scores, as one has no spread, found {len(new.values)}; give more runs, or numbers with commas"
        )
    conversion = conversion_of(new, old, bytes_per_token)
    samples = _samples(new, old, conversion)
    verdict = t_test(samples, margin / conversion.nats)
    return ScoreComparison(
        new,
        old,
        conversion,
        samples,
        verdict,
        tuple(t_test(samples, nats / conversion.nats) for nats in (0.0, MARGIN_NATS)),
        margin,
        alpha,
        interval(samples, CONFIDENCE),
        None if verdict.p_value < alpha else runs_needed(samples, verdict.margin, alpha),
        _remark(new, old, samples),
    )


def conversion_of(new: ScoreSet, old: ScoreSet, given: float | None) -> Conversion:
    """Return the bytes per token given, else that of the runs, else the contest's. Raises ParameterError for a bad one."""
    if given is not None:
        if not 0 < given < math.inf:
            raise ParameterError("bytes_per_token", f"expected a number above 0, found {given}")
        return Conversion(given, "as given")
    for run in (new.run, old.run):
        if run is not None and run.bytes_per_token:
            return Conversion(run.bytes_per_token, f"of the {run.tokens_of} of {run.folder}")
    return Conversion(CONTEST_BYTES_PER_TOKEN, "assumed: the contest's split in 1,024 pieces")


def _samples(new: ScoreSet, old: ScoreSet, conversion: Conversion) -> Samples:
    """Return both sides in bits per byte, in the order of their seeds if they are paired."""
    seeds = new.seeds is not None and old.seeds is not None and set(new.seeds) == set(old.seeds)
    design: Design = design_of(new.values, old.values, seeds)
    sides = []
    for side in (new, old):
        values = [value / conversion.nats for value in side.values] if side.nats else list(side.values)
        if design == "paired":
            assert side.seeds is not None
            values = [value for _, value in sorted(zip(side.seeds, values, strict=True))]
        sides.append(tuple(values))
    return Samples(design, *sides)


def _remark(new: ScoreSet, old: ScoreSet, samples: Samples) -> str:
    """Return why scores whose seeds partly match are not paired, or that p rests on no spread, or nothing."""
    if math.isinf(t_test(samples).statistic):
        return "the scores have no spread, so p says nothing; give more digits or more seeds"
    a, b = set(new.seeds or ()), set(old.seeds or ())
    if samples.design != "welch" or not a & b:
        return ""
    missing = [f"{side} {', '.join(map(str, sorted(seeds)))}" for side, seeds in (("new", b - a), ("old", a - b)) if seeds]
    return f"not paired, as seeds are missing: {'; '.join(missing)}"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
