"""Comparisons say what `compare` says, of the figure that all runs have."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from bytegolf.contest.compare import compare_scores
from bytegolf.contest.scores import ScoreSet
from bytegolf.reporting.groups import grouped
from bytegolf.reporting.run_report import RunReport
from bytegolf.reporting.sections.comparison import comparison_section
from support.reports import FIGURE, ParsedPage, a_run

OLD, NEW = (1.20, 1.21, 1.19), (1.10, 1.12, 1.11)


def seeds(name: str, rate: str, scores: tuple[float, ...]) -> list[RunReport]:
    return [a_run(f"{name}{seed}", f"optim.matrix_lr={rate}", f"train.seed={seed}", bpb=bpb) for seed, bpb in enumerate(scores, 1)]


def shown(*runs: RunReport) -> ParsedPage:
    return ParsedPage(comparison_section(grouped(runs)))


def test_means_with_intervals_and_the_paired_test() -> None:
    page = shown(*seeds("old", "0.01", OLD), *seeds("new", "0.03", NEW))
    low, high = stats.t.interval(0.95, 2, np.mean(OLD), stats.sem(OLD))
    assert f"{low:.6f} to {high:.6f}" in page.text["td"] and "1.200000" in page.text["td"]
    expected = compare_scores(ScoreSet(NEW, (1, 2, 3), FIGURE), ScoreSet(OLD, (1, 2, 3), FIGURE))
    bounds = [f"−{abs(bound):.6f}" for bound in expected.interval_bpb]
    assert " to ".join(bounds) in page.text["td"] and "paired t-test" in page.text["td"]
    assert f"matrix_lr 0.03: 0.0900 lower (−{abs(expected.interval_bpb[0]):.4f} to" in page.text["li"]
    assert "better, beyond what seeds explain" in page.text["li"] and "Against matrix_lr 0.01" in page.text["h3"]
    assert len(page.having("interval")) == 3 and len(page.having("seed")) == 6


@pytest.mark.parametrize(("scores", "words"), [((1.30, 1.31, 1.29), "worse"), ((1.201, 1.209, 1.188), "not told from luck")])
def test_what_is_not_better_is_not_called_so(scores: tuple[float, ...], words: str) -> None:
    assert words in shown(*seeds("old", "0.01", OLD), *seeds("new", "0.03", scores)).text["li"]


def test_single_runs_have_no_interval() -> None:
    page = shown(a_run("one", bpb=1.0), a_run("two", "optim.matrix_lr=0.01", bpb=1.1))
    assert "may be luck" in page.text["p"] and "not tested, one seed" in page.text["li"] and not page.having("interval")


def test_one_run_is_compared_with_none() -> None:
    assert comparison_section(grouped([a_run()])) == ""


def test_runs_without_a_common_score() -> None:
    page = shown(a_run("one"), a_run("two", "optim.matrix_lr=0.01", figures={}), a_run("three", figures={"other": a_run().figures[FIGURE]}))
    assert "no score of one kind" in page.text["p"] and "optim.matrix_lr" in page.text["th"]


def test_runs_of_other_data_are_not_tested() -> None:
    others = [replace(run, figures={FIGURE: replace(run.figures[FIGURE], data="another")}) for run in seeds("new", "0.03", NEW)]
    assert "expected the held-out data of" in shown(*seeds("old", "0.01", OLD), *others).text["li"]
