"""The linear mixture: from the model to the longest context and the match, each takes a share of what the ones before it say.

    p ← (1 − w) p + w q        w = logistic(θ), one θ for each context and state of its record

q is what followed the context, by its counts. All that adds to the model's distribution is sparse: a few tokens that were seen.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bytegolf.arrays import Doubles
from bytegolf.experts.contexts import Contexts, Hashes, Places, look_up
from bytegolf.experts.functions import compiled, logistic
from bytegolf.experts.matches import LENGTHS, NO_MATCH, Matches, length_class, matched_token
from bytegolf.experts.records import COUNTS, ENTRIES, NOT_FOUND, TOKENS, VISITS, Records

VISIT_CLASSES = 8
DISTINCT_CLASSES = 8
UNSEEN = -1


class Shares(NamedTuple):
    """The θ that are learned."""

    of_contexts: Doubles  # (K, VISIT_CLASSES, DISTINCT_CLASSES, 2)
    of_matches: Doubles  # (LENGTHS,)


class Sight(NamedTuple):
    """What L lanes see before their next token: K contexts and up to S tokens that were seen in them."""

    hashes: Hashes  # (L, K)
    places: Places  # (L, K)
    states: NDArray[np.int64]  # (L, K, 3): which θ
    weights: Doubles  # (L, K + 1): w, the last one the match's
    parts: Doubles  # (L, K + 1): what the contexts before each, and the model, share among them; the last one the model's alone
    totals: Doubles  # (L, K): of the counts
    found: NDArray[np.int64]  # (L, 2): S, and the token that the match predicts
    tokens: NDArray[np.int64]  # (L, S)
    masses: Doubles  # (L, S): what the mixture adds to the model's share
    counts: Doubles  # (L, S, K)
    index: NDArray[np.int32]  # (L, V): of a token among the S, or UNSEEN


def new_shares(contexts: int) -> Shares:
    """Return shares that trust the model more than anything that was seen."""
    return Shares(np.full((contexts, VISIT_CLASSES, DISTINCT_CLASSES, 2), -1.0), np.full(LENGTHS, -1.0))


def empty_sight(lanes: int, contexts: int, vocab_size: int) -> Sight:
    """Return lanes that see nothing."""
    seen = contexts * ENTRIES + 1
    return Sight(
        hashes=np.zeros((lanes, contexts), np.uint64),
        places=np.zeros((lanes, contexts), np.int64),
        states=np.zeros((lanes, contexts, 3), np.int64),
        weights=np.zeros((lanes, contexts + 1)),
        parts=np.zeros((lanes, contexts + 1)),
        totals=np.zeros((lanes, contexts)),
        found=np.zeros((lanes, 2), np.int64),
        tokens=np.zeros((lanes, seen), np.int64),
        masses=np.zeros((lanes, seen)),
        counts=np.zeros((lanes, seen, contexts)),
        index=np.full((lanes, vocab_size), UNSEEN, np.int32),
    )


@compiled
def look(sight: Sight, lane: int, contexts: Contexts, records: Records, matches: Matches, shares: Shares) -> None:
    """Fill in what a lane sees."""
    forget(sight, lane)
    look_up(contexts, records, matches, lane, sight.hashes[lane], sight.places[lane])
    matched = matched_token(matches, lane)
    sight.found[lane, 1] = matched
    weights = sight.weights[lane]
    weights[-1] = 0.0
    left = 1.0
    if matched != NO_MATCH:
        weights[-1] = logistic(shares.of_matches[length_class(matches.length[lane])])
        _see(sight, lane, matched, weights[-1])
        left -= weights[-1]
    for k in range(len(contexts) - 1, -1, -1):
        weights[k], sight.parts[lane, k], sight.totals[lane, k] = 0.0, left, 0.0
        place = sight.places[lane, k]
        if place != NOT_FOUND:
            weights[k] = logistic(_share(sight, lane, k, records, shares))
            part = left * weights[k] / sight.totals[lane, k]
            for entry in range(ENTRIES):
                count = np.int64(records[place, COUNTS + entry])
                if count == 0:
                    break
                sight.counts[lane, _see(sight, lane, np.int64(records[place, TOKENS + entry]), part * count), k] = count
            left *= 1.0 - weights[k]
    sight.parts[lane, -1] = left


@compiled
def mixed(sight: Sight, lane: int, token: int, model_p: float) -> float:
    """Return the mixture's probability of a token, given the model's."""
    index = sight.index[lane, token]
    return sight.parts[lane, -1] * model_p + (sight.masses[lane, index] if index != UNSEEN else 0.0)


@compiled
def forget(sight: Sight, lane: int) -> None:
    """Forget what a lane saw."""
    for seen in range(sight.found[lane, 0]):
        sight.index[lane, sight.tokens[lane, seen]] = UNSEEN
        sight.counts[lane, seen, :] = 0.0
    sight.found[lane, 0] = 0


@compiled
def _see(sight: Sight, lane: int, token: int, mass: float) -> int:
    """Add to the mass of a token, and return its index."""
    index = sight.index[lane, token]
    if index == UNSEEN:
        index = sight.found[lane, 0]
        sight.found[lane, 0] += 1
        sight.index[lane, token], sight.tokens[lane, index], sight.masses[lane, index] = index, token, 0.0
    sight.masses[lane, index] += mass
    return index


@compiled
def _share(sight: Sight, lane: int, k: int, records: Records, shares: Shares) -> float:
    """Return the θ of a context by the state of its record, and keep the state and the sum of the counts."""
    place = sight.places[lane, k]
    total, distinct, largest = 0, 0, 0
    for entry in range(ENTRIES):
        count = np.int64(records[place, COUNTS + entry])
        if count == 0:
            break
        total, distinct, largest = total + count, distinct + 1, max(largest, count)
    visits, doubled = np.int64(records[place, VISITS]), 0
    while visits > 3:
        visits, doubled = visits >> 1, doubled + 1
    state = sight.states[lane, k]
    state[0] = min(2 + doubled, VISIT_CLASSES - 1) if doubled else visits - 1
    state[1] = min(distinct, DISTINCT_CLASSES) - 1
    state[2] = 1 if 2 * largest > total else 0
    sight.totals[lane, k] = total
    return shares.of_contexts[k, state[0], state[1], state[2]]


@compiled
def learn_shares(sight: Sight, lane: int, token: int, model_p: float, matches: Matches, shares: Shares, rate: float) -> None:
    """Move each θ up the gradient of ln p of the token that came."""
    index, weights, parts = sight.index[lane, token], sight.weights[lane], sight.parts[lane]
    p = mixed(sight, lane, token, model_p)
    before = model_p
    for k in range(sight.totals.shape[1]):
        w = weights[k]
        if w > 0.0:
            q = sight.counts[lane, index, k] / sight.totals[lane, k] if index != UNSEEN else 0.0
            state = sight.states[lane, k]
            shares.of_contexts[k, state[0], state[1], state[2]] += rate * parts[k] * (q - before) * w * (1.0 - w) / p
            before += w * (q - before)
    if weights[-1] > 0.0:
        w, q = weights[-1], 1.0 if token == sight.found[lane, 1] else 0.0
        shares.of_matches[length_class(matches.length[lane])] += rate * (q - before) * w * (1.0 - w) / p
