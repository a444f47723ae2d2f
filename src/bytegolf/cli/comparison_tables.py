"""Comparisons of scores as text for a terminal."""

from bytegolf.cli.table_layout import Row, columns_table, rows_table
from bytegolf.contest.compare import CONFIDENCE, ScoreComparison
from bytegolf.contest.leaderboard import Leaderboard
from bytegolf.contest.statistics import DESIGNS, POWER


def comparison_table(result: ScoreComparison) -> str:
    """Return the two sides, their difference in both units, and each test."""
    shown = result.to_json()
    nats, (low, high) = result.conversion.nats, result.interval_bpb
    rows: list[Row] = [("verdict", _verdict(result)), *(_side(name, shown[name]) for name in ("new", "old"))]
    rows += [
        ("new less old", f"{shown['mean_difference_bpb']:+.6f} bits per byte, {shown['mean_difference_nats']:+.6f} nats per token"),
        (f"{CONFIDENCE:.0%} interval", f"{low:+.6f} to {high:+.6f} bits per byte, {low * nats:+.6f} to {high * nats:+.6f} nats"),
        (
            "conversion",
            f"{result.conversion.bytes_per_token:.4f} bytes per token x ln 2 = {nats:.6f} nats per bit per byte "
            f"({result.conversion.source})",
        ),
        ("test", f"{DESIGNS[result.samples.design]}; one-sided, {result.verdict.degrees_of_freedom:.2f} degrees of freedom"),
    ]
    rows += [(f"  better by > {test.margin * nats:g} nats", f"t = {test.statistic:.3f}, p = {test.p_value:.3g}") for test in result.tests]
    if result.note:
        rows.append(("note", result.note))
    return rows_table("compare", rows)


def leaderboard_table(board: Leaderboard) -> str:
    """Return the rows, each with its difference from the one before."""
    rows = []
    for row in board.rows:
        cells = ["", "", "", ""]
        if row.comparison:
            exact = row.comparison
            strict = exact.tests[1]
            cells = [exact.samples.design, f"{exact.verdict.p_value:.3g}", f"{strict.p_value:.3g}", "yes" if exact.significant else "no"]
        elif row.difference_bpb is not None:
            cells = ["one score", "", "", "no"]
        difference = "" if row.difference_bpb is None else f"{row.difference_bpb:+.5f}"
        rows.append((row.name, str(len(row.scores.values)), f"{row.mean_bpb:.5f}", difference, *cells))
    return columns_table(("each row against the one before", "n", "bpb", "change", "test", "p", "p by 0.005 nats", "better"), rows)


def _side(name: str, side: dict[str, object]) -> Row:
    spread = "" if side["std_bpb"] is None else f", standard deviation {side['std_bpb']:.6f}"
    return name, f"{side['mean_bpb']:.6f} bits per byte{spread}, n = {side['n']} ({side['figure']})"


def _verdict(result: ScoreComparison) -> str:
    """Return the verdict, and what would be needed if it is not significant."""
    beyond = f" by more than {result.margin_nats:g} nats" if result.margin_nats else ""
    if result.significant:
        return f"better{beyond}, p = {result.verdict.p_value:.3g} < {result.alpha:g}"
    needed = "no number of runs would show it, with means and spreads as these"
    if result.runs_needed:
        needed = f"{result.runs_needed:,} runs a side would show it {POWER:.0%} of the time, with means and spreads as these"
    return f"not significant{beyond}, p = {result.verdict.p_value:.3g}; {needed}"
