"""Scores over seeds against others, to tell a difference from noise."""

from collections.abc import Sequence
from pathlib import Path

from bytegolf.contest.compare import ALPHA, ScoreComparison, compare_scores
from bytegolf.contest.leaderboard import Leaderboard, compare_rows
from bytegolf.contest.scores import read_scores
from bytegolf.names import ProtocolName

Scores = Sequence[str | float | Path]


def compare(
    new: Scores,
    against: Scores,
    *,
    nats: bool = False,
    bytes_per_token: float | None = None,
    margin: float = 0.0,
    alpha: float = ALPHA,
    protocol: ProtocolName | None = None,
) -> ScoreComparison:
    """Compare scores of one configuration with those of another, several seeds each.

    Either side is run folders, or numbers in bits per byte (with `nats` in nats per token), as 1.1147 or with their seed as
    "42:1.1147". The test is in pairs where the seeds are the same, against a fixed number where there is only one old score,
    and else Welch's; one-sided, for a difference of more than `margin` nats a token, at the level `alpha`.

    Raises InputError for scores that cannot be compared: of several configurations, protocols or texts, or none at all.
    """
    return compare_scores(
        read_scores("new", new, nats=nats, protocol=protocol),
        read_scores("against", against, nats=nats, protocol=protocol),
        bytes_per_token=bytes_per_token,
        margin=margin,
        alpha=alpha,
    )


def compare_leaderboard(
    file: Path,
    *,
    nats: bool = False,
    bytes_per_token: float | None = None,
    margin: float = 0.0,
    alpha: float = ALPHA,
    protocol: ProtocolName | None = None,
) -> Leaderboard:
    """Compare each row of a leaderboard with the one before it: a CSV file, oldest first, of a name and its scores a line.

    The options are those of `compare`. Raises InputError for a file or a row that cannot be compared.
    """
    return compare_rows(file, nats=nats, bytes_per_token=bytes_per_token, margin=margin, alpha=alpha, protocol=protocol)
