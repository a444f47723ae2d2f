"""Checks that a token is predicted from those before it alone (C1)."""

import math

from bytegolf.auditing.bench import Bench, Comparison, Verdict, bits_of, other_tokens


def truncation(bench: Bench) -> Verdict:
    """T1: check that the bits before a cut do not depend on whether the text goes on."""
    bench.require_free_length()
    bits = bench.predictor.bits(bench.text)
    return bench.compare(
        [Comparison(f"cut after target {cut - 1}", bits[:cut], bench.predictor.bits(bench.text[: cut + 1])) for cut in bench.places]
    )


def perturbation(bench: Bench) -> Verdict:
    """T2: check that the bits before a place do not depend on the tokens from there on."""
    rng, bits, comparisons = bench.rng(), bench.predictor.bits(bench.text), []
    for cut in bench.places:
        changed = bench.text.copy()
        changed[cut + 1 :] = other_tokens(changed[cut + 1 :], bench.predictor.vocab_size, rng)
        comparisons.append(Comparison(f"tokens changed from target {cut} on", bits[:cut], bench.predictor.bits(changed)[:cut]))
    return bench.compare(comparisons)


def self_dependence(bench: Bench) -> Verdict:
    """T3: check that the distribution that a token is given is the same whichever token comes."""
    bench.require("distributions")
    rng, rows, comparisons = bench.rng(), bench.predictor.distributions(bench.text), []
    for target in bench.places:
        changed = bench.text.copy()
        changed[target + 1 : target + 2] = other_tokens(changed[target + 1 : target + 2], bench.predictor.vocab_size, rng)
        row = bench.predictor.distributions(changed)[target]
        comparisons.append(Comparison(f"token of target {target} changed", bits_of(rows[target]), bits_of(row), position=target))
    return bench.compare(comparisons)


def prefix(bench: Bench) -> Verdict:
    """T9: check that the beginning of a text takes the same bits when it is scored alone."""
    bench.require_free_length()
    half = bench.targets // 2
    alone = float(bench.predictor.bits(bench.text[: half + 1]).sum())
    within = float(bench.predictor.bits(bench.text)[:half].sum())
    if not abs(alone - within) <= bench.options.tolerance * math.sqrt(half):
        return Verdict(False, f"the first {half} targets take {alone:.4f} bits alone and {within:.4f} within the text")
    return Verdict(True, f"the first {half} targets take {alone:.2f} bits either way")
