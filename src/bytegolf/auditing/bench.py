"""The test bench of the audit: a predictor under test, the text it is tried with, and what several tests do with them."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bytegolf.arrays import Doubles
from bytegolf.auditing.adapter import PredictorUnderTest, TokenIds

MAX_GAIN_BITS = 40.0  # on noise; a valid predictor gains more with a probability below 2**-40


@dataclass(frozen=True)
class AuditOptions:
    """The extent of an audit. A false alarm is possible in T11 and T13 alone, each time with a probability below 2**-39."""

    tokens: int = 128  # of the text that has something to learn in it
    noise_tokens: int = 2048
    num_places: int = 8  # targets looked at by each test
    tolerance: float = 1e-3  # bits, for what is computed in another shape
    max_scorings: int = 4096  # that one test may take
    seed: int = 0


DEFAULT_OPTIONS = AuditOptions()


class Verdict(NamedTuple):
    """The result of one check. `position` is the target at which a violation was seen first, if it was at one."""

    passed: bool
    evidence: str
    position: int | None = None


class NotPossible(Exception):  # noqa: N818 - not an error: a check that this predictor does not allow
    """The reason why a check cannot be made."""


class Comparison(NamedTuple):
    """Two arrays of bits that have to agree. Index i is target i, unless `position` says which target all is about."""

    what: str
    expected: Doubles
    actual: Doubles
    position: int | None = None


@dataclass(frozen=True)
class Bench:
    """A predictor under test and the text that it is tried with."""

    predictor: PredictorUnderTest
    text: TokenIds
    options: AuditOptions

    @classmethod
    def set_up(cls, predictor: PredictorUnderTest, options: AuditOptions) -> "Bench":
        """Return a bench with a text of its own, drawn by the options' seed."""
        return cls(predictor, learnable_text(predictor.vocab_size, options.tokens, np.random.default_rng(options.seed)), options)

    def rng(self) -> np.random.Generator:
        """Return a new random generator, the same in each call."""
        return np.random.default_rng(self.options.seed)

    @property
    def targets(self) -> int:
        """Return the number of tokens that are predicted."""
        return len(self.text) - 1

    @property
    def places(self) -> list[int]:
        """Return the targets to look at, evenly apart, without the very first and last."""
        return evenly_spaced(1, self.targets - 1, self.options.num_places)

    def require(self, *names: str) -> None:
        """Raise NotPossible unless the predictor offers these optional methods."""
        for name in names:
            if name not in self.predictor.offered:
                raise NotPossible(f"the predictor offers no {name}")

    def require_free_length(self) -> None:
        """Raise NotPossible if the predictor is told the length of the text, which a shorter text would then change."""
        if self.predictor.knows_length:
            raise NotPossible("the predictor is told the length of the text; T2 looks for the same at full length")

    def require_scorings(self, count: int) -> None:
        """Raise NotPossible if `count` scorings are more than one check may take."""
        if count > self.options.max_scorings:
            raise NotPossible(f"it would take {count:,} scorings")

    def compare(self, comparisons: list[Comparison]) -> Verdict:
        """Return whether all arrays agree within the tolerance, and where they do not."""
        compared = 0
        for what, expected, actual, position in comparisons:
            with np.errstate(invalid="ignore"):
                differs = ~((np.abs(expected - actual) <= self.options.tolerance) | (expected == actual))
            places = np.flatnonzero(differs)
            if len(places):
                first = int(places[0])
                values = f"{len(places)} of {len(expected)} values differ, the first {expected[first]:.4f} and {actual[first]:.4f} bits"
                return Verdict(False, f"{what}: {values}", first if position is None else position)
            compared += len(expected)
        return Verdict(True, f"{compared} values in {len(comparisons)} trials agree within {self.options.tolerance:g} bits")

    def bits_of_each_token(self, text: TokenIds, target: int) -> Doubles:
        """Return the bits of every token of the vocabulary in the place of a target, (V,), at one scoring each."""
        bits = []
        for token in range(self.predictor.vocab_size):
            changed = text.copy()
            changed[target + 1] = token
            bits.append(self.predictor.bits(changed)[target])
        return np.array(bits)

    def gain_on_noise(self, predictor: PredictorUnderTest) -> Verdict:
        """Return whether a predictor gains no more on noise than chance allows, see `checks.compression`."""
        rng, vocab, count, gains = self.rng(), predictor.vocab_size, self.options.noise_tokens, []
        for alphabet in (vocab, min(4, vocab)):
            ids = rng.choice(vocab, alphabet, replace=False)
            text = ids[rng.integers(alphabet, size=count + 1)]
            gain = float(count * math.log2(alphabet) - predictor.bits(text).sum())
            if gain > MAX_GAIN_BITS:
                bound = f"by chance with a probability of 2^-{gain:.0f} at most"
                return Verdict(False, f"{gain:.1f} bits gained on {count} tokens drawn from {alphabet} alike, {bound}")
            gains.append(f"{gain:.1f} of {alphabet} ids")
        return Verdict(True, f"no more than {MAX_GAIN_BITS:.0f} bits gained on {count} tokens of noise: {', '.join(gains)}")


def learnable_text(vocab_size: int, length: int, rng: np.random.Generator) -> TokenIds:
    """Return a text in which every token has a few favoured successors, so that there is something to learn from the past."""
    successors = rng.integers(vocab_size, size=(vocab_size, 3))
    tokens = [int(rng.integers(vocab_size))]
    for _ in range(length - 1):
        tokens.append(int(rng.integers(vocab_size)) if rng.random() < 0.2 else int(successors[tokens[-1], rng.integers(3)]))
    return np.array(tokens)


def other_tokens(tokens: TokenIds, vocab_size: int, rng: np.random.Generator) -> TokenIds:
    """Return a different token in place of each."""
    return (tokens + rng.integers(1, vocab_size, size=tokens.shape)) % vocab_size


def bits_of(probabilities: Doubles) -> Doubles:
    """Return -log2 of probabilities; infinite for 0, and not a number for what is negative."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return -np.log2(probabilities)


def evenly_spaced(first: int, stop: int, count: int) -> list[int]:
    """Return at most `count` different numbers from `first` to below `stop`, evenly apart, both ends among them."""
    return sorted({int(place) for place in np.linspace(first, stop - 1, count).round()}) if stop > first else []
