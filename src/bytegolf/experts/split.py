"""Whole numbers for all tokens, whose sum is always TOTAL: what is coded.

The total is split as it is decided. A candidate takes its part of what is left, rounded to a whole number, and leaves the rest to those
behind it. What the candidates leave is split among all other tokens in proportion to the model's frequencies and what the linear mixture
adds: each gets the difference of two rounded sums, so that nothing is lost. The number of one token needs the candidates before it and
sums of whole numbers, which are exact in any order: scoring, which asks for one, and coding, which asks for all, agree.

A gate lets the model speak for itself. It weighs the model and the experts by the probability that they have given to the text so far,
as Bayes' rule does: whatever the text, the mixture loses no more over the better one than its share at the beginning says.
"""

from typing import NamedTuple

import numpy as np

from bytegolf.arrays import Doubles
from bytegolf.compiling import compiled_inside_without_counts
from bytegolf.exact.arithmetic import log, sigmoid
from bytegolf.experts.contexts import Contexts
from bytegolf.experts.decisions import (
    DECIDED,
    NO_CANDIDATE,
    Decisions,
    Mixers,
    TokenFrequencies,
    begin,
    decide,
    learn_decisions,
    learn_hits,
    likeliest,
)
from bytegolf.experts.linear import Mixture, Shares, learn_shares, mix, probability
from bytegolf.experts.matches import Matches, read_token
from bytegolf.experts.records import Records, learn

TOTAL_BITS = 30
TOTAL = 1 << TOTAL_BITS
RESERVE = 4  # times V is always left to the tokens that are no candidates
ALL = -1
SMALLEST = 1e-12
FIRST_TRUST, MOST_TRUST = 3.0, 8.0  # log odds of the gate: at the beginning, and at most, either way


class Rates(NamedTuple):
    """How fast is learned, and from which length on a match counts."""

    linear: float
    logistic: float
    blend: float
    shortest: int


class ExpertsState(NamedTuple):
    """All that is kept of L lanes. Lanes share what they learn."""

    contexts: Contexts
    rates: Rates
    records: Records
    matches: Matches
    shares: Shares
    mixers: Mixers
    gate: Doubles  # (1,): log odds of the model against the experts
    mixture: Mixture
    decisions: Decisions


@compiled_inside_without_counts
def split(state: ExpertsState, lane: int, row: TokenFrequencies, target: int, out: TokenFrequencies) -> int:
    """Return the frequency of `target` as the next token of a lane; or, if that is ALL, write every token's to `out`.

    `row` (V,) holds the model's frequencies.
    """
    mixture, decisions = state.mixture, state.decisions
    mix(mixture, lane, state.contexts, state.records, state.matches, state.shares)
    before, decisions.total[lane] = _sums(row, target)
    total = np.float64(decisions.total[lane])
    begin(decisions, lane, row, total, mixture)
    trust, reserve = sigmoid(state.gate[0]), RESERVE * len(row)
    remaining, model_left, mixture_left = TOTAL, 1.0, 1.0
    while True:
        seen = likeliest(decisions, lane, mixture)
        if seen == NO_CANDIDATE:
            break
        number = decisions.made[lane]
        token, mixture_p, experts_left = mixture.tokens[lane, seen], decisions.chances[lane, seen], decisions.left[lane, number]
        model_p = row[token] / total
        yes = decide(decisions, lane, token, model_p / model_left, mixture_p / mixture_left, mixture, state.matches, state.mixers)
        part = (trust * model_p + (1.0 - trust) * experts_left * yes) / (trust * model_left + (1.0 - trust) * experts_left)
        frequency = max(1, min(int(part * remaining), remaining - reserve))
        if token == target:
            return frequency
        decisions.frequencies[lane, number] = frequency
        remaining -= frequency
        model_left, mixture_left = max(model_left - model_p, SMALLEST), max(mixture_left - mixture_p, SMALLEST)
    decisions.tail[lane] = decisions.left[lane, decisions.made[lane]] / mixture_left
    weight = _weigh(state, lane, row, total, trust)
    parts = remaining - (len(row) - decisions.made[lane])  # beside one for each token
    if target != ALL:
        return _frequency_of(mixture, decisions.extra[lane], lane, row, target, before, parts, weight)
    _write_all(mixture, decisions, lane, row, parts, weight, out)
    return 0


@compiled_inside_without_counts
def _sums(row: TokenFrequencies, target: int) -> tuple[int, int]:
    """Return the sum of the frequencies before the target's, and of all."""
    before, total = 0, 0
    for token in range(target):
        before += row[token]
    for token in range(max(target, 0), len(row)):
        total += row[token]
    return before, before + total


@compiled_inside_without_counts
def _weigh(state: ExpertsState, lane: int, row: TokenFrequencies, total: float, trust: float) -> int:
    """Write what is added to the model's frequencies to weigh the tokens that are no candidates, and return the weight of all."""
    mixture, decisions = state.mixture, state.decisions
    experts, weight = (1.0 - trust) * decisions.tail[lane], decisions.total[lane]
    scale = total * (experts / (trust + experts * mixture.parts[lane, -1]))
    for seen in range(mixture.found[lane, 0]):
        decided = decisions.chances[lane, seen] == DECIDED
        extra = -row[mixture.tokens[lane, seen]] if decided else int(mixture.masses[lane, seen] * scale)
        decisions.extra[lane, seen] = extra
        weight += extra
    return weight


@compiled_inside_without_counts
def _frequency_of(
    mixture: Mixture, extra: TokenFrequencies, lane: int, row: TokenFrequencies, target: int, before: int, parts: int, weight: int
) -> int:
    """Return the frequency of a token that is no candidate, given the sum of the model's frequencies before it."""
    own = row[target]
    for seen in range(mixture.found[lane, 0]):
        token = mixture.tokens[lane, seen]
        if token < target:
            before += extra[seen]
        elif token == target:
            own += extra[seen]
    return 1 + _rounded(before + own, parts, weight) - _rounded(before, parts, weight)


@compiled_inside_without_counts
def _write_all(
    mixture: Mixture, decisions: Decisions, lane: int, row: TokenFrequencies, parts: int, weight: int, out: TokenFrequencies
) -> None:
    """Write the frequencies of all tokens."""
    for token in range(len(row)):
        out[token] = row[token]
    for seen in range(mixture.found[lane, 0]):
        out[mixture.tokens[lane, seen]] += decisions.extra[lane, seen]
    before, rounded = 0, 0
    for token in range(len(out)):
        before += out[token]
        now = _rounded(before, parts, weight)
        out[token] = 1 + now - rounded
        rounded = now
    for number in range(decisions.made[lane]):
        out[decisions.tokens[lane, number]] = decisions.frequencies[lane, number]


@compiled_inside_without_counts
def _rounded(before: int, parts: int, weight: int) -> int:
    """Return the share of `before` in `weight`, in whole parts: all of them at the end, whatever the rounding."""
    return parts if before == weight else min(int(float(before) * (float(parts) / float(weight))), parts)


@compiled_inside_without_counts
def learn_from(state: ExpertsState, lane: int, row: TokenFrequencies, token: int) -> None:
    """Learn from the token that came in a lane. `split` was called for it, with the same `row`, and nothing in between for this lane."""
    mixture, matches, rates, model_p = state.mixture, state.matches, state.rates, row[token] / np.float64(state.decisions.total[lane])
    said = _experts_probability(state, lane, token, model_p)
    state.gate[0] = min(max(state.gate[0] + log(model_p / said), -MOST_TRUST), MOST_TRUST)
    learn_decisions(state.decisions, lane, token, state.mixers, rates.logistic, rates.blend)
    learn_hits(mixture, lane, token, matches, state.mixers)
    learn_shares(mixture, lane, token, model_p, matches, state.shares, rates.linear)
    for k in range(len(state.contexts)):
        learn(state.records, mixture.hashes[lane, k], token)
    read_token(matches, lane, token, rates.shortest)


@compiled_inside_without_counts
def _experts_probability(state: ExpertsState, lane: int, token: int, model_p: float) -> float:
    """Return the probability that the experts gave to a token."""
    decisions = state.decisions
    for number in range(decisions.made[lane]):
        if decisions.tokens[lane, number] == token:
            return decisions.left[lane, number] * decisions.yes[lane, number]
    return decisions.tail[lane] * probability(state.mixture, lane, token, model_p)
