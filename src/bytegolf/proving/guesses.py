"""Guess tokens to come. A guess costs nothing where it is wrong and saves a forward pass where it is right."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bytegolf.arrays import Tokens

LONGEST = 4  # tokens that a guess is looked up by


class Guesser(Protocol):
    """Guesses the tokens that follow known ones."""

    def guess(self, tokens: Tokens, known: int, count: int) -> NDArray[np.integer]:
        """Return what the `count` tokens after the first `known` ones may be. Nothing else of `tokens` means anything."""


class Truth:
    """The text itself, by which an encoder guesses."""

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens

    def guess(self, tokens: Tokens, known: int, count: int) -> NDArray[np.integer]:
        """Return the `count` tokens that follow."""
        return self.tokens[known : known + count]


class Repetition:
    """Guesses what followed the last time that the last tokens, as many as possible, stood together."""

    def __init__(self) -> None:
        self.following: dict[tuple[int, ...], int] = {}
        self.learned = 0

    def guess(self, tokens: Tokens, known: int, count: int) -> NDArray[np.integer]:
        """Return `count` guesses, each made as if the ones before it were right."""
        self._learn(tokens, known)
        recent = tokens[max(0, known - LONGEST) : known].tolist()
        guesses = []
        for _ in range(count):
            contexts = (tuple(recent[i:]) for i in range(len(recent)))
            token = next((self.following[context] for context in contexts if context in self.following), 0)
            guesses.append(token)
            recent = [*recent[1 - LONGEST :], token]
        return np.array(guesses)

    def _learn(self, tokens: Tokens, known: int) -> None:
        while self.learned < known:
            first = max(0, self.learned - LONGEST)
            *before, token = tokens[first : self.learned + 1].tolist()
            for i in range(len(before)):
                self.following[tuple(before[i:])] = token
            self.learned += 1
