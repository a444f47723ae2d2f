"""The longest match: where the last tokens stood before, and what followed there.

A ring keeps the last tokens of each lane, and a hashed table where the last few stood. Once a match is found it is followed for as long as
it predicts the tokens that come, and is as long as the tokens it has in common.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bytegolf.arrays import Tokens
from bytegolf.compiling import compiled_without_counts
from bytegolf.experts.records import HALF_WORD, hashed

LENGTHS = 32  # classes of lengths
LONGEST = 65_535
NO_MATCH = -1
TABLE_BITS = 18


class Matches(NamedTuple):
    """What L lanes have read. A place is a position in a lane, as one number: position · L + lane."""

    ring: Tokens  # (L, H), H a power of two
    read: NDArray[np.int64]  # (L,): tokens read
    table: NDArray[np.int64]  # place after the last few tokens, by their hash; 0 is none
    place: NDArray[np.int64]  # (L,): of the token that the match predicts
    length: NDArray[np.int64]  # (L,): of the match; 0 is none


def no_matches(lanes: int, history_bits: int) -> Matches:
    """Return lanes that have read nothing, and will remember their last 2**history_bits tokens."""
    return Matches(
        np.zeros((lanes, 1 << history_bits), np.uint16),
        np.zeros(lanes, np.int64),
        np.zeros(1 << TABLE_BITS, np.int64),
        np.zeros(lanes, np.int64),
        np.zeros(lanes, np.int64),
    )


@compiled_without_counts
def token_before(matches: Matches, lane: int, back: int) -> int:
    """Return the token that a lane read so many tokens ago, 0 being the last one; -1 where nothing was read."""
    position = matches.read[lane] - 1 - back
    return int(np.int64(matches.ring[lane, position & (matches.ring.shape[1] - 1)])) if position >= 0 else -1


@compiled_without_counts
def matched_token(matches: Matches, lane: int) -> int:
    """Return the token that the match of a lane predicts, or NO_MATCH."""
    return _at(matches, matches.place[lane]) if matches.length[lane] > 0 else NO_MATCH


@compiled_without_counts
def length_class(length: int) -> int:
    """Return the class of a length: 0 to 15 as they are, then eight lengths a class."""
    return length if length < 16 else min(14 + (length >> 3), LENGTHS - 1)


@compiled_without_counts
def read_token(matches: Matches, lane: int, token: int, shortest: int) -> None:
    """Take the next token of a lane: follow its match, or look for one of at least `shortest` tokens."""
    lanes, ring = len(matches.read), matches.ring.shape[1]
    agrees = matched_token(matches, lane) == token
    matches.length[lane] = min(matches.length[lane] + 1, LONGEST) if agrees else 0
    matches.place[lane] += lanes
    matches.ring[lane, matches.read[lane] & (ring - 1)] = token
    matches.read[lane] += 1
    if matches.read[lane] < shortest:
        return
    state = np.uint64(shortest)
    for back in range(shortest):
        state = hashed(state, token_before(matches, lane, back))
    key = int(np.int64(state >> HALF_WORD)) & (len(matches.table) - 1)
    if matches.length[lane] == 0 or not _remembered(matches, matches.place[lane]):
        _follow(matches, lane, matches.table[key], shortest)
    matches.table[key] = matches.read[lane] * lanes + lane


@compiled_without_counts
def _follow(matches: Matches, lane: int, place: int, shortest: int) -> None:
    """Let a lane follow the match that predicts the token at `place`, if at least `shortest` tokens before it agree."""
    lanes, length = len(matches.read), 0
    matches.length[lane] = 0
    if place == 0 or not _remembered(matches, place):
        return
    while length < LENGTHS and place // lanes > length:
        before = place - (length + 1) * lanes
        if not _remembered(matches, before) or _at(matches, before) != token_before(matches, lane, length):
            break
        length += 1
    if length >= shortest:
        matches.place[lane], matches.length[lane] = place, length


@compiled_without_counts
def _at(matches: Matches, place: int) -> int:
    lanes = len(matches.read)
    return int(np.int64(matches.ring[place % lanes, place // lanes & (matches.ring.shape[1] - 1)]))


@compiled_without_counts
def _remembered(matches: Matches, place: int) -> bool:
    """Return whether the token at a place was read, and is still in the ring."""
    lanes = len(matches.read)
    age = matches.read[place % lanes] - place // lanes
    return 0 < age <= matches.ring.shape[1]
