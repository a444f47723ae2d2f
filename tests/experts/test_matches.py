"""Matches: where the last tokens stood before, in this lane or another."""

import pytest

from bytegolf.experts.matches import NO_MATCH, Matches, length_class, matched_token, no_matches, read_token, token_before


def read(text: list[int], shortest: int = 3, history_bits: int = 10) -> Matches:
    matches = no_matches(1, history_bits)
    for token in text:
        read_token(matches, 0, token, shortest)
    return matches


def test_predicts_what_followed_the_same_tokens() -> None:
    assert matched_token(read([1, 2, 3, 4, 9, 1, 2, 3]), 0) == 4
    assert matched_token(read([1, 2, 3, 4, 9, 2, 3]), 0) == NO_MATCH


def test_the_latest_occurrence_counts() -> None:
    assert matched_token(read([1, 2, 3, 4, 1, 2, 3, 5, 1, 2, 3]), 0) == 5


def test_is_followed_for_as_long_as_it_is_right() -> None:
    matches = read([*range(20), *range(15)])
    assert (matched_token(matches, 0), matches.length[0]) == (15, 15)
    read_token(matches, 0, 99, 3)
    assert matched_token(matches, 0) == NO_MATCH


def test_is_as_long_as_the_tokens_in_common_when_it_is_found() -> None:
    matches = read([7, 1, 2, 3, 4, 50, 51, 52, 1, 2, 3])
    assert matches.length[0] == 3
    matches = read([7, 1, 2, 3, 4, 50, 51, 52, 7, 1, 2, 3], shortest=4)
    assert matches.length[0] == 4


def test_what_left_the_ring_is_no_match() -> None:
    assert matched_token(read([1, 2, 3, 4, *range(100, 108), 1, 2, 3], history_bits=4), 0) == 4
    assert matched_token(read([1, 2, 3, 4, *range(100, 120), 1, 2, 3], history_bits=4), 0) == NO_MATCH


def test_lanes_find_what_others_read() -> None:
    matches = no_matches(2, 10)
    for first, second in zip([1, 2, 3, 4, 5, 6, 7], [50, 51, 52, 53, 1, 2, 3], strict=True):
        read_token(matches, 0, first, 3)
        read_token(matches, 1, second, 3)
    assert matched_token(matches, 1) == 4
    assert matched_token(matches, 0) == NO_MATCH


def test_tokens_before() -> None:
    matches = read([5, 6])
    assert [token_before(matches, 0, back) for back in range(4)] == [6, 5, -1, -1]


@pytest.mark.parametrize(("length", "expected"), [(0, 0), (15, 15), (16, 16), (23, 16), (24, 17), (143, 31), (65_535, 31)])
def test_classes_of_lengths(length: int, expected: int) -> None:
    assert length_class(length) == expected
