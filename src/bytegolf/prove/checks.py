"""The tests of the audit, T1 to T13, each a function of a subject: what a valid score cannot do, looked for from outside.

Conditions: C1 a token is predicted from those before it alone; C2 by a distribution over the whole vocabulary that sums to 1;
C3 scored before anything learns from it; C4 in one pass from left to right, each token once. docs/proof.md explains them all.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bytegolf.prove.subject import Degenerate, Floats, Subject, Text, in_order, spread, texts_like_text

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


def truncation(bench: Bench) -> Finding:
    """T1: what was scored before a cut does not depend on whether the text goes on."""
    _require_free_length(bench)
    whole = bench.subject.costs(bench.text)
    return _same("T1", bench, [(whole[:cut], bench.subject.costs(bench.text[: cut + 1]), f"cut after target {cut - 1}") for cut in bench.places])


def perturbation(bench: Bench) -> Finding:
    """T2: nor on what it goes on with."""
    rng, whole, pairs = bench.rng(), bench.subject.costs(bench.text), []
    for cut in bench.places:
        changed = bench.text.copy()
        changed[cut + 1 :] = _others(changed[cut + 1 :], bench.subject.vocab_size, rng)
        pairs.append((whole[:cut], bench.subject.costs(changed)[:cut], f"tokens changed from target {cut} on"))
    return _same("T2", bench, pairs)


def self_dependence(bench: Bench) -> Finding:
    """T3: the distribution that a token is given is the same whichever token comes."""
    _require(bench, "distributions")
    rng, whole, pairs = bench.rng(), bench.subject.distributions(bench.text), []
    for target in bench.places:
        changed = bench.text.copy()
        changed[target + 1 : target + 2] = _others(changed[target + 1 : target + 2], bench.subject.vocab_size, rng)
        pairs.append((_bits(whole[target]), _bits(bench.subject.distributions(changed)[target]), f"token of target {target} changed"))
    return _same("T3", bench, pairs, at=bench.places)


def normalisation(bench: Bench) -> Finding:
    """T4: distributions are not negative, sum to 1, and are what the costs are taken from."""
    _require(bench, "distributions")
    rows = bench.subject.distributions(bench.text)
    sums = rows.sum(axis=1)
    worst = int(np.argmax(np.abs(sums - 1)))
    if not np.isfinite(rows).all() or rows.min() < 0 or abs(sums[worst] - 1) > 1e-4:
        return Finding("T4", False, f"probabilities from {rows.min():.3g}, their sum {sums[worst]:.6f}", worst)
    said = _bits(rows[np.arange(bench.targets), bench.text[1:]])
    return _same("T4", bench, [(said, bench.subject.costs(bench.text), "costs against the distributions they are of")])


def substitution(bench: Bench) -> Finding:
    """T5: the probabilities of all tokens that could stand at a place sum to 1."""
    _require_calls(bench, bench.subject.vocab_size * len(bench.places))
    for target in bench.places:
        total = float(np.exp2(-_substituted(bench, bench.text, target)).sum())
        if not abs(total - 1) <= 1e-3:
            return Finding("T5", False, f"over all {bench.subject.vocab_size} tokens the probabilities sum to {total:.4f}", target)
    return Finding("T5", True, f"the sum is 1 within 0.001 at {len(bench.places)} places")


def shadow(bench: Bench) -> Finding:
    """T6: leaving an update out changes nothing about what it learned from, nor about anything before."""
    _require(bench, "events", "without_update")
    whole, pairs = bench.subject.costs(bench.text), []
    updates = [event for event in bench.subject.made().events(bench.text) if event[0] == "update"]
    for number, (_, _, stop) in list(enumerate(updates))[: bench.cuts]:
        left_out = in_order(np.asarray(bench.subject.made().without_update(bench.text, number)), bench.targets)
        pairs.append((whole[:stop], left_out[:stop], f"update {number}, which learned from targets up to {stop - 1}, left out"))
    return _same("T6", bench, pairs)


def order_of_events(bench: Bench) -> Finding:
    """T7: whatever is learned from was scored before."""
    _require(bench, "events")
    scored = 0
    for kind, first, stop in bench.subject.made().events(bench.text):
        if kind == "score":
            scored = max(scored, stop)
        elif stop > scored:
            return Finding("T7", False, f"an update learns from targets up to {stop - 1} when {scored} are scored", max(first, scored))
    return Finding("T7", True, f"every update comes after the scores of what it learns from, {scored} of {bench.targets} in all")


def coverage(bench: Bench) -> Finding:
    """T8: every target is scored once and in order, the score is what is booked first, and bytes are those of the text."""
    books = bench.subject.books(bench.text)
    scored = np.arange(len(books)) if books.ndim == 1 else books[:, 0].astype(int)
    bits = books if books.ndim == 1 else books[:, 1]
    if scored.tolist() != list(range(bench.targets)):
        wrong = next((i for i, target in enumerate(scored.tolist()) if target != i), len(scored))
        return Finding("T8", False, f"{len(scored)} targets booked of {bench.targets}, {len(set(scored.tolist()))} different ones", wrong)
    if not np.isfinite(bits).all() or bits.min() < -bench.tolerance:
        return Finding("T8", False, f"costs from {bits.min():.3g} to {bits.max():.3g} bits", int(np.argmin(bits)))
    made = bench.subject.made()
    if hasattr(made, "events"):
        spans = [(first, stop) for kind, first, stop in made.events(bench.text) if kind == "score"]
        due = 0
        for first, stop in spans:
            if first != due:
                return Finding("T8", False, f"targets from {first} on are scored where {due} was due", first)
            due = stop
    if hasattr(made, "num_bytes") and hasattr(made, "decode"):
        claimed, there = int(made.num_bytes(bench.text)), len(made.decode(bench.text[1:]))
        if claimed != there:
            return Finding("T8", False, f"{claimed} bytes claimed where the text has {there}")
    return Finding("T8", True, f"{bench.targets} targets, each once")


def prefix(bench: Bench) -> Finding:
    """T9: the beginning of a text costs the same scored alone."""
    _require_free_length(bench)
    half = bench.targets // 2
    alone, within = float(bench.subject.costs(bench.text[: half + 1]).sum()), float(bench.subject.costs(bench.text)[:half].sum())
    if not abs(alone - within) <= bench.tolerance * math.sqrt(half):
        return Finding("T9", False, f"the first {half} targets cost {alone:.4f} bits alone and {within:.4f} within the text")
    return Finding("T9", True, f"the first {half} targets cost {alone:.2f} bits either way")


def replay(bench: Bench) -> Finding:
    """T10: the same text costs the same again, bit for bit."""
    once, again = bench.subject.costs(bench.text), bench.subject.costs(bench.text)
    made = bench.subject.made()
    if hasattr(made, "costs"):
        made.costs(bench.text)
        again = np.where(once == again, in_order(np.asarray(made.costs(bench.text)), bench.targets), again)
    differing = np.flatnonzero(once != again)
    if len(differing):
        place = int(differing[0])
        return Finding("T10", False, f"{once[place]:.6f} bits, then {again[place]:.6f}; {len(differing)} targets differ", place)
    return Finding("T10", True, "identical")


def noise(bench: Bench) -> Finding:
    """T11: nobody predicts noise. The gain over log2 V bits a token reaches k bits with a probability of 2**-k at most (Ville)."""
    return _noise("T11", bench, bench.subject)


def decoding(bench: Bench) -> Finding:
    """T12: coded by what it says of each token in sight of those before alone, the text takes the bits that were claimed."""
    if bench.subject.steps:
        return _decoded_by_steps(bench)
    text = bench.text[: max(4, min(len(bench.text), bench.most_calls // bench.subject.vocab_size + 1))]
    if bench.subject.vocab_size * (len(text) - 1) > bench.most_calls:
        raise NotPossible(f"it would take {bench.subject.vocab_size * (len(text) - 1):,} scorings")
    claimed = bench.subject.costs(text)
    coded = np.zeros(len(text) - 1)
    for target in range(len(text) - 1):
        seen = text.copy() if bench.subject.knows_length else text[: target + 2]
        seen[target + 2 :] = 0
        each = _substituted(bench, seen, target)
        coded[target] = each[text[target + 1]] + math.log2(np.exp2(-each).sum())
    differing = np.flatnonzero(~(np.abs(coded - claimed) <= bench.tolerance))
    if len(differing):
        return Finding(
            "T12", False, f"{claimed.sum():.2f} bits claimed for {len(coded)} tokens, {coded.sum():.2f} needed to decode them", int(differing[0])
        )
    return Finding("T12", True, f"{len(coded)} tokens decode from the {coded.sum():.2f} bits that were claimed")


def degenerate_settings(bench: Bench) -> Finding:
    """T13: with its extras off it is the plain model, and without context it learns nothing of noise."""
    _require(bench, "degenerate")
    settings: list[Degenerate] = [Degenerate(*setting) for setting in bench.subject.made().degenerate()]
    for name, scorer, plain in settings:
        if plain is None:
            found = _noise("T13", bench, Subject(lambda scorer=scorer: scorer))
        else:
            found = _same("T13", bench, [(np.asarray(plain.costs(bench.text)), np.asarray(scorer.costs(bench.text)), f"{name} against the plain model")])
        if not found.passed:
            return Finding("T13", False, f"{name}: {found.evidence}", found.position)
    return Finding("T13", True, f"{', '.join(setting.name for setting in settings)}: as expected")


CHECKS: dict[str, Callable[[Bench], Finding]] = {
    "T1": truncation,
    "T2": perturbation,
    "T3": self_dependence,
    "T4": normalisation,
    "T5": substitution,
    "T6": shadow,
    "T7": order_of_events,
    "T8": coverage,
    "T9": prefix,
    "T10": replay,
    "T11": noise,
    "T12": decoding,
    "T13": degenerate_settings,
}


def _same(test: str, bench: Bench, pairs: list[tuple[Floats, Floats, str]], at: list[int] | None = None) -> Finding:
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


def _noise(test: str, bench: Bench, subject: Subject) -> Finding:
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


def _substituted(bench: Bench, text: Text, target: int) -> Floats:
    """Bits of every token in the place of a target, (V,)."""
    candidates = []
    for token in range(bench.subject.vocab_size):
        changed = text.copy()
        changed[target + 1] = token
        candidates.append(bench.subject.costs(changed)[target])
    return np.array(candidates)


def _decoded_by_steps(bench: Bench) -> Finding:
    from bytegolf.prove.codec import DamagedError, decode, encode

    class Lane:
        """A fresh predictor as the codec takes it, which has observed the first token."""

        lanes = 1

        def __init__(self) -> None:
            self.predictor = bench.subject.made()
            self.vocab_size = bench.subject.vocab_size

        def reset(self) -> None:
            self.predictor.reset()
            self.predictor.observe(bench.text[:1])

        def predict(self) -> Floats:
            return np.array(self.predictor.predict(), np.float64).reshape(1, -1)

        def observe(self, tokens: Text) -> None:
            self.predictor.observe(tokens)

    lane = bench.text[1:].astype(np.uint16)
    coded = encode(Lane(), [lane])
    try:
        decoded = decode(Lane(), [len(lane)], coded)[0]
    except DamagedError as error:
        return Finding("T12", False, f"does not decode: {error}")
    wrong = np.flatnonzero(decoded != lane)
    if len(wrong):
        return Finding("T12", False, "decodes to another text", int(wrong[0]))
    claimed = float(bench.subject.costs(bench.text).sum())
    if not abs(8 * len(coded) - claimed) <= 0.001 * claimed + 64:
        return Finding("T12", False, f"{claimed:.0f} bits claimed, {8 * len(coded)} coded")
    return Finding("T12", True, f"{len(lane)} tokens decode from {len(coded)} bytes, {claimed:.0f} bits were claimed")


def _others(tokens: Text, vocab_size: int, rng: np.random.Generator) -> Text:
    """Other tokens in place of each."""
    return (tokens + rng.integers(1, vocab_size, size=tokens.shape)) % vocab_size


def _bits(probabilities: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return -np.log2(probabilities)


def _require(bench: Bench, *names: str) -> None:
    for name in names:
        if not bench.subject.offers(name):
            raise NotPossible(f"the subject offers no {name}")


def _require_free_length(bench: Bench) -> None:
    if bench.subject.knows_length:
        raise NotPossible("the subject is told the length of the text; T2 looks for the same at full length")


def _require_calls(bench: Bench, calls: int) -> None:
    if calls > bench.most_calls and not bench.subject.steps:
        raise NotPossible(f"it would take {calls:,} scorings")


def bench_for(subject: Subject, *, tokens: int, noise_tokens: int, cuts: int, tolerance: float, most_calls: int, seed: int) -> Bench:
    text = texts_like_text(subject.vocab_size, tokens, np.random.default_rng(seed))
    return Bench(subject, text, seed, noise_tokens, cuts, tolerance, most_calls)
