"""Honest predictors, each of a kind that some cheat looks like. All of them learn while they score."""

from collections.abc import Callable

import numpy as np

from bytegolf.arrays import Doubles
from bytegolf.auditing.adapter import Event, TokenIds
from support.cheats.counting import CHUNK, Base, Counts, V, bits_by, bits_of, pairs


class TokenByToken(Base):
    """Predicts token by token, by counts of what followed."""

    def reset(self) -> None:
        self.counts, self.before = Counts(), None

    def predict(self) -> Doubles:
        assert self.before is not None
        return self.counts.row(self.before)[None]

    def observe(self, tokens: TokenIds) -> None:
        (token,) = tokens.tolist()
        if self.before is not None:
            self.counts.learn(self.before, token)
        self.before = token


class ScoreFirst(Base):
    """Scores each chunk of a text, then learns from it `epochs` times over."""

    def __init__(self, epochs: int = 3) -> None:
        self.epochs = epochs

    def score(self, tokens: TokenIds, left_out: int = -1) -> tuple[Doubles, Doubles]:
        counts, rows, known = Counts(), [], pairs(tokens)
        for number, first in enumerate(range(0, len(known), CHUNK)):
            chunk = known[first : first + CHUNK]
            rows += [counts.row(before) for before, _ in chunk]
            if number != left_out:
                for before, token in chunk * self.epochs:
                    counts.learn(before, token)
        distributions = np.stack(rows)
        return bits_by(distributions, tokens), distributions

    def bits(self, tokens: TokenIds) -> Doubles:
        return self.score(tokens)[0]

    def distributions(self, tokens: TokenIds) -> Doubles:
        return self.score(tokens)[1]

    def without_update(self, tokens: TokenIds, number: int) -> Doubles:
        return self.score(tokens, number)[0]

    def events(self, tokens: TokenIds) -> list[Event]:
        spans = [(first, min(first + CHUNK, len(tokens) - 1)) for first in range(0, len(tokens) - 1, CHUNK)]
        return [event for first, stop in spans for event in (("score", first, stop), ("update", first, stop))]


class Uniform(Base):
    """Gives every token the same probability."""

    def bits(self, tokens: TokenIds) -> Doubles:
        return np.full(len(tokens) - 1, np.log2(V))


class NormalisedCache(Base):
    """Mixes a cache into a plain model, both whole distributions, with a gate by the entropy of the prediction."""

    def __init__(self, weight: float | None = None) -> None:
        self.weight = weight

    def bits(self, tokens: TokenIds) -> Doubles:
        counts, probabilities = Counts(), []
        for before, token in pairs(tokens):
            cache = counts.row(before)
            share = 0.5 + 0.4 * float((cache * np.log(cache)).sum() > -2.0) if self.weight is None else self.weight
            probabilities.append(share * cache[token] + (1 - share) / V)
            counts.learn(before, token)
        return bits_of(probabilities)

    def degenerate(self) -> list[tuple[str, object, object]]:
        return [("weight 0", NormalisedCache(0.0), Uniform())]

    def num_bytes(self, tokens: TokenIds) -> int:
        return len(tokens) - 1

    def decode(self, tokens: TokenIds) -> bytes:
        return bytes(tokens.tolist())


class EarlierTemperature(Base):
    """Fits a temperature on chunks already scored, and uses it on the next."""

    def bits(self, tokens: TokenIds) -> Doubles:
        counts, power, probabilities, known = Counts(), 1.0, [], pairs(tokens)
        for first in range(0, len(known), CHUNK):
            chunk = known[first : first + CHUNK]
            rows = np.stack([counts.row(before) for before, _ in chunk])
            probabilities.append(_tempered(rows, power)[np.arange(len(chunk)), [token for _, token in chunk]])
            for before, token in chunk:
                counts.learn(before, token)
            past = np.stack([counts.row(before) for before, _ in chunk])
            power = max((0.5, 1.0, 2.0), key=lambda p: np.log(_tempered(past, p)[np.arange(len(chunk)), [t for _, t in chunk]]).sum())
        return bits_of(np.concatenate(probabilities))


def _tempered(rows: Doubles, power: float) -> Doubles:
    raised = rows**power
    return raised / raised.sum(axis=1, keepdims=True)


HONEST: dict[str, Callable[[], object]] = {
    "counts, token by token": TokenByToken,
    "chunks scored, then learned from": ScoreFirst,
    "a cache mixed in, normalised": NormalisedCache,
    "a temperature of earlier chunks": EarlierTemperature,
}
