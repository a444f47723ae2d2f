"""Guesses at tokens to come. A guess costs nothing where it is wrong and saves a forward pass where it is right."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bytegolf.coding.predictor import Lane

LONGEST = 4  # tokens that a guess is looked up by


class Draft(Protocol):
    def guess(self, tokens: Lane, known: int, count: int) -> NDArray[np.integer]:
        """What the `count` tokens after the first `known` ones may be. Nothing else of `tokens` means anything."""


class Truth:
    """Knows the text: what an encoder guesses by."""

    def __init__(self, tokens: Lane) -> None:
        self.tokens = tokens

    def guess(self, tokens: Lane, known: int, count: int) -> NDArray[np.integer]:
        return self.tokens[known : known + count]


class Repetition:
    """What followed the last time that the last tokens, as many as possible, stood together."""

    def __init__(self) -> None:
        self.following: dict[tuple[int, ...], int] = {}
        self.learned = 0

    def guess(self, tokens: Lane, known: int, count: int) -> NDArray[np.integer]:
        self._learn(tokens, known)
        recent = tokens[max(0, known - LONGEST) : known].tolist()
        guesses = []
        for _ in range(count):
            token = next((found for i in range(len(recent)) if (found := self.following.get(tuple(recent[i:]))) is not None), 0)
            guesses.append(token)
            recent = [*recent[1 - LONGEST :], token]
        return np.array(guesses)

    def _learn(self, tokens: Lane, known: int) -> None:
        while self.learned < known:
            first = max(0, self.learned - LONGEST)
            *before, token = tokens[first : self.learned + 1].tolist()
            for i in range(len(before)):
                self.following[tuple(before[i:])] = token
            self.learned += 1
