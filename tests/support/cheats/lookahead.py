"""Cheats that use the tokens they are to predict, or later ones."""

import numpy as np

from bytegolf.arrays import Doubles
from bytegolf.auditing.adapter import TokenIds
from support.cheats.counting import CHUNK, Base, Cheat, Counts, V, bits_by, bits_of, pairs


class GatePeeks(Base):
    """Sharpens by a hint of which half the coming token is in: each vector sums to 1, but depends on that token."""

    def distributions(self, tokens: TokenIds) -> Doubles:
        counts, rows = Counts(), []
        for before, token in pairs(tokens):
            row = counts.row(before) * np.where((np.arange(V) < V // 2) == (token < V // 2), 1.5, 0.5)
            rows.append(row / row.sum())
            counts.learn(before, token)
        return np.stack(rows)

    def bits(self, tokens: TokenIds) -> Doubles:
        return bits_by(self.distributions(tokens), tokens)


class ScoredWindowFit(Base):
    """Fits a bias on the window whose tokens are then scored with it."""

    def distributions(self, tokens: TokenIds) -> Doubles:
        counts, rows, known = Counts(), [], pairs(tokens)
        for first in range(0, len(known), CHUNK):
            chunk = known[first : first + CHUNK]
            bias = 1.0 + np.bincount([token for _, token in chunk], minlength=V)
            raw = np.stack([counts.row(before) for before, _ in chunk]) * bias
            rows.append(raw / raw.sum(axis=1, keepdims=True))
            for before, token in chunk:
                counts.learn(before, token)
        return np.concatenate(rows)

    def bits(self, tokens: TokenIds) -> Doubles:
        return bits_by(self.distributions(tokens), tokens)


class TwoPass(Base):
    """Fills a table with the whole text in a first pass, and scores in a second."""

    def __init__(self, leave_own_out: bool = False) -> None:
        self.leave_own_out = leave_own_out

    def bits(self, tokens: TokenIds) -> Doubles:
        table, known, probabilities = np.full((V, V), 0.1), pairs(tokens), []
        for before, token in known:
            table[before, token] += 1
        for before, token in known:
            row = table[before].copy()
            row[token] -= self.leave_own_out
            probabilities.append(row[token] / row.sum())
        return bits_of(probabilities)


class LeaveOneOut(TwoPass):
    """Two passes, the second without the occurrence that is scored."""

    def __init__(self) -> None:
        super().__init__(leave_own_out=True)


class WarmedUp(Base):
    """Warms its counts up on the first chunk before any of it is scored."""

    def bits(self, tokens: TokenIds) -> Doubles:
        counts, probabilities, known = Counts(), [], pairs(tokens)
        for before, token in known[:CHUNK]:
            counts.learn(before, token)
        for before, token in known:
            probabilities.append(counts.row(before)[token])
            counts.learn(before, token)
        return bits_of(probabilities)


CHEATING = {
    "gate-peeks": Cheat(GatePeeks, {"T3", "T5", "T12"}),
    "scored-window-fit": Cheat(ScoredWindowFit, {"T2", "T3", "T5", "T11", "T12"}),
    "two-pass": Cheat(TwoPass, {"T1", "T2", "T9", "T11", "T12"}),
    "two-pass, own occurrence left out": Cheat(LeaveOneOut, {"T1", "T2", "T9", "T12"}),
    "warm-up-leak": Cheat(WarmedUp, {"T2"}),
}
