"""The linear mixture: from the model to the longest context and the match, each takes a share of what the ones before it say.

    p ← (1 − w) p + w q        w = sigmoid(θ), one θ for each context and state of its record

q is what followed the context, by its counts. All that adds to the model's distribution is sparse: a few tokens that were seen.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bytegolf.arrays import Doubles
from bytegolf.compiling import compiled_inside_without_counts
from bytegolf.exact.arithmetic import sigmoid
from bytegolf.experts.contexts import Contexts, Hashes, Places, look_up
from bytegolf.experts.matches import LENGTHS, NO_MATCH, Matches, length_class, matched_token
from bytegolf.experts.records import COUNTS, ENTRIES, NOT_FOUND, TOKENS, VISITS, Records

VISIT_CLASSES = 8
DISTINCT_CLASSES = 8
UNSEEN = -1


class Shares(NamedTuple):
    """The θ that are learned."""

    of_contexts: Doubles  # (K, VISIT_CLASSES, DISTINCT_CLASSES, 2)
    of_matches: Doubles  # (LENGTHS,)


class Mixture(NamedTuple):
    """The linear mixture of L lanes before their next token: K contexts, and up to S tokens that were seen in them."""

    hashes: Hashes  # (L, K)
    places: Places  # (L, K)
    states: NDArray[np.int64]  # (L, K, 3): which θ
    weights: Doubles  # (L, K + 1): w, the last one the match's
    parts: Doubles  # (L, K + 1): what the contexts before each, and the model, share among them; the last one the model's alone
    totals: NDArray[np.int64]  # (L, K): of the counts
    found: NDArray[np.int64]  # (L, 2): S, and the token that the match predicts
    tokens: NDArray[np.int64]  # (L, S)
    masses: Doubles  # (L, S): what the mixture adds to the model's share
    counts: NDArray[np.int64]  # (L, S, K)
    index_of: NDArray[np.int32]  # (L, V): of a token among the S, or UNSEEN


def new_shares(contexts: int) -> Shares:
    """Return shares that trust the model more than anything that was seen."""
    return Shares(np.full((contexts, VISIT_CLASSES, DISTINCT_CLASSES, 2), -1.0), np.full(LENGTHS, -1.0))


def empty_mixture(lanes: int, contexts: int, vocab_size: int) -> Mixture:
    """Return mixtures of nothing but the model."""
    seen = contexts * ENTRIES + 1
    return Mixture(
        hashes=np.zeros((lanes, contexts), np.uint64),
        places=np.zeros((lanes, contexts), np.int64),
        states=np.zeros((lanes, contexts, 3), np.int64),
        weights=np.zeros((lanes, contexts + 1)),
        parts=np.zeros((lanes, contexts + 1)),
        totals=np.zeros((lanes, contexts), np.int64),
        found=np.zeros((lanes, 2), np.int64),
        tokens=np.zeros((lanes, seen), np.int64),
        masses=np.zeros((lanes, seen)),
        counts=np.zeros((lanes, seen, contexts), np.int64),
        index_of=np.full((lanes, vocab_size), UNSEEN, np.int32),
    )


@compiled_inside_without_counts
def mix(mixture: Mixture, lane: int, contexts: Contexts, records: Records, matches: Matches, shares: Shares) -> None:
    """Form the mixture of a lane."""
    clear(mixture, lane)
    look_up(contexts, records, matches, lane, mixture.hashes[lane], mixture.places[lane])
    matched = matched_token(matches, lane)
    mixture.found[lane, 1] = matched
    weights = mixture.weights[lane]
    weights[-1] = 0.0
    left = 1.0
    if matched != NO_MATCH:
        weights[-1] = sigmoid(shares.of_matches[length_class(matches.length[lane])])
        _add(mixture, lane, matched, weights[-1])
        left -= weights[-1]
    for k in range(len(contexts) - 1, -1, -1):
        weights[k], mixture.parts[lane, k], mixture.totals[lane, k] = 0.0, left, 0
        place = mixture.places[lane, k]
        if place != NOT_FOUND:
            weights[k] = sigmoid(_share(mixture, lane, k, records, shares))
            part = left * weights[k] / mixture.totals[lane, k]
            for entry in range(ENTRIES):
                count = int(np.int64(records[place, COUNTS + entry]))
                if count == 0:
                    break
                mixture.counts[lane, _add(mixture, lane, int(np.int64(records[place, TOKENS + entry])), part * count), k] = count
            left *= 1.0 - weights[k]
    mixture.parts[lane, -1] = left


@compiled_inside_without_counts
def probability(mixture: Mixture, lane: int, token: int, model_p: float) -> float:
    """Return the mixture's probability of a token, given the model's."""
    index = mixture.index_of[lane, token]
    return mixture.parts[lane, -1] * model_p + (mixture.masses[lane, index] if index != UNSEEN else 0.0)


@compiled_inside_without_counts
def clear(mixture: Mixture, lane: int) -> None:
    """Take out of a lane's mixture whatever was seen."""
    for seen in range(mixture.found[lane, 0]):
        mixture.index_of[lane, mixture.tokens[lane, seen]] = UNSEEN
        for k in range(mixture.counts.shape[2]):
            mixture.counts[lane, seen, k] = 0
    mixture.found[lane, 0] = 0


@compiled_inside_without_counts
def _add(mixture: Mixture, lane: int, token: int, mass: float) -> int:
    """Add to the mass of a token, and return its index."""
    index = mixture.index_of[lane, token]
    if index == UNSEEN:
        index = mixture.found[lane, 0]
        mixture.found[lane, 0] += 1
        mixture.index_of[lane, token], mixture.tokens[lane, index], mixture.masses[lane, index] = index, token, 0.0
    mixture.masses[lane, index] += mass
    return index


@compiled_inside_without_counts
def _share(mixture: Mixture, lane: int, k: int, records: Records, shares: Shares) -> float:
    """Return the θ of a context by the state of its record, and keep the state and the sum of the counts."""
    place = mixture.places[lane, k]
    total, distinct, largest = 0, 0, 0
    for entry in range(ENTRIES):
        count = int(np.int64(records[place, COUNTS + entry]))
        if count == 0:
            break
        total, distinct, largest = total + count, distinct + 1, max(largest, count)
    visits, doubled = np.int64(records[place, VISITS]), 0
    while visits > 3:
        visits, doubled = visits >> 1, doubled + 1
    state = mixture.states[lane, k]
    state[0] = min(2 + doubled, VISIT_CLASSES - 1) if doubled else visits - 1
    state[1] = min(distinct, DISTINCT_CLASSES) - 1
    state[2] = 1 if 2 * largest > total else 0
    mixture.totals[lane, k] = total
    return shares.of_contexts[k, state[0], state[1], state[2]]


@compiled_inside_without_counts
def learn_shares(mixture: Mixture, lane: int, token: int, model_p: float, matches: Matches, shares: Shares, rate: float) -> None:
    """Move each θ up the gradient of ln p of the token that came."""
    index, weights, parts = mixture.index_of[lane, token], mixture.weights[lane], mixture.parts[lane]
    p = probability(mixture, lane, token, model_p)
    before = model_p
    for k in range(mixture.totals.shape[1]):
        w = weights[k]
        if w > 0.0:
            q = mixture.counts[lane, index, k] / mixture.totals[lane, k] if index != UNSEEN else 0.0
            state = mixture.states[lane, k]
            shares.of_contexts[k, state[0], state[1], state[2]] += rate * parts[k] * (q - before) * w * (1.0 - w) / p
            before += w * (q - before)
    if weights[-1] > 0.0:
        w, q = weights[-1], 1.0 if token == mixture.found[lane, 1] else 0.0
        shares.of_matches[length_class(matches.length[lane])] += rate * (q - before) * w * (1.0 - w) / p
