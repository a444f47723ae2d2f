"""Cheats that learn from tokens before they score them."""

import numpy as np

from bytegolf.arrays import Doubles
from bytegolf.auditing.adapter import Event, TokenIds
from support.cheats.counting import CHUNK, Cheat, Counts, bits_by, pairs
from support.cheats.honest import ScoreFirst


class ScoreAfterUpdate(ScoreFirst):
    """Learns from each chunk, then scores it."""

    def score(self, tokens: TokenIds, left_out: int = -1) -> tuple[Doubles, Doubles]:
        counts, rows, known = Counts(), [], pairs(tokens)
        for number, first in enumerate(range(0, len(known), CHUNK)):
            chunk = known[first : first + CHUNK]
            if number != left_out:
                for before, token in chunk * self.epochs:
                    counts.learn(before, token)
            rows += [counts.row(before) for before, _ in chunk]
        distributions = np.stack(rows)
        return bits_by(distributions, tokens), distributions

    def events(self, tokens: TokenIds) -> list[Event]:
        honest = super().events(tokens)
        return [event for score, update in zip(honest[::2], honest[1::2], strict=True) for event in (update, score)]


class Rescoring(ScoreFirst):
    """Scores first, learns, and then reports a second scoring of everything."""

    def score(self, tokens: TokenIds, left_out: int = -1) -> tuple[Doubles, Doubles]:
        counts, known = Counts(), pairs(tokens)
        for number, first in enumerate(range(0, len(known), CHUNK)):
            if number != left_out:
                for before, token in known[first : first + CHUNK]:
                    counts.learn(before, token)
        distributions = np.stack([counts.row(before) for before, _ in known])
        return bits_by(distributions, tokens), distributions

    def events(self, tokens: TokenIds) -> list[Event]:
        return [*super().events(tokens), ("score", 0, len(tokens) - 1)]


CHEATING = {
    "score-after-update": Cheat(ScoreAfterUpdate, {"T6", "T7", "T11", "T12"}),
    "rescoring": Cheat(Rescoring, {"T8", "T9", "T11", "T12"}),
}
