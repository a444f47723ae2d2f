"""The tests of the audit, T1 to T13, each a function of a subject: what a valid score cannot do, looked for from outside.

Conditions: C1 a token is predicted from those before it alone; C2 by a distribution over the whole vocabulary that sums to 1;
C3 scored before anything learns from it; C4 in one pass from left to right, each token once. docs/proof.md explains them all.
"""

import math
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from bytegolf.auditing.adapter import Degenerate, Floats, Scorer, Subject, in_order
from bytegolf.auditing.trial import (
    Bench,
    Finding,
    NotPossible,
    bits_of,
    gain_on_noise,
    others,
    require,
    require_calls,
    require_free_length,
    same,
    substituted,
)
from bytegolf.coding.codec import DamagedError, decode, encode


def truncation(bench: Bench) -> Finding:
    """T1: what was scored before a cut does not depend on whether the text goes on."""
    require_free_length(bench)
    whole = bench.subject.costs(bench.text)
    return same(
        "T1", bench, [(whole[:cut], bench.subject.costs(bench.text[: cut + 1]), f"cut after target {cut - 1}") for cut in bench.places]
    )


def perturbation(bench: Bench) -> Finding:
    """T2: nor on what it goes on with."""
    rng, whole, pairs = bench.rng(), bench.subject.costs(bench.text), []
    for cut in bench.places:
        changed = bench.text.copy()
        changed[cut + 1 :] = others(changed[cut + 1 :], bench.subject.vocab_size, rng)
        pairs.append((whole[:cut], bench.subject.costs(changed)[:cut], f"tokens changed from target {cut} on"))
    return same("T2", bench, pairs)


def self_dependence(bench: Bench) -> Finding:
    """T3: the distribution that a token is given is the same whichever token comes."""
    require(bench, "distributions")
    rng, whole, pairs = bench.rng(), bench.subject.distributions(bench.text), []
    for target in bench.places:
        changed = bench.text.copy()
        changed[target + 1 : target + 2] = others(changed[target + 1 : target + 2], bench.subject.vocab_size, rng)
        pairs.append((bits_of(whole[target]), bits_of(bench.subject.distributions(changed)[target]), f"token of target {target} changed"))
    return same("T3", bench, pairs, at=bench.places)


def normalisation(bench: Bench) -> Finding:
    """T4: distributions are not negative, sum to 1, and are what the costs are taken from."""
    require(bench, "distributions")
    rows = bench.subject.distributions(bench.text)
    sums = rows.sum(axis=1)
    worst = int(np.argmax(np.abs(sums - 1)))
    if not np.isfinite(rows).all() or rows.min() < 0 or abs(sums[worst] - 1) > 1e-4:
        return Finding("T4", False, f"probabilities from {rows.min():.3g}, their sum {sums[worst]:.6f}", worst)
    said = bits_of(rows[np.arange(bench.targets), bench.text[1:]])
    return same("T4", bench, [(said, bench.subject.costs(bench.text), "costs against the distributions they are of")])


def substitution(bench: Bench) -> Finding:
    """T5: the probabilities of all tokens that could stand at a place sum to 1."""
    require_calls(bench, bench.subject.vocab_size * len(bench.places))
    for target in bench.places:
        total = float(np.exp2(-substituted(bench, bench.text, target)).sum())
        if not abs(total - 1) <= 1e-3:
            return Finding("T5", False, f"over all {bench.subject.vocab_size} tokens the probabilities sum to {total:.4f}", target)
    return Finding("T5", True, f"the sum is 1 within 0.001 at {len(bench.places)} places")


def shadow(bench: Bench) -> Finding:
    """T6: leaving an update out changes nothing about what it learned from, nor about anything before."""
    require(bench, "events", "without_update")
    whole, pairs = bench.subject.costs(bench.text), []
    updates = [event for event in bench.subject.made().events(bench.text) if event[0] == "update"]
    for number, (_, _, stop) in list(enumerate(updates))[: bench.cuts]:
        left_out = in_order(np.asarray(bench.subject.made().without_update(bench.text, number)), bench.targets)
        pairs.append((whole[:stop], left_out[:stop], f"update {number}, which learned from targets up to {stop - 1}, left out"))
    return same("T6", bench, pairs)


def order_of_events(bench: Bench) -> Finding:
    """T7: whatever is learned from was scored before."""
    require(bench, "events")
    scored = 0
    for kind, first, stop in bench.subject.made().events(bench.text):
        if kind == "score":
            scored = max(scored, stop)
        elif stop > scored:
            return Finding("T7", False, f"an update learns from targets up to {stop - 1} when {scored} are scored", max(first, scored))
    return Finding("T7", True, f"every update comes after the scores of what it learns from, {scored} of {bench.targets} in all")


def coverage(bench: Bench) -> Finding:
    """T8: every target is scored once and in order, the score is what is booked first, and bytes are those of the text."""
    claims = bench.subject.claims(bench.text)
    scored = np.arange(len(claims)) if claims.ndim == 1 else claims[:, 0].astype(int)
    bits = claims if claims.ndim == 1 else claims[:, 1]
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
    require_free_length(bench)
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
    return gain_on_noise("T11", bench, bench.subject)


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
        each = substituted(bench, seen, target)
        coded[target] = each[text[target + 1]] + math.log2(np.exp2(-each).sum())
    with np.errstate(invalid="ignore"):  # infinite bits, of what was never scored
        differing = np.flatnonzero(~(np.abs(coded - claimed) <= bench.tolerance))
    if len(differing):
        return Finding(
            "T12",
            False,
            f"{claimed.sum():.2f} bits claimed for {len(coded)} tokens, {coded.sum():.2f} needed to decode them",
            int(differing[0]),
        )
    return Finding("T12", True, f"{len(coded)} tokens decode from the {coded.sum():.2f} bits that were claimed")


def degenerate_settings(bench: Bench) -> Finding:
    """T13: with its extras off it is the plain model, and without context it learns nothing of noise."""
    require(bench, "degenerate")
    settings: list[Degenerate] = [Degenerate(*setting) for setting in bench.subject.made().degenerate()]
    for name, scorer, plain in settings:
        if plain is None:
            found = gain_on_noise("T13", bench, Subject(partial(_itself, scorer)))
        else:
            found = same(
                "T13",
                bench,
                [(np.asarray(plain.costs(bench.text)), np.asarray(scorer.costs(bench.text)), f"{name} against the plain model")],
            )
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


def _itself(scorer: Scorer) -> Scorer:
    return scorer


def _decoded_by_steps(bench: Bench) -> Finding:
    lane = bench.text[1:].astype(np.uint16)
    coded = encode(_OneLane(bench), [lane])
    try:
        decoded = decode(_OneLane(bench), [len(lane)], coded)[0]
    except DamagedError as error:
        return Finding("T12", False, f"does not decode: {error}")
    wrong = np.flatnonzero(decoded != lane)
    if len(wrong):
        return Finding("T12", False, "decodes to another text", int(wrong[0]))
    claimed = bench.subject.costs(bench.text)
    needed = claimed + np.log2(bench.subject.distributions(bench.text).sum(axis=1))  # what the coder makes of shares that do not sum to 1
    differing = np.flatnonzero(~(np.abs(needed - claimed) <= bench.tolerance))
    if len(differing):
        return Finding("T12", False, f"{claimed.sum():.2f} bits claimed, {needed.sum():.2f} needed to decode", int(differing[0]))
    return Finding("T12", True, f"{len(lane)} tokens decode from {len(coded)} bytes, {claimed.sum():.0f} bits were claimed")


class _OneLane:
    """A fresh predictor as the codec takes it, which has observed the first token."""

    lanes = 1

    def __init__(self, bench: Bench) -> None:
        self.predictor, self.first = bench.subject.made(), bench.text[:1]
        self.vocab_size = bench.subject.vocab_size

    def reset(self) -> None:
        self.predictor.reset()
        self.predictor.observe(self.first)

    def predict(self) -> Floats:
        return np.array(self.predictor.predict(), np.float64).reshape(1, -1)

    def observe(self, tokens_L: NDArray[np.integer]) -> None:
        self.predictor.observe(tokens_L)
