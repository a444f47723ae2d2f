"""Means, intervals and comparisons of a sweep, against plain arithmetic."""

import json
import math
from pathlib import Path
from statistics import mean, stdev

import pytest

from bytegolf.contest.run_scores import AT_THE_END, RunScore
from bytegolf.experiments.results import CellResult, ConfigurationResult, SweepResult, configuration_results

T_975 = {1: 12.706204736, 2: 4.302652730}  # two-sided 95 % quantiles of Student's t, from a table


def results(scores: dict[str, dict[int, float]], ladder: bool = False) -> tuple[ConfigurationResult, ...]:
    """Return the results of configurations by name; a cell whose score is NaN has failed."""
    cells, found = [], {}
    for name, row in scores.items():
        for seed, bpb in row.items():
            finished = not math.isnan(bpb)
            cells.append(CellResult(f"{name}{seed}", name, seed, "run", "finished" if finished else "failed", bytes=100 + seed))
            if finished:
                found[f"{name}{seed}"] = RunScore(Path(name), seed, bpb, AT_THE_END, "data", None, 2.5, "training text")
    return configuration_results(cells, found, ladder)


def test_means_and_paired_differences() -> None:
    a, b = {1: 1.30, 2: 1.40, 3: 1.35}, {1: 1.28, 2: 1.39, 3: 1.32}
    first, second = results({"a": a, "b": b})
    assert (
        first.mean_bpb is not None
        and first.mean_bpb == pytest.approx(mean(a.values()))
        and first.comparison is None
        and first.difference_bpb is None
    )
    half = T_975[2] * stdev(a.values()) / math.sqrt(3)
    assert first.interval_bpb == pytest.approx((first.mean_bpb - half, first.mean_bpb + half))
    differences = [b[seed] - a[seed] for seed in a]
    assert second.difference_bpb == pytest.approx(mean(differences))
    assert second.comparison is not None and second.comparison.samples.design == "paired"
    half = T_975[2] * stdev(differences) / math.sqrt(3)
    assert second.comparison.interval_bpb == pytest.approx((mean(differences) - half, mean(differences) + half))
    assert second.mean_bytes == 102


def test_only_seeds_in_common_are_compared() -> None:
    _, second = results({"a": {1: 1.3, 2: math.nan, 3: 1.4, 4: 1.5}, "b": {1: 1.2, 2: 1.1, 3: math.nan, 4: 1.45}})
    assert second.seeds == (1, 2, 4) and second.mean_bpb == pytest.approx(1.25)
    assert second.difference_bpb == pytest.approx((1.2 - 1.3 + 1.45 - 1.5) / 2)
    assert second.comparison is not None and second.comparison.samples.new == (1.2, 1.45)


def test_on_a_ladder_each_is_compared_with_the_one_before() -> None:
    scores = {"a": {1: 1.30, 2: 1.40}, "b": {1: 1.20, 2: 1.31}, "c": {1: 1.21, 2: 1.29}}
    alone, ladder = results(scores), results(scores, ladder=True)
    assert [row.compared_with for row in alone] == [None, "a", "a"] and [row.compared_with for row in ladder] == [None, "a", "b"]
    assert alone[2].difference_bpb == pytest.approx(-0.10) and ladder[2].difference_bpb == pytest.approx(-0.005)
    assert ladder[2].comparison is not None and ladder[2].comparison.samples.old == (1.20, 1.31)


def test_too_few_to_compare() -> None:
    first, second, third = results({"a": {1: 1.3}, "b": {1: 1.2}, "c": {1: math.nan}})
    assert first.interval_bpb is None
    assert second.difference_bpb == pytest.approx(-0.1) and second.comparison is None
    assert third.mean_bpb is None and third.difference_bpb is None and third.bpb == ()


def test_json() -> None:
    rows = results({"a": {1: 1.3, 2: 1.2}, "b": {1: 1.2, 2: 1.21}})
    cells = (CellResult("a1", "a", 1, "run", "finished", 1.3), CellResult("b1", "b", 1, "run", "failed", error="killed"))
    shown = json.loads(json.dumps(SweepResult("s", "micro", AT_THE_END, "data", 1, cells, rows).to_json()))
    assert (shown["ok"], shown["finished"]) == (False, 1)
    assert shown["cells"][1]["error"] == "killed" and shown["configurations"][1]["comparison"]["test"] == "paired"
