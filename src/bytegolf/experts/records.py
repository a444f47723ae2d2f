"""Records: what followed each context so far, in a hashed table of a fixed size.

A record is of one context, known by a hash of it. It holds up to ENTRIES tokens that followed the context, the last one first, each with
a count that every later visit to the context makes smaller: what came lately is likelier than what came long ago, as in the bit histories
of PAQ. Contexts that meet in a pair of places compete for it, and the one with fewer visits gives way.

A record is 64 bytes, so that looking at one is one access to memory: two words of a check, the visits, an unused word, tokens, counts.
"""

import numpy as np
from numpy.typing import NDArray

from bytegolf.compiling import compiled_without_counts

Records = NDArray[np.uint16]  # (R, WORDS), R a power of two. An entry whose count is 0 is empty, and so are all behind it

ENTRIES = 14
CHECK, VISITS, TOKENS, COUNTS = 0, 2, 4, 4 + ENTRIES
WORDS = COUNTS + ENTRIES
UNIT = 256  # what a visit adds to the count of its token
KEPT = 166  # of 256 parts of every other count; a count never falls to 0
MOST_COUNTED = 1023  # more than the counts of a record add up to: UNIT + ENTRIES over 1 - KEPT / 256
NOT_FOUND = -1
MOST_VISITS = 65_535
MULTIPLIER = np.uint64(0xD6E8FEB86659FD93)
HALF_WORD, HIGH = np.uint64(32), np.uint64(16)


def empty_records(bits: int) -> Records:
    """Return 2**bits records of nothing."""
    return np.zeros((1 << bits, WORDS), np.uint16)


@compiled_without_counts
def hashed(state: np.uint64, value: int) -> np.uint64:
    """Return a hash of everything `state` is a hash of, and a number that is not below -1."""
    mixed = (state ^ np.uint64(value + 1)) * MULTIPLIER
    return mixed ^ (mixed >> HALF_WORD)


@compiled_without_counts
def find(records: Records, context: np.uint64) -> int:
    """Return the place of the record of a hashed context, or NOT_FOUND."""
    home = _home(records, context)
    for place in (home, home ^ 1):
        record = records[place]
        if record[VISITS] > 0 and record[CHECK] == np.uint16(context) and record[CHECK + 1] == np.uint16(context >> HIGH):
            return place
    return NOT_FOUND


@compiled_without_counts
def learn(records: Records, context: np.uint64, token: int) -> None:
    """Record that `token` followed a hashed context."""
    place = find(records, context)
    record = records[place if place != NOT_FOUND else _cleared(records, context)]
    record[VISITS] = min(record[VISITS] + 1, MOST_VISITS)
    moved, moved_count = token, UNIT
    for entry in range(ENTRIES):  # each entry moves back by one, as far as the token's own
        found, count = int(np.int64(record[TOKENS + entry])), int(np.int64(record[COUNTS + entry]))
        record[TOKENS + entry], record[COUNTS + entry] = moved, moved_count
        if count == 0:
            break
        moved, moved_count = found, _aged(count)
        if found == token:
            record[COUNTS] += moved_count
            for older in range(entry + 1, ENTRIES):
                record[COUNTS + older] = _aged(record[COUNTS + older])
            break


@compiled_without_counts
def _aged(count: int) -> int:
    return count * KEPT + 255 >> 8


@compiled_without_counts
def _home(records: Records, context: np.uint64) -> int:
    return int(np.int64(context >> HALF_WORD)) & (len(records) - 1)


@compiled_without_counts
def _cleared(records: Records, context: np.uint64) -> int:
    """Return the one of the context's two places that was visited less, made empty for it."""
    place = _home(records, context)
    if records[place ^ 1, VISITS] < records[place, VISITS]:
        place ^= 1
    record = records[place]
    for word in range(WORDS):
        record[word] = 0
    record[CHECK], record[CHECK + 1] = np.uint16(context), np.uint16(context >> HIGH)
    return place
