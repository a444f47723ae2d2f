"""Scores that runs keep: which figure is taken, and what is not one configuration."""

from pathlib import Path

import pytest

from bytegolf.contest.run_scores import AT_THE_END, read_run_scores
from bytegolf.contest.scores import read_scores, require_comparable
from bytegolf.errors import InputError
from support.runs import micro
from support.scored_runs import scored_run


def test_the_figure_that_all_runs_have_is_taken(tmp_path: Path) -> None:
    both = scored_run(scored_run(tmp_path / "a", 1, 1.1), 1, 1.2, protocol="streaming")
    one = scored_run(tmp_path / "b", 2, 1.3, protocol="streaming")
    runs = read_run_scores([both, one])
    assert [(run.seed, run.bpb) for run in runs] == [(1, 1.2), (2, 1.3)]
    assert runs[0].figure == "streaming score of artifact.bgz" and runs[0].bytes_per_token == 3.0


def test_the_protocol_may_be_named(tmp_path: Path) -> None:
    run = scored_run(scored_run(tmp_path / "a", 1, 1.1), 1, 1.2, protocol="streaming")
    assert read_run_scores([run])[0].bpb == 1.1 and read_run_scores([run], "streaming")[0].bpb == 1.2
    with pytest.raises(InputError, match=r"the ttt score of every run, found .*a: sliding score of artifact.bgz, streaming score"):
        read_run_scores([run], "ttt")


def test_without_scores_the_manifest_is_read(tmp_path: Path) -> None:
    runs = read_run_scores([scored_run(tmp_path / str(seed), seed, val_bpb=1.0 + seed) for seed in (1, 2)])
    assert [run.bpb for run in runs] == [2.0, 3.0] and runs[0].figure == AT_THE_END and runs[0].bytes_per_token == 2.0


def test_the_score_of_a_file_that_was_made_anew_does_not_count(tmp_path: Path) -> None:
    run = scored_run(tmp_path / "a", 1, 1.1, val_bpb=1.2)
    (run / "artifact.bgz").write_bytes(b"another")
    assert read_run_scores([run])[0].bpb == 1.2


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"data": "ff"}, "expected the data that"),
        ({"bytes": 2999}, "expected the number of bytes that"),
        ({"protocol": "ttt"}, "expected one kind of score of every run"),
        ({"recipe": micro("train.seed=2", "optim.matrix_lr=0.5")}, "optim.matrix_lr = "),
    ],
)
def test_runs_that_are_not_one_configuration(tmp_path: Path, changes: dict[str, object], problem: str) -> None:
    first = scored_run(tmp_path / "a", 1, 1.1)
    other = scored_run(tmp_path / "b", 2, 1.2, **changes)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=problem):
        read_run_scores([first, other])


def test_a_run_without_a_score(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"found .*a: none"):
        read_run_scores([scored_run(tmp_path / "a", 1)])


def test_an_unfinished_run(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(InputError, match="expected a finished run"):
        read_run_scores([tmp_path / "a"])


@pytest.mark.parametrize(
    ("changes", "problem"),
    [({"data": "ff"}, "held-out data"), ({"bytes": 2999}, "held-out bytes"), ({"protocol": "streaming"}, "protocol and file")],
)
def test_sides_that_are_not_comparable(tmp_path: Path, changes: dict[str, object], problem: str) -> None:
    new = read_scores("new", [scored_run(tmp_path / "a", 1, 1.1)])
    old = read_scores("old", [scored_run(tmp_path / "b", 2, 1.2, **changes)])  # type: ignore[arg-type]
    with pytest.raises(InputError, match=problem):
        require_comparable(new, old)


def test_runs_are_in_bits_per_byte_and_not_numbers(tmp_path: Path) -> None:
    run = scored_run(tmp_path / "a", 1, 1.1)
    with pytest.raises(InputError, match="is for numbers only"):
        read_scores("new", [run], nats=True)
    with pytest.raises(InputError, match="and not both"):
        read_scores("new", [str(run), "1.1"])
