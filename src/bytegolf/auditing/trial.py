"""What the tests of the audit have in common: a subject, the texts it is tried with, and how findings are put."""

import math
from dataclasses import dataclass

import numpy as np

from bytegolf.auditing.adapter import Floats, Subject, Text, spread, texts_like_text

GAIN_BITS = 40.0  # on noise; whoever is honest gains as much with a probability of 2**-40 at most


@dataclass(frozen=True)
class Finding:
    """What one test saw. `position` is the target where it was seen first, if it was at one."""

    test: str
    passed: bool
    evidence: str
    position: int | None = None


@dataclass(frozen=True)
class Bench:
    """A subject and the texts it is tried with. `tolerance` is in bits, for what is computed in another shape."""

    subject: Subject
    text: Text
    rng_seed: int
    noise_tokens: int
    cuts: int
    tolerance: float
    most_calls: int

    def rng(self) -> np.random.Generator:
        return np.random.default_rng(self.rng_seed)

    @property
    def targets(self) -> int:
        return len(self.text) - 1

    @property
    def places(self) -> list[int]:
        """Targets to look at, the very first and last aside."""
        return list(spread(1, self.targets - 1, self.cuts))


class NotPossible(Exception):  # noqa: N818 - no error: a test that a subject does not allow
    """Why a test cannot be made."""


def same(test: str, bench: Bench, pairs: list[tuple[Floats, Floats, str]], at: list[int] | None = None) -> Finding:
    """Whether two arrays agree in each of several trials; `at` says which target a trial is about, if not its index."""
    compared = 0
    for trial, (expected, found, what) in enumerate(pairs):
        with np.errstate(invalid="ignore"):
            differs = ~((np.abs(expected - found) <= bench.tolerance) | (expected == found))
        places = np.flatnonzero(differs)
        if len(places):
            place = int(places[0])
            where = f"{len(places)} of {len(expected)} values differ, the first {expected[place]:.4f} and {found[place]:.4f} bits"
            return Finding(test, False, f"{what}: {where}", at[trial] if at else place)
        compared += len(expected)
    return Finding(test, True, f"{compared} values in {len(pairs)} trials agree within {bench.tolerance:g} bits")


def gain_on_noise(test: str, bench: Bench, subject: Subject) -> Finding:
    rng, vocab, gains = bench.rng(), subject.vocab_size, []
    for alphabet in (vocab, min(4, vocab)):
        ids = rng.choice(vocab, alphabet, replace=False)
        text = ids[rng.integers(alphabet, size=bench.noise_tokens + 1)]
        gain = float(bench.noise_tokens * math.log2(alphabet) - subject.costs(text).sum())
        if gain > GAIN_BITS:
            bound = f"by chance with a probability of 2^-{gain:.0f} at most"
            return Finding(test, False, f"{gain:.1f} bits gained on {bench.noise_tokens} tokens drawn from {alphabet} alike, {bound}")
        gains.append(f"{gain:.1f} of {alphabet} ids")
    return Finding(test, True, f"no more than {GAIN_BITS:.0f} bits gained on {bench.noise_tokens} tokens of noise: {', '.join(gains)}")


def substituted(bench: Bench, text: Text, target: int) -> Floats:
    """Bits of every token in the place of a target, (V,)."""
    candidates = []
    for token in range(bench.subject.vocab_size):
        changed = text.copy()
        changed[target + 1] = token
        candidates.append(bench.subject.costs(changed)[target])
    return np.array(candidates)


def others(tokens: Text, vocab_size: int, rng: np.random.Generator) -> Text:
    """Other tokens in place of each."""
    return (tokens + rng.integers(1, vocab_size, size=tokens.shape)) % vocab_size


def bits_of(probabilities: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return -np.log2(probabilities)


def require(bench: Bench, *names: str) -> None:
    for name in names:
        if not bench.subject.offers(name):
            raise NotPossible(f"the subject offers no {name}")


def require_free_length(bench: Bench) -> None:
    if bench.subject.knows_length:
        raise NotPossible("the subject is told the length of the text; T2 looks for the same at full length")


def require_calls(bench: Bench, calls: int) -> None:
    if calls > bench.most_calls and not bench.subject.steps:
        raise NotPossible(f"it would take {calls:,} scorings")


def bench_for(subject: Subject, *, tokens: int, noise_tokens: int, cuts: int, tolerance: float, most_calls: int, seed: int) -> Bench:
    text = texts_like_text(subject.vocab_size, tokens, np.random.default_rng(seed))
    return Bench(subject, text, seed, noise_tokens, cuts, tolerance, most_calls)
