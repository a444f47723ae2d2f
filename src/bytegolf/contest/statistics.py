"""Test whether new scores are lower than old ones by more than a margin: Student's and Welch's t-tests, as SciPy makes them.

Scores are in one unit, lower is better, and a difference is new minus old: below zero where the new scores are better. The
null hypothesis is that the mean of the old ones less that of the new ones is the margin or less.
"""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from bytegolf.arrays import Doubles
from bytegolf.errors import InputError

Design = Literal["welch", "paired", "one-sample"]
DESIGNS = {
    "welch": "Welch's t-test, two samples of unequal variance",
    "paired": "paired t-test, the same seeds on both sides",
    "one-sample": "one-sample t-test against a fixed number",
}
POWER = 0.8  # chance of a significant result that the number of runs needed is for
MOST_RUNS = 10_000


class Samples(NamedTuple):
    """New and old scores, and how they are to be compared. In a paired design the scores of a seed have one index."""

    design: Design
    new: tuple[float, ...]
    old: tuple[float, ...]

    @property
    def difference(self) -> float:
        """Return the mean of the new scores less that of the old ones."""
        return float(np.mean(self.new) - np.mean(self.old))


@dataclass(frozen=True)
class TTest:
    """The result of a one-sided t-test. The statistic is infinite where the scores have no spread at all."""

    margin: float
    statistic: float
    degrees_of_freedom: float
    p_value: float


def design_of(new: Sequence[float], old: Sequence[float], paired: bool) -> Design:
    """Return how scores are compared: against a fixed number if there is one old score, in pairs if they are, else Welch's way."""
    return "one-sample" if len(old) == 1 else "paired" if paired else "welch"


def t_test(samples: Samples, margin: float = 0.0) -> TTest:
    """Test whether the new scores are lower than the old ones by more than `margin`.

    Where neither side has any spread, p is 0 for a difference beyond the margin and else 1.
    """
    old = np.asarray(samples.old) - margin
    result = _scipy(samples.design, np.asarray(samples.new), old, "less")
    if math.isnan(result.pvalue):
        return TTest(margin, 0.0, float(result.df), 1.0)
    return TTest(margin, float(result.statistic), float(result.df), float(result.pvalue))


def interval(samples: Samples, confidence: float) -> tuple[float, float]:
    """Return the two-sided confidence interval of the mean difference, new less old."""
    new, old = np.asarray(samples.new), np.asarray(samples.old)
    bounds = _scipy(samples.design, new, old, "two-sided").confidence_interval(confidence)
    shift = float(old[0]) if samples.design == "one-sample" else 0.0  # SciPy's is then of the mean itself
    low, high = float(bounds.low) - shift, float(bounds.high) - shift
    return (samples.difference, samples.difference) if math.isnan(low) else (low, high)


def mean_interval(values: Sequence[float], confidence: float) -> tuple[float, float]:
    """Return the two-sided confidence interval of the mean of at least two values, by Student's t."""
    try:
        from scipy.special import stdtrit  # the quantile alone: all of SciPy's statistics take a second more to import
    except ModuleNotFoundError as error:
        raise InputError(f"expected the package {error.name}, found it missing; pip install scipy") from None
    mean, reach = float(np.mean(values)), float(np.std(values, ddof=1)) / math.sqrt(len(values))
    half = float(stdtrit(len(values) - 1, (1 + confidence) / 2)) * reach
    return mean - half, mean + half


def runs_needed(samples: Samples, margin: float, alpha: float) -> int | None:
    """Return how many runs a side would be significant with a chance of `POWER`, were the means and spreads those seen.

    None if the new scores are not better by more than the margin, or no number up to `MOST_RUNS` is enough.
    """
    gain = -samples.difference - margin
    if gain <= 0:
        return None
    low, high = 1, 2
    while _power(samples, gain, high, alpha) < POWER:
        low, high = high, 2 * high
        if high > MOST_RUNS:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _power(samples, gain, middle, alpha) < POWER else (low, middle)
    return high


def _scipy(design: Design, new: Doubles, old: Doubles, alternative: str) -> Any:
    stats = _stats()
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)  # of scores without spread, which the callers see to
        if design == "paired":
            return stats.ttest_rel(new, old, alternative=alternative)
        if design == "one-sample":
            return stats.ttest_1samp(new, popmean=old[0], alternative=alternative)
        return stats.ttest_ind(new, old, equal_var=False, alternative=alternative)


def _stats() -> Any:
    """Import SciPy's statistics where they are needed: that takes a second. Raises InputError if they are not installed."""
    try:
        from scipy import stats
    except ModuleNotFoundError as error:
        raise InputError(f"expected the package {error.name}, found it missing; pip install scipy") from None
    return stats


def _power(samples: Samples, gain: float, runs: int, alpha: float) -> float:
    """Return the chance that `runs` runs a side give p < alpha, were the gain and the spreads the true ones."""
    stats = _stats()
    new, old = np.asarray(samples.new), np.asarray(samples.old)
    if samples.design == "welch":
        variances = np.var(new, ddof=1), np.var(old, ddof=1)
        total = float(sum(variances))
        degrees = (runs - 1) * total**2 / sum(float(variance) ** 2 for variance in variances) if total else 1.0
    else:
        total = float(np.var(new - old, ddof=1))
        degrees = float(runs - 1)
    if total == 0:
        return 1.0
    critical = stats.t.isf(alpha, degrees)
    return float(stats.nct.sf(critical, degrees, gain / math.sqrt(total / runs)))
