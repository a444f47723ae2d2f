"""Comparisons as tables: what a reader has to see."""

from pathlib import Path

from bytegolf.cli.comparison_tables import comparison_table, leaderboard_table
from bytegolf.flow.compare import compare, compare_leaderboard
from support.published_scores import BOARD, NEW, OLD


def test_a_comparison_names_its_test_and_both_units() -> None:
    shown = comparison_table(compare([NEW], [OLD]))
    for part in ("Welch's t-test", "3.31", "-0.004645 bits per byte", "-0.007842 nats per token", "t = -11.834", "assumed"):
        assert part in shown


def test_a_leaderboard_has_a_row_for_each(tmp_path: Path) -> None:
    (tmp_path / "board.csv").write_text(BOARD)
    shown = leaderboard_table(compare_leaderboard(tmp_path / "board.csv", alpha=0.25))
    assert [line.split()[0] for line in shown.splitlines()[3:]] == ["#1868", "#1855", "#1945", "#1953", "#2014", "#2135"]
