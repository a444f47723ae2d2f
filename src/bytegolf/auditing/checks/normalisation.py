"""Checks that predictions are distributions over the whole vocabulary that sum to 1 (C2)."""

import numpy as np

from bytegolf.auditing.bench import Bench, Comparison, Verdict, bits_of

SUM_TOLERANCE = 1e-4  # float32 sums of some ten thousand probabilities stay well within it
SUBSTITUTION_TOLERANCE = 1e-3  # the sum of V separate scorings, each rounded in its own way


def distributions(bench: Bench) -> Verdict:
    """T4: check that distributions are not negative, sum to 1, and are what the bits are taken from."""
    bench.require("distributions")
    rows = bench.predictor.distributions(bench.text)
    sums = rows.sum(axis=1)
    worst = int(np.argmax(np.abs(sums - 1)))
    if not np.isfinite(rows).all() or rows.min() < 0 or abs(sums[worst] - 1) > SUM_TOLERANCE:
        return Verdict(False, f"probabilities from {rows.min():.3g}, their sum {sums[worst]:.6f}", worst)
    implied = bits_of(rows[np.arange(bench.targets), bench.text[1:]])
    return bench.compare([Comparison("bits against the distributions they are of", implied, bench.predictor.bits(bench.text))])


def substitution(bench: Bench) -> Verdict:
    """T5: check that the probabilities of all tokens that could stand in one place sum to 1."""
    vocab = bench.predictor.vocab_size
    if not bench.predictor.is_sequential:
        bench.require_scorings(vocab * len(bench.places))
    for target in bench.places:
        total = float(np.exp2(-bench.bits_of_each_token(bench.text, target)).sum())
        if not abs(total - 1) <= SUBSTITUTION_TOLERANCE:
            return Verdict(False, f"over all {vocab} tokens the probabilities sum to {total:.4f}", target)
    return Verdict(True, f"the sum is 1 within {SUBSTITUTION_TOLERANCE:g} at {len(bench.places)} places")
