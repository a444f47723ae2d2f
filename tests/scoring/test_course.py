"""Where in a text its bits are spent: every bit in one slice, whatever the parts in which they come."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytegolf.scoring.course import FIRST_TARGETS, SLICES, BitCourse, CourseRecorder, course_json
from bytegolf.text.tokenizer import BytesTokenizer


def course_of(bits: np.ndarray[tuple[int], np.dtype[np.float64]], cuts: list[int]) -> BitCourse:
    recorder = CourseRecorder(len(bits))
    for part in np.split(bits, sorted(cut % (len(bits) + 1) for cut in cuts)):
        recorder.add(part)
    return recorder.course()


@given(st.integers(1, 3000), st.lists(st.integers(0, 10_000), max_size=6))
def test_every_bit_is_in_the_slice_of_its_target(targets: int, cuts: list[int]) -> None:
    bits = np.random.default_rng(targets).random(targets)
    course = course_of(bits, cuts)
    starts = course.starts()
    assert starts[0] == 0 and starts[-1] == targets and len(starts) == min(SLICES, targets) + 1
    sizes = np.diff(starts)
    assert sizes.min() >= 1 and sizes.max() - sizes.min() <= 1
    assert course.by_slice == pytest.approx([bits[first:stop].sum() for first, stop in itertools.pairwise(starts)])
    assert (course.first == bits[:FIRST_TARGETS]).all()


def test_the_first_targets_are_kept_alone_and_no_more() -> None:
    bits = np.arange(2.0 * FIRST_TARGETS)
    assert (course_of(bits, [100, FIRST_TARGETS - 1, FIRST_TARGETS + 5]).first == bits[:FIRST_TARGETS]).all()


def test_bytes_of_slices_are_those_of_their_targets() -> None:
    """Of "a", BOS, "bc": the first token is given, BOS stands for no byte."""
    tokens = np.array([ord("a") + 4, 1, ord("b") + 4, ord("c") + 4], np.uint16)
    course = course_of(np.array([3.0, 5.0, 7.0]), [])
    kept = course_json(tokens, BytesTokenizer(), course, None)
    assert kept["slice_bytes"] == [0, 1, 1] and kept["slice_bits"] == [3.0, 5.0, 7.0] and kept["slice_bits_model"] is None
    assert kept["first_tokens"] == tokens.tolist() and kept["first_bits"] == [3.0, 5.0, 7.0] and kept["tokens"] == 3
