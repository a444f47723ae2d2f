"""Contexts: what each is about, and what it is not."""

import numpy as np

from bytegolf.config import ExpertsConfig
from bytegolf.experts.contexts import INDIRECT, contexts_of, look_up
from bytegolf.experts.matches import no_matches, read_token
from bytegolf.experts.records import NOT_FOUND, Records, empty_records, learn

CONFIG = ExpertsConfig(orders=3)
ORDER_0, LAST, FIRST_SKIP, SECOND_SKIP, ORDER_2, ORDER_3, FOLLOWED = range(7)


def hashes_after(text: list[int], records: Records | None = None) -> list[int]:
    contexts, matches = contexts_of(CONFIG), no_matches(1, 10)
    for token in text:
        read_token(matches, 0, token, 5)
    hashes, places = np.zeros(len(contexts), np.uint64), np.zeros(len(contexts), np.int64)
    look_up(contexts, empty_records(10) if records is None else records, matches, 0, hashes, places)
    return [int(state) for state in hashes]


def unmoved(before: list[int], after: list[int]) -> set[int]:
    """Return which contexts do not tell two texts apart."""
    return {k for k, (a, b) in enumerate(zip(hashes_after(before), hashes_after(after), strict=True)) if a == b}


def test_of_a_recipe() -> None:
    assert contexts_of(CONFIG).tolist() == [0, 0b1, 0b101, 0b110, 0b11, 0b111, INDIRECT]
    assert contexts_of(ExpertsConfig(orders=2, skips=False, indirect=False)).tolist() == [0, 0b1, 0b11]


def test_each_is_about_its_own_tokens() -> None:
    assert unmoved([1, 2, 3, 4], [9, 2, 3, 4]) == set(range(7))
    assert unmoved([1, 2, 3, 4], [1, 9, 3, 4]) == {ORDER_0, LAST, ORDER_2, FOLLOWED}
    assert unmoved([1, 2, 3, 4], [1, 2, 9, 4]) == {ORDER_0, LAST, FIRST_SKIP, FOLLOWED}
    assert unmoved([1, 2, 3, 4], [1, 2, 3, 9]) == {ORDER_0, SECOND_SKIP}


def test_no_two_are_taken_for_each_other() -> None:
    assert len(set(hashes_after([5, 5, 5]))) == 7
    assert len(set(hashes_after([]))) == 7


def test_the_indirect_one_is_about_what_followed_the_last_token_twice() -> None:
    records = empty_records(10)
    last = np.uint64(hashes_after([4])[LAST])
    seen = [hashes_after([4], records)]
    for token in (7, 8, 8, 7):
        learn(records, last, token)
        seen.append(hashes_after([4], records))
    assert len({hashes[FOLLOWED] for hashes in seen}) == 4  # nothing; 7; 8 after 7, twice; 7 after 8
    assert len({tuple(hashes[:FOLLOWED]) for hashes in seen}) == 1


def test_places_are_those_of_the_records() -> None:
    contexts, matches, records = contexts_of(CONFIG), no_matches(1, 10), empty_records(10)
    hashes, places = np.zeros(len(contexts), np.uint64), np.zeros(len(contexts), np.int64)
    look_up(contexts, records, matches, 0, hashes, places)
    assert (places == NOT_FOUND).all()
    for state in hashes:
        learn(records, state, 3)
    look_up(contexts, records, matches, 0, hashes, places)
    assert [k for k, place in enumerate(places) if place == NOT_FOUND] == [FOLLOWED]  # which is another since something followed
