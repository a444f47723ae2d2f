"""Checks that the claimed bits would hold the text: nothing is gained on noise, and what is coded decodes.

Noise: on tokens drawn from V alike and independently, the product of V · p(token) over a text is a martingale of mean 1
for every valid predictor, whatever it learns. So the gain over log2 V bits a token exceeds k bits with a probability of at
most 2**-k (Ville's inequality).
"""

import math

import numpy as np
from numpy.typing import NDArray

from bytegolf.arrays import Doubles
from bytegolf.auditing.adapter import DegenerateSetting, PredictorUnderTest
from bytegolf.auditing.bench import Bench, Comparison, Verdict
from bytegolf.coding.codec import DamagedError, decode, encode
from bytegolf.exact.output import TOTAL, Frequencies, parts_of_total

SHORTEST_DECODED = 4  # tokens


def noise(bench: Bench) -> Verdict:
    """T11: check that the predictor gains no more on noise than chance allows."""
    return bench.gain_on_noise(bench.predictor)


def decoding(bench: Bench) -> Verdict:
    """T12: check that the claimed bits are enough to code the text by predictions that see the tokens before alone."""
    return _decode_stream(bench) if bench.predictor.is_sequential else _decode_by_substitution(bench)


def degenerate_settings(bench: Bench) -> Verdict:
    """T13: check that the predictor with its extras off is the plain model, and without context learns nothing of noise."""
    bench.require("degenerate")
    settings = [DegenerateSetting(*setting) for setting in bench.predictor.new().degenerate()]
    for setting in settings:
        verdict = _try_setting(bench, setting)
        if not verdict.passed:
            return Verdict(False, f"{setting.name}: {verdict.evidence}", verdict.position)
    return Verdict(True, f"{', '.join(setting.name for setting in settings)}: as expected")


def _try_setting(bench: Bench, setting: DegenerateSetting) -> Verdict:
    name, scorer, plain = setting
    if plain is None:
        return bench.gain_on_noise(PredictorUnderTest(lambda: scorer))
    expected, actual = np.asarray(plain.bits(bench.text)), np.asarray(scorer.bits(bench.text))
    return bench.compare([Comparison(f"{name} against the plain model", expected, actual)])


def _decode_by_substitution(bench: Bench) -> Verdict:
    """Work out what a decoder would need, which can only try every token in the place of the next one."""
    vocab, limit = bench.predictor.vocab_size, bench.options.max_scorings
    text = bench.text[: max(SHORTEST_DECODED, min(len(bench.text), limit // vocab + 1))]
    bench.require_scorings(vocab * (len(text) - 1))
    claimed = bench.predictor.bits(text)
    needed = np.zeros(len(text) - 1)
    for target in range(len(text) - 1):
        seen = text.copy() if bench.predictor.knows_length else text[: target + 2]
        seen[target + 2 :] = 0
        each = bench.bits_of_each_token(seen, target)
        needed[target] = each[text[target + 1]] + math.log2(np.exp2(-each).sum())
    differing = _differing(bench, needed, claimed)
    if len(differing):
        evidence = f"{claimed.sum():.2f} bits claimed for {len(needed)} tokens, {needed.sum():.2f} needed to decode them"
        return Verdict(False, evidence, int(differing[0]))
    return Verdict(True, f"{len(needed)} tokens decode from the {needed.sum():.2f} bits that were claimed")


def _decode_stream(bench: Bench) -> Verdict:
    """Encode the text and decode it again."""
    lane = bench.text[1:].astype(np.uint16)
    try:
        stream = encode(_OneLane(bench), [lane])
        decoded = decode(_OneLane(bench), [len(lane)], stream)[0]
    except DamagedError as error:
        return Verdict(False, f"does not decode: {error}")
    wrong = np.flatnonzero(decoded != lane)
    if len(wrong):
        return Verdict(False, "decodes to another text", int(wrong[0]))
    claimed = bench.predictor.bits(bench.text)
    sums = bench.predictor.distributions(bench.text).sum(axis=1)
    needed = claimed + np.log2(sums)  # the coder scales what does not sum to 1
    differing = _differing(bench, needed, claimed)
    if len(differing):
        return Verdict(False, f"{claimed.sum():.2f} bits claimed, {needed.sum():.2f} needed to decode", int(differing[0]))
    return Verdict(True, f"{len(lane)} tokens decode from {len(stream)} bytes, {claimed.sum():.0f} bits were claimed")


def _differing(bench: Bench, needed: Doubles, claimed: Doubles) -> NDArray[np.intp]:
    with np.errstate(invalid="ignore"):  # infinite bits, of a target that was never scored
        return np.flatnonzero(~(np.abs(needed - claimed) <= bench.options.tolerance))


class _OneLane:
    """A new instance of the predictor for the codec, which has observed the first token."""

    lanes = 1

    def __init__(self, bench: Bench) -> None:
        self.predictor = bench.predictor.new()
        self.predictor.reset()
        self.predictor.observe(bench.text[:1])

    def predict(self) -> Frequencies:
        """See `bytegolf.coding.predictor`. Raises DamagedError for what no coder can divide its range by."""
        distribution = np.array(self.predictor.predict(), np.float64).reshape(1, -1)
        if not (np.isfinite(distribution.sum()) and distribution.min() >= 0.0 and distribution.max() > 0.0):
            raise DamagedError("what is predicted is no distribution")
        return parts_of_total(np.rint(distribution / distribution.sum() * TOTAL).astype(np.int64))

    def observe(self, tokens_L: NDArray[np.integer]) -> None:
        """See `bytegolf.coding.predictor`."""
        self.predictor.observe(tokens_L)
