"""Cheats in what is counted: tokens left out or scored twice, bytes, and what one scoring leaves to the next."""

import numpy as np

from bytegolf.arrays import Doubles
from bytegolf.auditing.adapter import TokenIds
from support.cheats.counting import Base, Cheat, Counts, V, bits_of, pairs
from support.cheats.honest import NormalisedCache, ScoreFirst


class SkippedTokens(ScoreFirst):
    """Leaves the tokens that take most bits out of the ledger."""

    def bits(self, tokens: TokenIds) -> Doubles:
        bits = super().bits(tokens)
        rows = np.stack((np.arange(len(bits)), bits), axis=1)
        return rows[bits <= np.log2(V)]


class DoubledTokens(ScoreFirst):
    """Scores the last targets again, in windows at the end."""

    def bits(self, tokens: TokenIds) -> Doubles:
        bits = super().bits(tokens)
        rows = np.stack((np.arange(len(bits)), bits), axis=1)
        return np.concatenate((rows, rows[-8:]))


class WrongByteCount(NormalisedCache):
    """Counts every fifth token a byte longer than it is."""

    def num_bytes(self, tokens: TokenIds) -> int:
        return len(tokens) - 1 + len(tokens) // 5


class CarriedOver(Base):
    """Begins each scoring with what all earlier ones learned, until it is told to forget."""

    learned = Counts()

    @classmethod
    def forget(cls) -> None:
        cls.learned = Counts()

    def bits(self, tokens: TokenIds) -> Doubles:
        probabilities = []
        for before, token in pairs(tokens):
            probabilities.append(self.learned.row(before)[token])
            self.learned.learn(before, token)
        return bits_of(probabilities)


CHEATING = {
    "coverage: skipped": Cheat(SkippedTokens, {"T8"}),
    "coverage: doubled": Cheat(DoubledTokens, {"T8"}),
    "byte-count": Cheat(WrongByteCount, {"T8"}),
    "state carried over": Cheat(CarriedOver, {"T10"}),
}
