"""Decisions: is the next token the likeliest that was seen? If not, the next likeliest? And so on: mixed in the domain of log odds.

The linear mixture ranks the candidates. Each decision is mixed as in PAQ: the model, the linear mixture, each context and the match give
log odds that it is this token, given that it is none of those before it. Four sets of weights mix them: chosen by how far down the list
the candidate is, and how long a context was seen; by the match and the model's probability; by the candidate itself; by the token before
it. What the four say is mixed once more.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bytegolf.arrays import Doubles
from bytegolf.compiling import compiled_inside_without_counts
from bytegolf.exact.arithmetic import log, sigmoid
from bytegolf.experts.linear import Mixture, probability
from bytegolf.experts.matches import LENGTHS, NO_MATCH, Matches, length_class, token_before
from bytegolf.experts.records import ENTRIES, MOST_COUNTED, NOT_FOUND, UNIT

TokenFrequencies = NDArray[np.int64]

SETS = 4
RANKS = 16
MATCH_STATES, MATCH_RANKS, MODEL_CLASSES = 4, 5, 32
MODEL, MIXTURE, BIAS, MATCH, FIXED = 0, 1, 2, 3, 4  # the inputs that are of no context, and their number
LEAST = 1e-5  # of an input's probability, and of what is decided
LEAST_CANDIDATE = 0.001  # of the mixture's probability
UNSEEN_YES, UNSEEN_NO = 0.2 * UNIT, 0.4 * UNIT  # added to what was counted for and against a token
NO_CANDIDATE = -1
DECIDED = -1.0
HIT_RATE = 0.02


class Mixers(NamedTuple):
    """The weights that are learned, of I inputs."""

    weights: Doubles  # (rows of all sets, I)
    blend: Doubles  # (RANKS, SETS)
    hits: Doubles  # (LENGTHS,): how often matches were right
    count_logs: Doubles  # (2, MOST_COUNTED + 1): ln of what was counted for a token, and against it; not learned


class Decisions(NamedTuple):
    """What L lanes decided about their next token: up to C decisions."""

    total: TokenFrequencies  # (L,): sum of the model's frequencies
    made: NDArray[np.int64]  # (L,)
    tokens: NDArray[np.int64]  # (L, C)
    frequencies: TokenFrequencies  # (L, C)
    inputs: Doubles  # (L, C, I)
    rows: NDArray[np.int64]  # (L, C, SETS): of the weights
    odds: Doubles  # (L, C, SETS): what each set says
    yes: Doubles  # (L, C): probability of the token, given that it is none of those before
    chances: Doubles  # (L, S): of the tokens seen, by the linear mixture; DECIDED
    rest: NDArray[np.int64]  # (L, K): counts of each context without those of the tokens before
    extra: TokenFrequencies  # (L, S): weight of the tokens seen, beside the model's, among those that are no candidates
    left: Doubles  # (L, C + 1): probability that it is none of the tokens before
    tail: Doubles  # (L,): what the mixture's probability of all other tokens is multiplied by


def new_mixers(contexts: int, vocab_size: int) -> Mixers:
    """Return mixers that believe the linear mixture."""
    rows = RANKS * (contexts + 1) + MATCH_STATES * MATCH_RANKS * 2 * MODEL_CLASSES + 2 * vocab_size + 1
    weights = np.zeros((rows, FIXED + contexts))
    weights[:, MIXTURE] = 1.0
    counted = [[log(count + unseen) for count in range(MOST_COUNTED + 1)] for unseen in (UNSEEN_YES, UNSEEN_NO)]
    return Mixers(weights, np.full((RANKS, SETS), 0.3), np.full(LENGTHS, 0.5), np.array(counted))


def no_decisions(lanes: int, contexts: int, candidates: int) -> Decisions:
    """Return lanes that decided nothing."""
    return Decisions(
        total=np.zeros(lanes, np.int64),
        made=np.zeros(lanes, np.int64),
        tokens=np.zeros((lanes, candidates), np.int64),
        frequencies=np.zeros((lanes, candidates), np.int64),
        inputs=np.zeros((lanes, candidates, FIXED + contexts)),
        rows=np.zeros((lanes, candidates, SETS), np.int64),
        odds=np.zeros((lanes, candidates, SETS)),
        yes=np.zeros((lanes, candidates)),
        chances=np.zeros((lanes, contexts * ENTRIES + 1)),
        rest=np.zeros((lanes, contexts), np.int64),
        extra=np.zeros((lanes, contexts * ENTRIES + 1), np.int64),
        left=np.ones((lanes, candidates + 1)),
        tail=np.ones(lanes),
    )


@compiled_inside_without_counts
def begin(decisions: Decisions, lane: int, row: TokenFrequencies, total: float, mixture: Mixture) -> None:
    """Begin with the decisions of a lane, which has looked. The model's frequencies `row` (V,) sum to `total`."""
    decisions.made[lane] = 0
    for k in range(decisions.rest.shape[1]):
        decisions.rest[lane, k] = mixture.totals[lane, k]
    for seen in range(mixture.found[lane, 0]):
        token = mixture.tokens[lane, seen]
        decisions.chances[lane, seen] = probability(mixture, lane, token, row[token] / total)


@compiled_inside_without_counts
def likeliest(decisions: Decisions, lane: int, mixture: Mixture) -> int:
    """Return the index of the likeliest token seen that is not decided about, or NO_CANDIDATE."""
    best, best_p = NO_CANDIDATE, LEAST_CANDIDATE
    if decisions.made[lane] < decisions.tokens.shape[1]:
        for seen in range(mixture.found[lane, 0]):
            if decisions.chances[lane, seen] > best_p:
                best, best_p = seen, decisions.chances[lane, seen]
    return best


@compiled_inside_without_counts
def decide(
    decisions: Decisions, lane: int, token: int, model_p: float, mixture_p: float, mixture: Mixture, matches: Matches, mixers: Mixers
) -> float:
    """Return the probability that the next token is this one, given that it is none of those decided about before.

    So are the model's and the linear mixture's.
    """
    number = decisions.made[lane]
    decisions.made[lane] += 1
    decisions.tokens[lane, number] = token
    decisions.chances[lane, mixture.index_of[lane, token]] = DECIDED
    _fill_in(decisions.inputs[lane, number], decisions.rest[lane], lane, token, model_p, mixture_p, mixture, matches, mixers)
    _choose(decisions.rows[lane, number], number, lane, token, model_p, mixture, matches)
    inputs, blend, said = decisions.inputs[lane, number], mixers.blend[min(number, RANKS - 1)], 0.0
    for i in range(SETS):
        weights, odds = mixers.weights[decisions.rows[lane, number, i]], 0.0
        for j in range(len(inputs)):
            odds += weights[j] * inputs[j]
        decisions.odds[lane, number, i] = odds
        said += blend[i] * odds
    yes = bounded(sigmoid(said))
    decisions.yes[lane, number] = yes
    decisions.left[lane, number + 1] = decisions.left[lane, number] * (1.0 - yes)
    return yes


@compiled_inside_without_counts
def log_odds(p: float) -> float:
    """Return ln(p / (1 - p)), of which the sigmoid is p."""
    return log(p / (1.0 - p))


@compiled_inside_without_counts
def bounded(p: float) -> float:
    """Return a probability that is neither 0 nor 1."""
    return min(max(p, LEAST), 1.0 - LEAST)


@compiled_inside_without_counts
def _fill_in(
    inputs: Doubles,
    rest: NDArray[np.int64],
    lane: int,
    token: int,
    model_p: float,
    mixture_p: float,
    mixture: Mixture,
    matches: Matches,
    mixers: Mixers,
) -> None:
    """Write the inputs of a decision, and take the token's counts out of `rest`."""
    index = mixture.index_of[lane, token]
    inputs[MODEL], inputs[MIXTURE], inputs[BIAS], inputs[MATCH] = log_odds(bounded(model_p)), log_odds(bounded(mixture_p)), 0.3, 0.0
    if token == mixture.found[lane, 1]:
        inputs[MATCH] = log_odds(mixers.hits[length_class(matches.length[lane])])
    for k in range(len(rest)):
        inputs[FIXED + k] = 0.0
        if rest[k] > 0:
            count = mixture.counts[lane, index, k]
            rest[k] -= count
            inputs[FIXED + k] = mixers.count_logs[0, count] - mixers.count_logs[1, rest[k]]


@compiled_inside_without_counts
def _choose(rows: NDArray[np.int64], rank: int, lane: int, token: int, model_p: float, mixture: Mixture, matches: Matches) -> None:
    """Write which row of each set of weights mixes a decision."""
    contexts, vocab_size, longest = mixture.places.shape[1], mixture.index_of.shape[1], 0
    for k in range(contexts):
        if mixture.places[lane, k] != NOT_FOUND:
            longest = k + 1
    rows[0] = min(rank, RANKS - 1) * (contexts + 1) + longest
    first = RANKS * (contexts + 1)
    matched, length = mixture.found[lane, 1], matches.length[lane]
    state = 0 if matched == NO_MATCH else 1 if length < 16 else 2 if length < 32 else 3
    by_match = (state * MATCH_RANKS + min(rank, MATCH_RANKS - 1)) * 2 + (1 if token == matched else 0)
    rows[1] = first + by_match * MODEL_CLASSES + min(int(model_p * MODEL_CLASSES), MODEL_CLASSES - 1)
    first += MATCH_STATES * MATCH_RANKS * 2 * MODEL_CLASSES
    rows[2] = first + token
    rows[3] = first + vocab_size + 1 + token_before(matches, lane, 0)


@compiled_inside_without_counts
def learn_decisions(decisions: Decisions, lane: int, token: int, mixers: Mixers, rate: float, blend_rate: float) -> None:
    """Move the weights of every decision up to the token that came up the gradient of ln p of what was decided."""
    for number in range(decisions.made[lane]):
        truth = 1.0 if decisions.tokens[lane, number] == token else 0.0
        inputs, blend = decisions.inputs[lane, number], mixers.blend[min(number, RANKS - 1)]
        wrong = truth - decisions.yes[lane, number]
        for i in range(SETS):
            odds = decisions.odds[lane, number, i]
            weights, step = mixers.weights[decisions.rows[lane, number, i]], rate * (truth - sigmoid(odds))
            for j in range(len(inputs)):
                weights[j] += step * inputs[j]
            blend[i] += blend_rate * wrong * odds
        if truth:
            break


@compiled_inside_without_counts
def learn_hits(mixture: Mixture, lane: int, token: int, matches: Matches, mixers: Mixers) -> None:
    """Learn how often matches of this length are right."""
    matched = mixture.found[lane, 1]
    if matched != NO_MATCH:
        length = length_class(matches.length[lane])
        mixers.hits[length] += HIT_RATE * ((1.0 - HIT_RATE if token == matched else HIT_RATE) - mixers.hits[length])
