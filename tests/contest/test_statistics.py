"""The t-tests against SciPy, called plainly, and against what the formulas of the law book give."""

import math
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bytegolf.contest.statistics import Design, Samples, design_of, interval, mean_interval, runs_needed, t_test
from bytegolf.errors import InputError
from support.published_scores import NEW, NEW_NATS, OLD, OLD_NATS

scores = st.lists(st.floats(0.5, 2.0), min_size=2, max_size=8).filter(lambda values: np.std(values) > 1e-6)
margins = st.sampled_from([0.0, 0.005])


def numbers(text: str) -> tuple[float, ...]:
    return tuple(map(float, text.split(",")))


@given(scores, scores, margins)
def test_welch_is_scipys(new: list[float], old: list[float], margin: float) -> None:
    found = t_test(Samples("welch", tuple(new), tuple(old)), margin)
    expected = stats.ttest_ind(np.add(new, margin), old, equal_var=False, alternative="less")
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-6, abs=1e-300)
    bounds = stats.ttest_ind(new, old, equal_var=False).confidence_interval(0.95)
    assert interval(Samples("welch", tuple(new), tuple(old)), 0.95) == pytest.approx((bounds.low, bounds.high))
    assert found.statistic == pytest.approx(expected.statistic, rel=1e-7, abs=1e-7)
    assert found.degrees_of_freedom == pytest.approx(expected.df)


@given(scores, st.sampled_from([0.5, 0.95, 0.99]))
def test_the_interval_of_a_mean_is_scipys(values: list[float], confidence: float) -> None:
    expected = stats.t.interval(confidence, len(values) - 1, np.mean(values), stats.sem(values))
    assert mean_interval(values, confidence) == pytest.approx(expected)


@given(scores, st.floats(0.5, 2.0), margins)
def test_one_sample_is_scipys(new: list[float], old: float, margin: float) -> None:
    samples = Samples("one-sample", tuple(new), (old,))
    expected = stats.ttest_1samp(new, old - margin, alternative="less")
    assert t_test(samples, margin).p_value == pytest.approx(expected.pvalue, rel=1e-6, abs=1e-300)
    bounds = stats.ttest_1samp(np.subtract(new, old), 0).confidence_interval(0.9)
    assert interval(samples, 0.9) == pytest.approx((bounds.low, bounds.high), rel=1e-6, abs=1e-12)


@given(st.lists(st.tuples(st.floats(0.5, 2.0), st.floats(0.5, 2.0)), min_size=2, max_size=8), margins)
def test_paired_is_scipys(pairs: list[tuple[float, float]], margin: float) -> None:
    new, old = zip(*pairs, strict=True)
    if np.std(np.subtract(new, old)) < 1e-6:
        return
    samples = Samples("paired", new, old)
    expected = stats.ttest_rel(np.add(new, margin), old, alternative="less")
    assert t_test(samples, margin).p_value == pytest.approx(expected.pvalue, rel=1e-6, abs=1e-300)
    bounds = stats.ttest_rel(new, old).confidence_interval(0.95)
    assert interval(samples, 0.95) == pytest.approx((bounds.low, bounds.high))


@pytest.mark.parametrize(("new", "old", "delta"), [(NEW, OLD, 0.0), (NEW_NATS, OLD_NATS, 0.005)])
def test_the_worked_example_by_the_formulas_of_the_law_book(new: str, old: str, delta: float) -> None:
    m, b = numbers(new), numbers(old)
    a, c = np.var(b, ddof=1) / 3, np.var(m, ddof=1) / 3
    t = (np.mean(b) - np.mean(m) - delta) / math.sqrt(a + c)
    df = (a + c) ** 2 / (a**2 / 2 + c**2 / 2)
    found = t_test(Samples("welch", m, b), delta)
    assert found.statistic == pytest.approx(-t) and found.degrees_of_freedom == pytest.approx(df)
    assert found.p_value == pytest.approx(stats.t.sf(t, df))


def test_the_worked_example_as_it_was_published() -> None:
    found = t_test(Samples("welch", numbers(NEW), numbers(OLD)))
    assert round(found.statistic, 4) == -11.8339 and round(found.degrees_of_freedom, 4) == 3.3063
    strict = t_test(Samples("welch", numbers(NEW_NATS), numbers(OLD_NATS)), 0.005)
    assert 0.009 < strict.p_value < 0.01


def test_three_runs_have_to_reach_the_critical_value_of_the_law_book() -> None:
    spread = np.array([-1.0, 0.0, 1.0]) * 1e-4
    for t, significant in ((6.96, False), (6.97, True)):
        new = tuple(1.0 - t * 1e-4 / math.sqrt(3) + spread)
        assert (t_test(Samples("one-sample", new, (1.0,))).p_value < 0.01) == significant


@pytest.mark.parametrize(("gain", "p"), [(0.1, 0.0), (0.0, 1.0), (-0.1, 1.0)])
@pytest.mark.parametrize("design", ["welch", "paired", "one-sample"])
def test_scores_without_spread(design: Design, gain: float, p: float) -> None:
    samples = Samples(design, (1.0 - gain, 1.0 - gain), (1.0,) if design == "one-sample" else (1.0, 1.0))
    assert t_test(samples).p_value == p
    assert interval(samples, 0.95) == pytest.approx((-gain, -gain))


def test_the_design_follows_from_the_scores() -> None:
    assert design_of([1, 2], [1], paired=True) == "one-sample"
    assert design_of([1, 2], [1, 2], paired=True) == "paired" and design_of([1, 2], [1, 2], paired=False) == "welch"


@pytest.mark.parametrize("design", ["welch", "paired", "one-sample"])
def test_the_number_of_runs_needed_gives_the_power_it_is_for(design: Design) -> None:
    """By simulation, with the means and spreads of the samples as the truth."""
    new, old = (1.0, 1.3, 0.6, 1.2), (1.5,) if design == "one-sample" else (1.6, 1.9, 1.3, 1.4)
    needed = runs_needed(Samples(design, new, old), 0.0, 0.05)
    assert needed is not None and needed > 2
    draw = np.random.default_rng(0)
    powers = []
    for runs in (needed - 1, needed):
        if design == "welch":
            a = draw.normal(np.mean(new), np.std(new, ddof=1), (runs, 20_000))
            b = draw.normal(np.mean(old), np.std(old, ddof=1), (runs, 20_000))
            p = stats.ttest_ind(a, b, equal_var=False, alternative="less").pvalue
        else:
            differences = np.subtract(new, old)
            a = draw.normal(np.mean(differences), np.std(differences, ddof=1), (runs, 20_000))
            p = stats.ttest_1samp(a, 0, alternative="less").pvalue
        powers.append(np.mean(p < 0.05))
    assert powers[0] < 0.82 and powers[1] > 0.78


def test_no_number_of_runs_shows_what_is_not_there() -> None:
    worse = Samples("welch", (1.1, 1.2), (1.0, 1.1))
    assert runs_needed(worse, 0.0, 0.01) is None
    hardly = Samples("welch", (1.0, 2.0), (1.0001, 2.0001))
    assert runs_needed(hardly, 0.0, 0.01) is None
    assert runs_needed(Samples("welch", (1.0, 1.2), (1.1, 1.3)), 0.2, 0.01) is None


def test_without_scipy_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(InputError, match="expected the package scipy, found it missing; pip install scipy"):
        t_test(Samples("welch", (1.0, 1.1), (1.2, 1.3)))
