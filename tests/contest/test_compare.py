"""A comparison: units, pairing, verdict, and what it says of itself."""

import json
import math
from pathlib import Path

import pytest

from bytegolf.contest.compare import compare_scores
from bytegolf.contest.scores import ScoreSet, read_scores
from bytegolf.errors import InputError
from support.published_scores import NEW, NEW_NATS, OLD, OLD_NATS
from support.scored_runs import scored_run


def numbers(text: str, nats: bool = False) -> ScoreSet:
    return read_scores("scores", [text], nats=nats)


def test_the_worked_example() -> None:
    result = compare_scores(numbers(NEW), numbers(OLD))
    shown = json.loads(json.dumps(result.to_json()))
    assert shown["mean_difference_bpb"] == pytest.approx(-0.00464458) and shown["mean_difference_nats"] == pytest.approx(
        -0.00784215, rel=1e-4
    )
    assert round(shown["statistic"], 2) == -11.83 and round(shown["degrees_of_freedom"], 2) == 3.31
    assert shown["significant"] and [round(test["margin_nats"], 9) for test in shown["tests"]] == [0, 0.005]
    assert compare_scores(numbers(NEW), numbers(OLD), margin=0.005).significant
    assert not compare_scores(numbers(NEW), numbers(OLD), margin=0.006).significant


def test_nats_are_converted_by_the_bytes_of_a_token() -> None:
    bits, nats = compare_scores(numbers(NEW), numbers(OLD)), compare_scores(numbers(NEW_NATS, True), numbers(OLD_NATS, True))
    assert nats.samples.difference == pytest.approx(bits.samples.difference, rel=1e-4)
    shown = compare_scores(numbers(NEW_NATS, True), numbers(OLD_NATS, True), bytes_per_token=3.727).to_json()
    assert shown["mean_difference_nats"] == pytest.approx(-0.00784215, rel=1e-5)
    assert shown["mean_difference_bpb"] == pytest.approx(-0.00784215 / math.log(2) / 3.727, rel=1e-5)
    assert shown["tests"][1]["margin_bpb"] == pytest.approx(0.00194, abs=5e-6)  # as the law book has it


def test_the_same_seeds_are_paired_in_any_order() -> None:
    result = compare_scores(numbers("1:1.00,2:2.01,3:3.0"), numbers("3:3.1,1:1.1,2:2.1"))
    assert result.samples == ("paired", (1.0, 2.01, 3.0), (1.1, 2.1, 3.1)) and result.significant and not result.note
    assert result.to_json()["new"]["seeds"] == [1, 2, 3]


def test_missing_seeds_are_told_and_not_paired() -> None:
    result = compare_scores(numbers("1:1.0,2:1.1"), numbers("2:1.2,3:1.3"))
    assert result.samples.design == "welch" and result.note == "not paired, as seeds are missing: new 3; old 1"


def test_scores_without_spread_are_told() -> None:
    result = compare_scores(numbers("1.0,1.0"), numbers("1.1,1.1"))
    assert "no spread" in result.note and json.loads(json.dumps(result.to_json()))["statistic"] is None


def test_one_old_number_is_taken_as_fixed() -> None:
    result = compare_scores(numbers(NEW), numbers("1.11937967"))
    assert result.samples.design == "one-sample" and result.significant and result.runs_needed is None


def test_what_is_not_significant_says_what_would_be() -> None:
    result = compare_scores(numbers("1.10,1.12,1.11"), numbers("1.12,1.13,1.11"))
    assert not result.significant and result.runs_needed is not None and result.runs_needed > 3
    worse = compare_scores(numbers("1.12,1.13"), numbers("1.10,1.11"))
    assert not worse.significant and worse.runs_needed is None and worse.samples.difference > 0


def test_runs_bring_their_bytes_per_token(tmp_path: Path) -> None:
    new, old = (
        read_scores(name, [scored_run(tmp_path / f"{name}{seed}", seed, bpb + seed / 1000) for seed in (1, 2, 3)])
        for name, bpb in (("new", 1.0), ("old", 1.1))
    )
    result = compare_scores(new, old)
    assert result.conversion.bytes_per_token == 3.0 and "new1" in result.conversion.source and result.samples.design == "paired"


@pytest.mark.parametrize(
    ("new", "options", "problem"),
    [
        ("1.1", {}, "at least two new scores"),
        (NEW, {"alpha": 0.0}, "alpha"),
        (NEW, {"alpha": math.nan}, "alpha"),
        (NEW, {"margin": -1.0}, "margin"),
        (NEW, {"bytes_per_token": 0.0}, "bytes_per_token"),
        (NEW, {"bytes_per_token": math.nan}, "bytes_per_token"),
    ],
)
def test_what_cannot_be_compared(new: str, options: dict[str, float], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        compare_scores(numbers(new), numbers(OLD), **options)
