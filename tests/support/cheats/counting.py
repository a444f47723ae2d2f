"""The modelling that honest and cheating predictors share: counts of what followed each token, over V tokens."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from bytegolf.arrays import Doubles
from bytegolf.auditing.adapter import TokenIds

V = 16
CHUNK = 24


class Cheat(NamedTuple):
    """The factory of a cheating predictor, and the tests of the audit that must catch it; others may as well."""

    make: Callable[[], object]
    caught_by: set[str]


class Counts:
    """Counts of what followed each token so far; every token is likely by its count and a little more."""

    def __init__(self, weight: float = 1.0) -> None:
        self.table = np.full((V, V), 0.1)
        self.weight = weight

    def row(self, before: int) -> Doubles:
        row = self.table[before] / self.table[before].sum()
        return self.weight * row + (1 - self.weight) / V

    def learn(self, before: int, token: int) -> None:
        self.table[before, token] += 1


class Base:
    """The least that a predictor under test needs."""

    vocab_size = V


def bits_of(probabilities: list[float] | Doubles) -> Doubles:
    """Return the bits of each probability."""
    return -np.log2(np.asarray(probabilities))


def bits_by(distributions: Doubles, tokens: TokenIds) -> Doubles:
    """Return the bits of each target by its distribution."""
    return bits_of(distributions[np.arange(len(distributions)), tokens[1:]])


def pairs(tokens: TokenIds) -> list[tuple[int, int]]:
    """Return each token but the last with the one that follows it."""
    return list(zip(tokens[:-1].tolist(), tokens[1:].tolist(), strict=True))
