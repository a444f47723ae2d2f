"""Records: what followed a context, and which context gives way where two meet."""

from collections.abc import Iterable

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bytegolf.experts.records import (
    CHECK,
    COUNTS,
    ENTRIES,
    MOST_COUNTED,
    NOT_FOUND,
    TOKENS,
    UNIT,
    VISITS,
    WORDS,
    Records,
    empty_records,
    find,
    hashed,
    learn,
)


def context(place: int, check: int) -> np.uint64:
    """Return a hash that belongs to a place of a table, with a check of its own."""
    return np.uint64(place << 32 | check)


def learned(records: Records, of: np.uint64, tokens: Iterable[int]) -> None:
    for token in tokens:
        learn(records, of, token)


def entries(records: Records, of: np.uint64) -> list[tuple[int, int]]:
    record = records[find(records, of)]
    return [(int(record[TOKENS + i]), int(record[COUNTS + i])) for i in range(ENTRIES) if record[COUNTS + i]]


def test_hold_what_came_last_first_and_age_the_rest() -> None:
    records, here = empty_records(4), context(3, 5)
    assert find(records, here) == NOT_FOUND
    learned(records, here, [7, 8, 7])
    assert entries(records, here) == [(7, UNIT + 108), (8, 166)]  # 108: 256 aged twice
    assert records[find(records, here), VISITS] == 3


def test_the_oldest_token_is_given_up() -> None:
    records, here = empty_records(4), context(0, 1)
    learned(records, here, range(ENTRIES + 1))
    assert [token for token, _ in entries(records, here)] == list(range(ENTRIES, 0, -1))


@given(st.lists(st.integers(0, 20), max_size=200))
def test_counts_have_a_bound(tokens: list[int]) -> None:
    records, here = empty_records(4), context(0, 1)
    for token in tokens:
        learn(records, here, token)
        counts = [count for _, count in entries(records, here)]
        assert sum(counts) <= MOST_COUNTED
        assert min(counts) > 0


def test_two_contexts_share_a_pair_of_places_and_a_third_takes_that_of_fewer_visits() -> None:
    records, often, seldom, third = empty_records(4), context(6, 1), context(7, 2), context(6, 3)
    learned(records, often, [1, 1, 1])
    learned(records, seldom, [2, 2])
    learned(records, third, [3])
    assert find(records, seldom) == NOT_FOUND
    assert entries(records, third) == [(3, UNIT)]
    assert len(entries(records, often)) == 1
    assert not records[[place for place in range(16) if place >> 1 != 3]].any()


def test_contexts_of_one_place_are_told_apart_by_their_check() -> None:
    records = empty_records(4)
    learn(records, context(2, 1 << 20 | 9), 1)
    assert find(records, context(2, 9)) == NOT_FOUND
    assert find(records, context(2, 1 << 20 | 9)) != NOT_FOUND


def test_a_record_is_a_line_of_memory() -> None:
    assert empty_records(4)[0].nbytes == 64
    assert CHECK < VISITS < TOKENS < COUNTS < WORDS


def test_hashes_depend_on_all_numbers_and_their_order() -> None:
    def of(*numbers: int) -> int:
        state = np.uint64(0)
        for number in numbers:
            state = np.uint64(hashed(state, number))
        return int(state)

    pairs = [(a, b) for a in range(-1, 300) for b in range(-1, 300)]
    for bits in (of(*pair) for pair in pairs[:3]):
        assert 0 <= bits < 2**64
    assert len({of(*pair) for pair in pairs}) == len(pairs)
