"""Contexts: which of the last tokens a record is about.

An n-gram's context is the last n tokens; a skip context leaves out one of them; an indirect one is the last token and what followed it
the last two times. A context is written as a whole number whose bit i stands for the token i before the last.
"""

import numpy as np
from numpy.typing import NDArray

from bytegolf.compiling import compiled_without_counts
from bytegolf.config import ExpertsConfig
from bytegolf.experts.matches import Matches, token_before
from bytegolf.experts.records import COUNTS, NOT_FOUND, TOKENS, Records, find, hashed

Contexts = NDArray[np.int64]
Hashes = NDArray[np.uint64]
Places = NDArray[np.int64]

LAST = 0b1
SKIPS = (0b101, 0b110)
INDIRECT = -1


def contexts_of(config: ExpertsConfig) -> Contexts:
    """Return the contexts of a recipe, (K,), those that say more later."""
    ngrams = [(1 << order) - 1 for order in range(config.orders + 1)]
    skips = SKIPS if config.skips else ()
    return np.array([*ngrams[:2], *skips, *ngrams[2:], *([INDIRECT] if config.indirect else [])], np.int64)


@compiled_without_counts
def look_up(contexts: Contexts, records: Records, matches: Matches, lane: int, hashes: Hashes, places: Places) -> None:
    """Write for each context of a lane its hash, (K,), and where its record is, (K,)."""
    last = NOT_FOUND
    for k in range(len(contexts)):
        context, back, state = contexts[k], 0, hashed(np.uint64(0), k)
        if context == INDIRECT:
            state = hashed(state, token_before(matches, lane, 0))
            for entry in range(2):
                followed = last != NOT_FOUND and records[last, COUNTS + entry] > 0
                state = hashed(state, int(np.int64(records[last, TOKENS + entry])) if followed else -1)
        else:
            while context >> back:
                if context >> back & 1:
                    state = hashed(state, token_before(matches, lane, back))
                back += 1
        hashes[k], places[k] = state, find(records, state)
        if context == LAST:
            last = places[k]
