"""Predictors for the audit to judge: one for each way to cheat that can be seen from outside, and honest ones that look alike.

All of them learn while they score, from a table of counts over V tokens; `learn` and `mixed` are all the modelling there is.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bytegolf.auditing.adapter import Event

V = 16
CHUNK = 24
Costs = NDArray[np.float64]
Text = NDArray[np.int64]


class Counts:
    """What followed each token so far; the distribution of the next one is counts and a little of everything."""

    def __init__(self, weight: float = 1.0) -> None:
        self.table = np.full((V, V), 0.1)
        self.weight = weight

    def row(self, before: int) -> Costs:
        row = self.table[before] / self.table[before].sum()
        return self.weight * row + (1 - self.weight) / V

    def learn(self, before: int, token: int) -> None:
        self.table[before, token] += 1


class Base:
    vocab_size = V


def bits(probabilities: list[float] | Costs) -> Costs:
    return -np.log2(np.asarray(probabilities))


def pairs(tokens: Text) -> list[tuple[int, int]]:
    return list(zip(tokens[:-1].tolist(), tokens[1:].tolist(), strict=True))


# --- honest ---------------------------------------------------------------------------------------------------------------


class Stepwise(Base):
    """Token by token: counts of what followed."""

    def reset(self) -> None:
        self.counts, self.before = Counts(), None

    def predict(self) -> Costs:
        assert self.before is not None
        return self.counts.row(self.before)[None]

    def observe(self, tokens: Text) -> None:
        (token,) = tokens.tolist()
        if self.before is not None:
            self.counts.learn(self.before, token)
        self.before = token


class ScoreFirst(Base):
    """Whole texts; each chunk is scored, then learned from `epochs` times over."""

    def __init__(self, epochs: int = 3) -> None:
        self.epochs = epochs

    def _score(self, tokens: Text, left_out: int = -1) -> tuple[Costs, Costs]:
        counts, rows, known = Counts(), [], pairs(tokens)
        for number, first in enumerate(range(0, len(known), CHUNK)):
            chunk = known[first : first + CHUNK]
            rows += [counts.row(before) for before, _ in chunk]
            if number != left_out:
                for before, token in chunk * self.epochs:
                    counts.learn(before, token)
        distributions = np.stack(rows)
        return bits(distributions[np.arange(len(known)), tokens[1:]]), distributions

    def costs(self, tokens: Text) -> Costs:
        return self._score(tokens)[0]

    def distributions(self, tokens: Text) -> Costs:
        return self._score(tokens)[1]

    def without_update(self, tokens: Text, number: int) -> Costs:
        return self._score(tokens, number)[0]

    def events(self, tokens: Text) -> list[Event]:
        spans = [(first, min(first + CHUNK, len(tokens) - 1)) for first in range(0, len(tokens) - 1, CHUNK)]
        return [event for first, stop in spans for event in (("score", first, stop), ("update", first, stop))]


class NormalisedCache(Base):
    """A cache mixed into a plain model, both whole distributions; and a gate by the entropy of what is predicted."""

    def __init__(self, weight: float | None = None) -> None:
        self.weight = weight

    def costs(self, tokens: Text) -> Costs:
        counts, found = Counts(), []
        for before, token in pairs(tokens):
            cache = counts.row(before)
            share = 0.5 + 0.4 * float((cache * np.log(cache)).sum() > -2.0) if self.weight is None else self.weight
            found.append(share * cache[token] + (1 - share) / V)
            counts.learn(before, token)
        return bits(found)

    def degenerate(self) -> list[tuple[str, object, object]]:
        return [("weight 0", NormalisedCache(0.0), Uniform())]

    def num_bytes(self, tokens: Text) -> int:
        return len(tokens) - 1

    def decode(self, tokens: Text) -> bytes:
        return bytes(tokens.tolist())


class Uniform(Base):
    def costs(self, tokens: Text) -> Costs:
        return np.full(len(tokens) - 1, np.log2(V))


class EarlierTemperature(Base):
    """A temperature fitted on chunks already scored, used on the next."""

    def costs(self, tokens: Text) -> Costs:
        counts, power, found, known = Counts(), 1.0, [], pairs(tokens)
        for first in range(0, len(known), CHUNK):
            chunk = known[first : first + CHUNK]
            rows = np.stack([counts.row(before) for before, _ in chunk])
            found.append(_tempered(rows, power)[np.arange(len(chunk)), [token for _, token in chunk]])
            for before, token in chunk:
                counts.learn(before, token)
            past = np.stack([counts.row(before) for before, _ in chunk])
            power = max((0.5, 1.0, 2.0), key=lambda p: np.log(_tempered(past, p)[np.arange(len(chunk)), [t for _, t in chunk]]).sum())
        return bits(np.concatenate(found))


def _tempered(rows: Costs, power: float) -> Costs:
    raised = rows**power
    return raised / raised.sum(axis=1, keepdims=True)


# --- cheating: each named by its rule -------------------------------------------------------------------------------------


class TargetInKey(Base):
    """Two hashed tables, one keyed by the context, one by context and target; their ratio is blended into the target's share."""

    def __init__(self, buckets: int = 32, share: float = 0.6) -> None:
        self.buckets, self.share = buckets, share

    def costs(self, tokens: Text) -> Costs:
        of_context, of_pair = np.zeros(self.buckets), np.zeros(self.buckets)
        found = []
        for before, token in pairs(tokens):
            key, pair = before * 7919 % self.buckets, (before * 7919 ^ token * 104_729) % self.buckets
            ratio = min(1.0, of_pair[pair] / of_context[key]) if of_context[key] else 1 / V
            found.append((1 - self.share) / V + self.share * ratio + 1e-9)
            of_context[key] += 1
            of_pair[pair] += 1
        return bits(np.minimum(found, 1.0))

    def degenerate(self) -> list[tuple[str, object, object]]:
        return [("share 0", TargetInKey(share=0.0), Uniform()), ("one bucket", TargetInKey(buckets=1), None)]


class UnnormalisedMix(Base):
    """A share of another model is added, and nothing is taken away for it."""

    def __init__(self, context: bool = True) -> None:
        self.context = context

    def distributions(self, tokens: Text) -> Costs:
        counts, rows = Counts(), []
        for before, token in pairs(tokens):
            before = before if self.context else 0
            rows.append(np.minimum(0.6 / V + 0.9 * counts.row(before), 1.0))
            counts.learn(before, token)
        return np.stack(rows)

    def costs(self, tokens: Text) -> Costs:
        return bits(self.distributions(tokens)[np.arange(len(tokens) - 1), tokens[1:]])

    def degenerate(self) -> list[tuple[str, object, object]]:
        return [("no context", UnnormalisedMix(context=False), None)]


class ByteMixture(Base):
    """A token of two characters gets the square root of its share for each, mixed with a model of characters along the token alone."""

    def costs(self, tokens: Text) -> Costs:
        counts, characters, found = Counts(), np.full(4, 0.5), []
        for before, token in pairs(tokens):
            each = counts.row(before)[token] ** 0.5
            share = 1.0
            for character in divmod(token, 4):
                share *= 0.5 * each + 0.5 * characters[character] / characters.sum()
                characters[character] += 1
            found.append(share)
            counts.learn(before, token)
        return bits(found)


class OracleGate(Base):
    """Of two predictions the one that turns out better."""

    def costs(self, tokens: Text) -> Costs:
        counts, found = Counts(), []
        favoured = np.where(np.arange(V) < V // 2, 1.5, 0.5) / V
        for before, token in pairs(tokens):
            found.append(max(counts.row(before)[token], favoured[token], (2 / V - favoured)[token]))
            counts.learn(before, token)
        return bits(found)


class GatePeeks(Base):
    """Sharpens by a hint of which half the coming token is in: each vector sums to 1, but depends on that token."""

    def distributions(self, tokens: Text) -> Costs:
        counts, rows = Counts(), []
        for before, token in pairs(tokens):
            row = counts.row(before) * np.where((np.arange(V) < V // 2) == (token < V // 2), 1.5, 0.5)
            rows.append(row / row.sum())
            counts.learn(before, token)
        return np.stack(rows)

    def costs(self, tokens: Text) -> Costs:
        return bits(self.distributions(tokens)[np.arange(len(tokens) - 1), tokens[1:]])


class ScoredWindowFit(Base):
    """A bias fitted on the window whose tokens are then scored with it."""

    def distributions(self, tokens: Text) -> Costs:
        counts, rows, known = Counts(), [], pairs(tokens)
        for first in range(0, len(known), CHUNK):
            chunk = known[first : first + CHUNK]
            bias = 1.0 + np.bincount([token for _, token in chunk], minlength=V)
            raw = np.stack([counts.row(before) for before, _ in chunk]) * bias
            rows.append(raw / raw.sum(axis=1, keepdims=True))
            for before, token in chunk:
                counts.learn(before, token)
        return np.concatenate(rows)

    def costs(self, tokens: Text) -> Costs:
        return bits(self.distributions(tokens)[np.arange(len(tokens) - 1), tokens[1:]])


class ScoreAfterUpdate(ScoreFirst):
    """Each chunk is learned from, then scored."""

    def _score(self, tokens: Text, left_out: int = -1) -> tuple[Costs, Costs]:
        counts, rows, known = Counts(), [], pairs(tokens)
        for number, first in enumerate(range(0, len(known), CHUNK)):
            chunk = known[first : first + CHUNK]
            if number != left_out:
                for before, token in chunk * self.epochs:
                    counts.learn(before, token)
            rows += [counts.row(before) for before, _ in chunk]
        distributions = np.stack(rows)
        return bits(distributions[np.arange(len(known)), tokens[1:]]), distributions

    def events(self, tokens: Text) -> list[Event]:
        honest = super().events(tokens)
        return [event for score, update in zip(honest[::2], honest[1::2], strict=True) for event in (update, score)]


class Rescoring(ScoreFirst):
    """Scores first, learns, and then reports a second scoring of all."""

    def _score(self, tokens: Text, left_out: int = -1) -> tuple[Costs, Costs]:
        counts, known = Counts(), pairs(tokens)
        for number, first in enumerate(range(0, len(known), CHUNK)):
            if number != left_out:
                for before, token in known[first : first + CHUNK]:
                    counts.learn(before, token)
        distributions = np.stack([counts.row(before) for before, _ in known])
        return bits(distributions[np.arange(len(known)), tokens[1:]]), distributions

    def events(self, tokens: Text) -> list[Event]:
        return [*super().events(tokens), ("score", 0, len(tokens) - 1)]


class TwoPass(Base):
    """The first pass fills a table with the whole text, the second scores; `own` occurrences may be left out of it."""

    def __init__(self, leave_own_out: bool = False) -> None:
        self.leave_own_out = leave_own_out

    def costs(self, tokens: Text) -> Costs:
        table, known, found = np.full((V, V), 0.1), pairs(tokens), []
        for before, token in known:
            table[before, token] += 1
        for before, token in known:
            row = table[before].copy()
            row[token] -= self.leave_own_out
            found.append(row[token] / row.sum())
        return bits(found)


class LeaveOneOut(TwoPass):
    def __init__(self) -> None:
        super().__init__(leave_own_out=True)


class SkippedTokens(ScoreFirst):
    """The dearest tokens are left out of the books."""

    def costs(self, tokens: Text) -> Costs:
        costs = super().costs(tokens)
        books = np.stack((np.arange(len(costs)), costs), axis=1)
        return books[costs <= np.log2(V)]


class DoubledTokens(ScoreFirst):
    """Windows at the end score the same last targets again."""

    def costs(self, tokens: Text) -> Costs:
        costs = super().costs(tokens)
        books = np.stack((np.arange(len(costs)), costs), axis=1)
        return np.concatenate((books, books[-8:]))


class WrongByteCount(NormalisedCache):
    """Every fifth token is counted a byte longer than it is."""

    def num_bytes(self, tokens: Text) -> int:
        return len(tokens) - 1 + len(tokens) // 5


class WarmedUp(Base):
    """Caches are warmed up on the first chunk before any of it is scored."""

    def costs(self, tokens: Text) -> Costs:
        counts, found, known = Counts(), [], pairs(tokens)
        for before, token in known[:CHUNK]:
            counts.learn(before, token)
        for before, token in known:
            found.append(counts.row(before)[token])
            counts.learn(before, token)
        return bits(found)


KEPT = Counts()


class CarriedOver(Base):
    """What one scoring learned lasts until the next."""

    def costs(self, tokens: Text) -> Costs:
        found = []
        for before, token in pairs(tokens):
            found.append(KEPT.row(before)[token])
            KEPT.learn(before, token)
        return bits(found)


class UnnormalisedSteps(Stepwise):
    """Token by token, each a third likelier than it is."""

    def predict(self) -> Costs:
        return np.minimum(super().predict() * 4 / 3, 1.0)


HONEST: dict[str, Callable[[], object]] = {
    "counts, token by token": Stepwise,
    "chunks scored, then learned from": ScoreFirst,
    "a cache mixed in, normalised": NormalisedCache,
    "a temperature of earlier chunks": EarlierTemperature,
}

# The tests that `rules.md` of the project says must fail; others may.
CHEATING: dict[str, tuple[Callable[[], object], set[str]]] = {
    "target-in-key": (TargetInKey, {"T5", "T11", "T12", "T13"}),
    "unnormalised-mix": (UnnormalisedMix, {"T4", "T5", "T11", "T12", "T13"}),
    "unnormalised-mix, token by token": (UnnormalisedSteps, {"T4", "T5", "T11", "T12"}),
    "byte-mixture": (ByteMixture, {"T5", "T12"}),
    "oracle-gate": (OracleGate, {"T5", "T11", "T12"}),
    "gate-peeks": (GatePeeks, {"T3", "T5", "T12"}),
    "scored-window-fit": (ScoredWindowFit, {"T2", "T3", "T5", "T11", "T12"}),
    "score-after-update": (ScoreAfterUpdate, {"T6", "T7", "T11", "T12"}),
    "rescoring": (Rescoring, {"T8", "T9", "T11", "T12"}),
    "two-pass": (TwoPass, {"T1", "T2", "T9", "T11", "T12"}),
    "two-pass, own occurrence left out": (LeaveOneOut, {"T1", "T2", "T9", "T12"}),
    "coverage: skipped": (SkippedTokens, {"T8"}),
    "coverage: doubled": (DoubledTokens, {"T8"}),
    "byte-count": (WrongByteCount, {"T8"}),
    "warm-up-leak": (WarmedUp, {"T2"}),
    "state carried over": (CarriedOver, {"T10"}),
}
