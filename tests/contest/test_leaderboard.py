"""Leaderboards: the published one, and files that are none."""

import json
from pathlib import Path

import pytest

from bytegolf.contest.leaderboard import Leaderboard, compare_rows
from bytegolf.errors import InputError
from support.published_scores import BOARD, LEVEL, ORDER


def board(folder: Path, text: str, **options: float) -> Leaderboard:
    file = folder / "board.csv"
    file.write_text(text)
    return compare_rows(file, **{"alpha": LEVEL, **options})  # type: ignore[arg-type]


def test_the_published_board_keeps_its_order(tmp_path: Path) -> None:
    rows = board(tmp_path, BOARD).rows
    assert [row.name for row in sorted(rows, key=lambda row: row.mean_bpb)] == ORDER == [row.name for row in reversed(rows)]
    tested = [row.comparison for row in rows[1:-1]]
    assert all(comparison is not None and comparison.significant for comparison in tested)
    assert all((row.difference_bpb or 0) < 0 for row in rows[1:])
    pooled = rows[1].comparison
    assert pooled is not None and round(pooled.verdict.p_value, 3) == 0.188  # as published
    strict = [comparison.tests[1].p_value for comparison in tested if comparison]
    assert min(strict) > 0.9  # no row of these clears 0.005 nats


def test_a_row_with_one_score_is_not_tested(tmp_path: Path) -> None:
    result = board(tmp_path, BOARD)
    last = result.rows[-1].to_json()
    assert last["p_value"] is None and last["n"] == 1 and last["mean_difference_bpb"] < 0 and not result.significant
    assert json.loads(json.dumps(result.to_json()))["rows"][0]["mean_difference_bpb"] is None


def test_every_row_has_to_beat_the_one_before(tmp_path: Path) -> None:
    assert board(tmp_path, "a, 1.3, 1.31\nb,1.2,1.21\n\nc,1.1,1.11\n", alpha=0.05).significant
    assert not board(tmp_path, "a, 1.3, 1.31\nb,1.2,1.21\nc,1.2,1.21\n", alpha=0.05).significant


def test_nats(tmp_path: Path) -> None:
    rows = board(tmp_path, "a,2.0,2.1\nb,1.9,1.8\n", nats=True, bytes_per_token=3.0).rows
    comparison = rows[1].comparison
    assert comparison is not None and rows[1].difference_bpb == pytest.approx(comparison.samples.difference)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "at least two rows"),
        ("a,1.1,1.2\n", "at least two rows"),
        ("a,1.1,1.2\nb\n", "line 2: b: expected run folders or numbers, found none"),
        ("a,1.1,1.2\nb,nan,1.1\n", "line 2: b: expected scores above zero"),
        ('a,1.1,1.2\n"b,1.1,1.0\n', "line 2"),
    ],
)
def test_files_that_are_no_leaderboard(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        board(tmp_path, text)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a leaderboard"):
        compare_rows(tmp_path / "none.csv", alpha=0.1)
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="expected a leaderboard"):
        compare_rows(tmp_path / "bytes", alpha=0.1)
