"""Real runs are compared by the scores that `score` and `train` left in them."""

import shutil
from pathlib import Path

import pytest

import bytegolf as bg
from bytegolf.contest.run_scores import AT_THE_END, read_run_scores
from bytegolf.errors import InputError


def test_the_score_of_a_run_is_the_one_that_was_measured(copied: Path, data: Path) -> None:
    assert read_run_scores([copied])[0].figure == "sliding score of artifact.bgz"  # which packing measures
    score = bg.score(copied / "artifact.bgz", data, "streaming")
    (found,) = read_run_scores([copied], "streaming")
    assert (found.bpb, found.bytes, found.bytes_per_token) == (score.bpb, score.bytes, score.bytes / score.tokens)
    assert found.figure == "streaming score of artifact.bgz"


def test_a_run_that_was_not_scored_has_the_figure_of_its_end(copied: Path) -> None:
    (copied / "score-sliding.json").unlink()
    (at_the_end,) = read_run_scores([copied])
    assert (at_the_end.figure, at_the_end.tokens_of) == (AT_THE_END, "training text")


def test_two_seeds_against_a_number(copied: Path, tmp_path: Path) -> None:
    other = shutil.copytree(copied, tmp_path / "other")
    with pytest.raises(InputError, match="expected every seed once"):
        bg.compare([copied, other], [3.0])
    recipe = (other / "recipe.toml").read_text()
    (other / "recipe.toml").write_text(recipe.replace("\nseed = ", "\nseed = 7"))
    result = bg.compare([copied, other], [30.0])
    assert result.samples.design == "one-sample" and result.significant and result.new.seeds is not None
    assert "held-out text" in result.conversion.source


def test_a_leaderboard_of_runs_and_numbers(copied: Path, tmp_path: Path) -> None:
    (tmp_path / "board.csv").write_text(f"first, 3.1, 3.2\nthis one, {copied}\n")
    board = bg.compare_leaderboard(tmp_path / "board.csv")
    assert board.rows[1].comparison is None and board.rows[1].mean_bpb == read_run_scores([copied])[0].bpb
