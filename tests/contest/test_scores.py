"""Scores as numbers: how they may be written, and what is refused in one line."""

import numpy as np
import pytest

from bytegolf.contest.scores import read_scores, require_comparable
from bytegolf.errors import InputError


@pytest.mark.parametrize("items", [["1.1,1.2", "1.3"], ["1.1", "1.2", "1.3"], [1.1, 1.2, 1.3], ["1.1, 1.2,1.3,"]])
def test_numbers(items: list[str | float]) -> None:
    scores = read_scores("new", items)
    assert scores.values == (1.1, 1.2, 1.3) and scores.seeds is None and not scores.nats


def test_numbers_with_seeds() -> None:
    scores = read_scores("new", ["42:1.1,314:1.2"], nats=True)
    assert scores.values == (1.1, 1.2) and scores.seeds == (42, 314) and scores.nats


@pytest.mark.parametrize("word", ["1.060755±0.000933/6", "1.060755+-0.000933/6"])
def test_a_summary_has_its_mean_and_spread(word: str) -> None:
    values = read_scores("new", [word]).values
    assert len(values) == 6 and np.mean(values) == pytest.approx(1.060755) and np.std(values, ddof=1) == pytest.approx(0.000933)


@pytest.mark.parametrize(
    ("items", "problem"),
    [
        ([], "found none"),
        ([" , "], "found none"),
        (["1.1,nan"], "above zero, found nan"),
        (["inf"], "above zero"),
        (["0.0,1.1"], "above zero"),
        (["-1.1"], "above zero"),
        (["1.1,abc"], "'abc' among numbers"),
        (["42:1.1,1.2"], "found 1.2 without one"),
        (["42:1.1,42:1.2"], "seed 42 twice"),
        (["1.1±0.1/1"], "expected MEAN±STD/N"),
        (["1.1±0/3"], "expected MEAN±STD/N"),
        (["1.1±x/3"], "expected MEAN±STD/N"),
        (["no_such_run"], "expected a run folder, found nothing"),
    ],
)
def test_what_is_no_scores(items: list[str], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        read_scores("new", items)


def test_units_are_not_mixed() -> None:
    with pytest.raises(InputError, match="one of each"):
        require_comparable(read_scores("new", ["1.1"]), read_scores("old", ["1.1"], nats=True))
