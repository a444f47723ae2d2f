"""Whole numbers for all tokens, whose sum is always TOTAL: what is coded.

The total is split as it is decided. A candidate takes its part of what is left, rounded to a whole number, and leaves the rest to those
behind it. What the candidates leave is split among all other tokens in proportion to the model's frequencies and what the linear mixture
adds: each gets the difference of two rounded sums, so that nothing is lost. The number of one token needs the candidates before it and
sums of whole numbers, which are exact in any order: scoring, which asks for one, and coding, which asks for all, agree.

A gate lets the model speak for itself. It weighs the model and the experts by the probability that they have given to the text so far,
as Bayes' rule does: whatever the text, the mixture loses no more over the better one than its share at the beginning says.
"""

import math
from typing import NamedTuple

import numpy as np

from bytegolf.arrays import Doubles
from bytegolf.experts.contexts import Contexts
from bytegolf.experts.decisions import (
    DECIDED,
    NO_CANDIDATE,
    Decisions,
    Frequencies,
    Mixers,
    begin,
    decide,
    learn_decisions,
    learn_hits,
    likeliest,
)
from bytegolf.experts.functions import compiled, logarithm, logistic
from bytegolf.experts.linear import UNSEEN, Shares, Sight, learn_shares, look, mixed
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


class State(NamedTuple):
    """All that is kept of L lanes. Lanes share what they learn."""

    contexts: Contexts
    rates: Rates
    records: Records
    matches: Matches
    shares: Shares
    mixers: Mixers
    gate: Doubles  # (1,): log odds of the model against the experts
    sight: Sight
    decisions: Decisions


@compiled
def split(state: State, lane: int, row: Frequencies, target: int, out: Frequencies) -> int:
    """Return the frequency of `target` as the next token of a lane; or, if that is ALL, write every token's to `out`.

    `row` (V,) holds the model's frequencies.
    """
    sight, decisions = state.sight, state.decisions
    look(sight, lane, state.contexts, state.records, state.matches, state.shares)
    decisions.total[lane] = row.sum()
    total = np.float64(decisions.total[lane])
    begin(decisions, lane, row, total, sight)
    trust, reserve = logistic(state.gate[0]), RESERVE * len(row)
    remaining, model_left, mixture_left = TOTAL, 1.0, 1.0
    while True:
        seen = likeliest(decisions, lane, sight)
        if seen == NO_CANDIDATE:
            break
        token, mixture_p, experts_left = sight.tokens[lane, seen], decisions.chances[lane, seen], decisions.left[lane, decisions.made[lane]]
        model_p = row[token] / total
        yes = decide(decisions, lane, token, model_p / model_left, mixture_p / mixture_left, sight, state.matches, state.mixers)
        part = (trust * model_p + (1.0 - trust) * experts_left * yes) / (trust * model_left + (1.0 - trust) * experts_left)
        frequency = max(1, min(math.floor(part * remaining), remaining - reserve))
        if token == target:
            return frequency
        if target == ALL:
            out[token] = frequency
        remaining -= frequency
        model_left, mixture_left = max(model_left - model_p, SMALLEST), max(mixture_left - mixture_p, SMALLEST)
    decisions.tail[lane] = decisions.left[lane, decisions.made[lane]] / mixture_left
    return _split_tail(state, lane, row, total, remaining, trust, target, out)


@compiled
def _split_tail(
    state: State, lane: int, row: Frequencies, total: float, remaining: int, trust: float, target: int, out: Frequencies
) -> int:
    """Split what remains among the tokens that are no candidates. Their weights are `row` and what is extra for the tokens seen."""
    sight, decisions, count = state.sight, state.decisions, state.sight.found[lane, 0]
    tokens, chances, extra = sight.tokens[lane], decisions.chances[lane], decisions.extra[lane]
    experts = (1.0 - trust) * decisions.tail[lane]
    scale, weight = total * (experts / (trust + experts * sight.parts[lane, -1])), decisions.total[lane]
    for seen in range(count):
        extra[seen] = -row[tokens[seen]] if chances[seen] == DECIDED else math.floor(sight.masses[lane, seen] * scale)
        weight += extra[seen]
    parts = remaining - (len(row) - decisions.made[lane])  # beside one for each token
    if target != ALL:
        before = row[:target].sum()
        for seen in range(count):
            if tokens[seen] < target:
                before += extra[seen]
        index = sight.index[lane, target]
        after = before + row[target] + (extra[index] if index != UNSEEN else 0)
        return 1 + _rounded(after, weight, parts) - _rounded(before, weight, parts)
    before, rounded = np.int64(0), 0
    for token in range(len(row)):
        index = sight.index[lane, token]
        if index == UNSEEN or chances[index] != DECIDED:
            before += row[token] + (extra[index] if index != UNSEEN else 0)
            now = _rounded(before, weight, parts)
            out[token] = 1 + now - rounded
            rounded = now
    return 0


@compiled
def _rounded(before: int, weight: int, parts: int) -> int:
    """Return the share of `before` in `weight`, in whole parts."""
    return math.floor(np.float64(before) / np.float64(weight) * parts)


@compiled
def learn_from(state: State, lane: int, row: Frequencies, token: int) -> None:
    """Learn from the token that came in a lane. `split` was called for it, with the same `row`, and nothing in between for this lane."""
    sight, matches, rates, model_p = state.sight, state.matches, state.rates, row[token] / np.float64(state.decisions.total[lane])
    said = _said(state, lane, token, model_p)
    state.gate[0] = min(max(state.gate[0] + logarithm(model_p / said), -MOST_TRUST), MOST_TRUST)
    learn_decisions(state.decisions, lane, token, state.mixers, rates.logistic, rates.blend)
    learn_hits(sight, lane, token, matches, state.mixers)
    learn_shares(sight, lane, token, model_p, matches, state.shares, rates.linear)
    for k in range(len(state.contexts)):
        learn(state.records, sight.hashes[lane, k], token)
    read_token(matches, lane, token, rates.shortest)


@compiled
def _said(state: State, lane: int, token: int, model_p: float) -> float:
    """Return the probability that the experts gave to a token."""
    decisions = state.decisions
    for number in range(decisions.made[lane]):
        if decisions.tokens[lane, number] == token:
            return decisions.left[lane, number] * decisions.yes[lane, number]
    return decisions.tail[lane] * mixed(state.sight, lane, token, model_p)
