"""A whole leaderboard in the order of time: each row against the one before it."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bytegolf.contest.compare import ScoreComparison, compare_scores, conversion_of
from bytegolf.contest.scores import ScoreSet, read_scores
from bytegolf.errors import InputError
from bytegolf.names import ProtocolName


@dataclass(frozen=True)
class LeaderboardRow:
    """A row of a leaderboard, and its comparison with the row before. None for the first row, and for one with a single score."""

    name: str
    scores: ScoreSet
    mean_bpb: float
    difference_bpb: float | None
    comparison: ScoreComparison | None

    def to_json(self) -> dict[str, Any]:
        """Return the row as an object for JSON."""
        compared = self.comparison.to_json() if self.comparison else {}
        kept = ("mean_difference_nats", "p_value", "significant", "test", "statistic", "degrees_of_freedom", "tests", "runs_needed")
        return {
            "name": self.name,
            "mean_bpb": self.mean_bpb,
            "n": len(self.scores.values),
            "mean_difference_bpb": self.difference_bpb,
            **{key: compared.get(key) for key in kept},
        }


@dataclass(frozen=True)
class Leaderboard:
    """The rows of a leaderboard, oldest first."""

    rows: tuple[LeaderboardRow, ...]
    alpha: float

    @property
    def significant(self) -> bool:
        """Return whether every row after the first beats the one before it."""
        return all(row.comparison is not None and row.comparison.significant for row in self.rows[1:])

    def to_json(self) -> dict[str, Any]:
        """Return the leaderboard as an object for JSON."""
        return {"significant": self.significant, "alpha": self.alpha, "rows": [row.to_json() for row in self.rows]}


def compare_rows(
    file: Path,
    *,
    nats: bool = False,
    bytes_per_token: float | None = None,
    margin: float = 0.0,
    alpha: float,
    protocol: ProtocolName | None = None,
) -> Leaderboard:
    """Compare each row of a CSV file, oldest first, with the row before it.

    A row is a name and then its scores, as `read_scores` takes them; empty lines and those that begin with # and a space are
    left out.
    Raises InputError for a file that cannot be read, or a row that is no scores, by the number of its line.
    """
    rows: list[LeaderboardRow] = []
    for number, name, items in _lines(file):
        try:
            scores = read_scores(name, items, nats=nats, protocol=protocol)
            before = rows[-1].scores if rows else None
            comparison = None
            if before is not None and len(scores.values) > 1:
                comparison = compare_scores(scores, before, bytes_per_token=bytes_per_token, margin=margin, alpha=alpha)
        except InputError as error:
            raise InputError(f"{file}, line {number}: {error}") from None
        factor = conversion_of(scores, scores, bytes_per_token).nats if nats else 1.0
        mean = float(np.mean(scores.values)) / factor
        rows.append(LeaderboardRow(name, scores, mean, mean - rows[-1].mean_bpb if rows else None, comparison))
    if len(rows) < 2:
        raise InputError(f"{file}: expected at least two rows of a name and scores, found {len(rows)}")
    return Leaderboard(tuple(rows), alpha)


def _lines(file: Path) -> list[tuple[int, str, list[str]]]:
    """Return the number, the name and the scores of every line of the file that has any."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: expected a leaderboard as CSV, found {getattr(error, 'strerror', None) or 'other bytes'}") from None
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        cells = [cell.strip() for cell in next(csv.reader([line], skipinitialspace=True), [])]
        if any(cells) and not line.startswith("# "):
            found.append((number, cells[0], [cell for cell in cells[1:] if cell]))
    return found
