"""Guesses come from known tokens alone."""

import numpy as np

from bytegolf.proving.guesses import Repetition, Truth

TEXT = np.array([5, 6, 7, 8, 5, 6, 9, 9, 5, 6, 7], np.uint16)


def test_the_truth_is_what_follows() -> None:
    assert Truth(TEXT).guess(np.zeros_like(TEXT), known=4, count=3).tolist() == [5, 6, 9]


def test_what_repeats_is_guessed_to_go_on() -> None:
    """By as many tokens as possible: 7 followed 5 6 at first, 9 the last time."""
    assert Repetition().guess(TEXT, known=6, count=4).tolist() == [7, 8, 5, 6]
    assert Repetition().guess(TEXT, known=10, count=2).tolist() == [9, 9]
    assert Repetition().guess(TEXT, known=11, count=2).tolist() == [8, 5]


def test_what_is_new_is_not_guessed() -> None:
    assert Repetition().guess(TEXT, known=1, count=3).tolist() == [0, 0, 0]
    assert Repetition().guess(TEXT, known=0, count=2).tolist() == [0, 0]


def test_tokens_that_are_not_known_yet_change_no_guess() -> None:
    """Whether all is learned at once or token by token."""
    stepwise, other = Repetition(), np.where(np.arange(len(TEXT)) < 8, TEXT, 3).astype(np.uint16)
    for known in range(9):
        guess = stepwise.guess(other, known, 3).tolist()
    assert guess == Repetition().guess(TEXT, 8, 3).tolist()
