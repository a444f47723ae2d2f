"""Cheats whose probabilities do not sum to 1."""

import numpy as np

from bytegolf.arrays import Doubles
from bytegolf.auditing.adapter import TokenIds
from support.cheats.counting import Base, Cheat, Counts, V, bits_by, bits_of, pairs
from support.cheats.honest import TokenByToken, Uniform


class TargetInKey(Base):
    """Blends in the ratio of two hashed tables, one keyed by the context, one by context and target."""

    def __init__(self, buckets: int = 32, share: float = 0.6) -> None:
        self.buckets, self.share = buckets, share

    def bits(self, tokens: TokenIds) -> Doubles:
        of_context, of_pair = np.zeros(self.buckets), np.zeros(self.buckets)
        probabilities = []
        for before, token in pairs(tokens):
            key, pair = before * 7919 % self.buckets, (before * 7919 ^ token * 104_729) % self.buckets
            ratio = min(1.0, of_pair[pair] / of_context[key]) if of_context[key] else 1 / V
            probabilities.append((1 - self.share) / V + self.share * ratio + 1e-9)
            of_context[key] += 1
            of_pair[pair] += 1
        return bits_of(np.minimum(probabilities, 1.0))

    def degenerate(self) -> list[tuple[str, object, object]]:
        return [("share 0", TargetInKey(share=0.0), Uniform()), ("one bucket", TargetInKey(buckets=1), None)]


class UnnormalisedMix(Base):
    """Adds a share of another model, and takes nothing away for it."""

    def __init__(self, context: bool = True) -> None:
        self.context = context

    def distributions(self, tokens: TokenIds) -> Doubles:
        counts, rows = Counts(), []
        for before, token in pairs(tokens):
            before = before if self.context else 0
            rows.append(np.minimum(0.6 / V + 0.9 * counts.row(before), 1.0))
            counts.learn(before, token)
        return np.stack(rows)

    def bits(self, tokens: TokenIds) -> Doubles:
        return bits_by(self.distributions(tokens), tokens)

    def degenerate(self) -> list[tuple[str, object, object]]:
        return [("no context", UnnormalisedMix(context=False), None)]


class UnnormalisedTokenByToken(TokenByToken):
    """Predicts token by token, each a third likelier than it is."""

    def predict(self) -> Doubles:
        return np.minimum(super().predict() * 4 / 3, 1.0)


class ByteMixture(Base):
    """Mixes each token's probability, spread over its two characters, with a model of characters along this token alone."""

    def bits(self, tokens: TokenIds) -> Doubles:
        counts, characters, probabilities = Counts(), np.full(4, 0.5), []
        for before, token in pairs(tokens):
            each = counts.row(before)[token] ** 0.5
            share = 1.0
            for character in divmod(token, 4):
                share *= 0.5 * each + 0.5 * characters[character] / characters.sum()
                characters[character] += 1
            probabilities.append(share)
            counts.learn(before, token)
        return bits_of(probabilities)


class OracleGate(Base):
    """Takes of several predictions the one that turns out best."""

    def bits(self, tokens: TokenIds) -> Doubles:
        counts, probabilities = Counts(), []
        favoured = np.where(np.arange(V) < V // 2, 1.5, 0.5) / V
        for before, token in pairs(tokens):
            probabilities.append(max(counts.row(before)[token], favoured[token], (2 / V - favoured)[token]))
            counts.learn(before, token)
        return bits_of(probabilities)


CHEATING = {
    "target-in-key": Cheat(TargetInKey, {"T5", "T11", "T12", "T13"}),
    "unnormalised-mix": Cheat(UnnormalisedMix, {"T4", "T5", "T11", "T12", "T13"}),
    "unnormalised-mix, token by token": Cheat(UnnormalisedTokenByToken, {"T4", "T5", "T11", "T12"}),
    "byte-mixture": Cheat(ByteMixture, {"T5", "T12"}),
    "oracle-gate": Cheat(OracleGate, {"T5", "T11", "T12"}),
}
