"""`compare`: what it prints, and its exit status."""

import json
from pathlib import Path

import pytest

from support.command_line import RunCli
from support.published_scores import BOARD, NEW, OLD
from support.scored_runs import scored_run

KEYS = {"mean_difference_bpb", "mean_difference_nats", "p_value", "significant"}


def test_a_better_model(run_cli: RunCli) -> None:
    assert run_cli("compare", NEW, "--against", *OLD.split(","), "--json").json.keys() >= KEYS
    shown = run_cli("compare", NEW, "--against", OLD)
    assert shown.status == 0 and "p = 0.000403 < 0.01" in shown.out and "2.4359 bytes per token x ln 2" in shown.out


def test_noise(run_cli: RunCli) -> None:
    result = run_cli("compare", "1.10,1.12,1.11", "--against", "1.12,1.13,1.11", "--json")
    assert result.status == 1 and json.loads(result.out)["significant"] is False
    assert "runs a side would show it" in run_cli("compare", "1.10,1.12,1.11", "--against", "1.12,1.13,1.11").out
    assert "no number of runs" in run_cli("compare", OLD, "--against", NEW).out


def test_runs(run_cli: RunCli, tmp_path: Path) -> None:
    new, old = ([scored_run(tmp_path / f"{bpb}{seed}", seed, bpb + seed**2 / 1000) for seed in (1, 2, 3)] for bpb in (1.0, 1.1))
    shown = run_cli("compare", *new, "--against", *old, "--margin", "0.005")
    assert "sliding score of artifact.bgz" in " ".join(shown.out.split())


def test_a_leaderboard(run_cli: RunCli, tmp_path: Path) -> None:
    (tmp_path / "board.csv").write_text(BOARD)
    result = run_cli("compare", "--leaderboard", tmp_path / "board.csv", "--alpha", "0.25")
    assert result.status == 1 and "#1855" in result.out and "0.188" in result.out and "one score" in result.out


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["1.1,1.2"], "--against: expected run folders or numbers, found none"),
        (["--against", "1.1,1.2"], "A...: expected run folders or numbers, found none"),
        (["1.1,nan", "--against", "1.1"], "A...: expected scores above zero, found nan"),
        (["1.1,1.2", "--against", "1.1", "--leaderboard", "x.csv"], "--leaderboard: cannot be combined"),
        (["1.1,1.2", "--against", "1.1", "--bytes-per-token", "0"], "--bytes-per-token: expected a number above 0"),
        (["1.1,1.2", "--against", "1.1", "--alpha", "2"], "--alpha: expected a level"),
    ],
)
def test_mistakes(run_cli: RunCli, words: list[str], problem: str) -> None:
    assert problem in run_cli("compare", *words).error
