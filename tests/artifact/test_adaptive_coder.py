"""Integers of trellis-coded matrices come back as they were, take what they should, and no bytes make the decoder stumble."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bytegolf.arrays import Integers
from bytegolf.artifact.adaptive_coder import decode_trellis, entropy_given_histograms
from bytegolf.artifact.adaptive_coder import encode_trellis as encode_with_scales
from bytegolf.artifact.magnitudes import MAX_MAGNITUDE, CorruptStreamError
from bytegolf.artifact.trellis_states import LARGEST_SCALE, shifts
from bytegolf.packing.viterbi import ARRIVALS, best_levels
from support import plain_trellis
from support.integer_matrices import BORDERS, damaged, gaussian, matrices, shapes_of, student


def no_scales(matrices: list[Integers]) -> list[Integers]:
    return [np.zeros(len(matrix), np.int32) for matrix in matrices]


def encode_trellis(matrices: list[Integers]) -> bytes:
    return encode_with_scales(matrices, no_scales(matrices))


def decoded_as(data: bytes, matrices: list[Integers]) -> list[Integers]:
    return decode_trellis(data, no_scales(matrices), [matrix.shape[1] for matrix in matrices])


@given(coded=st.lists(matrices(), max_size=4))
@settings(max_examples=150, deadline=None)
def test_round_trip(coded: list[Integers]) -> None:
    data = encode_trellis(coded)
    decoded = decoded_as(data, coded)
    assert len(decoded) == len(coded) and encode_trellis(coded) == data
    for found, expected in zip(decoded, coded, strict=True):
        assert found.dtype == np.int32
        np.testing.assert_array_equal(found, expected)


def random_scales(matrix: Integers) -> Integers:
    """As odd as the matrix."""
    return np.random.default_rng(matrix.size).integers(-LARGEST_SCALE, LARGEST_SCALE + 1, len(matrix)).astype(np.int32)


@given(coded=st.lists(matrices(), max_size=3))
@settings(max_examples=40, deadline=None)
def test_a_second_decoder_agrees(coded: list[Integers]) -> None:
    scales = [random_scales(matrix) for matrix in coded]
    found = plain_trellis.decode_matrices(
        encode_with_scales(coded, scales), [rows.tolist() for rows in scales], [matrix.shape[1] for matrix in coded]
    )
    assert found == [matrix.tolist() for matrix in coded]


@pytest.mark.parametrize(
    "matrix",
    [
        np.zeros((40, 30), np.int32),
        np.full((1, 1), -MAX_MAGNITUDE, np.int32),
        np.array([[MAX_MAGNITUDE, -MAX_MAGNITUDE, 0]] * 9, np.int32),
        np.array(BORDERS[:-6], np.int32)[None],
        student(100, 200),
        gaussian(1, 20_000, 5.0),
        gaussian(20_000, 1, 5.0),
        gaussian(300, 600, 2.0),  # histograms that are halved
        gaussian(200, 50, 3.0, scale=np.geomspace(1e-3, 1e4, 200)),
    ],
    ids=lambda matrix: f"{matrix.shape[0]}x{matrix.shape[1]}",
)
def test_round_trip_of_extremes(matrix: Integers) -> None:
    np.testing.assert_array_equal(decoded_as(encode_trellis([matrix]), [matrix])[0], matrix)


def test_a_carry_runs_through_many_words() -> None:
    """Some of ten thousand short streams end just below a power of two."""
    random = np.random.default_rng(0)
    for _ in range(3000):
        matrix = random.integers(-40, 40, (2, 5)).astype(np.int32)
        np.testing.assert_array_equal(decoded_as(encode_trellis([matrix]), [matrix])[0], matrix)


def test_nothing_takes_no_bytes() -> None:
    assert encode_trellis([]) == b"" and decode_trellis(b"", [], []) == []


@pytest.mark.parametrize("value", [MAX_MAGNITUDE + 1, -MAX_MAGNITUDE - 1, 2**31 - 1, -(2**31)])
def test_integers_that_are_too_large(value: int) -> None:
    with pytest.raises(ValueError, match="above"):
        encode_trellis([np.array([[0, 5, value]], np.int32)])


# --- size


def entropy_given_shifts(matrix: Integers) -> float:
    """Bits of an ideal coder that knew both histograms."""
    total = 0.0
    shifted = shifts(matrix[None])[0]
    for shift in range(2):
        counts = np.unique(matrix[shifted == shift], return_counts=True)[1]
        total -= float((counts * np.log2(counts / counts.sum())).sum())
    return total


def on_trellis(weights: NDArray[np.float64], bits: float) -> Integers:
    """The best way of each column, at the spacing of so many bits."""
    spacing = math.sqrt(2 * math.pi * math.e) * 2.0**-bits
    levels = np.empty(weights.shape[::-1], np.int32)
    for column, targets in enumerate(2 * weights.T / spacing):
        best_levels(np.ascontiguousarray(targets), ARRIVALS, levels[column])
    return levels.T >> 1


@pytest.mark.parametrize("bits", [1.5, 2.0, 3.0, 4.0, 6.0])
def test_normal_weights_take_their_entropy(bits: float) -> None:
    """Half of the bar, which is half a percent, of an entropy that knows both histograms."""
    matrix = on_trellis(np.random.default_rng(0).standard_normal((512, 512)), bits)
    assert 8 * len(encode_trellis([matrix])) <= 1.0025 * entropy_given_shifts(matrix)


@pytest.mark.parametrize("bits", [1.5, 3.0, 6.0])
def test_the_coder_loses_half_a_percent_at_most(bits: float) -> None:
    """Of what it would need if its histograms were known, and those are no worse than one for each shift."""
    random = np.random.default_rng(0)
    rows, scales = np.exp(0.3 * random.standard_normal((512, 1))), np.zeros(512, np.int32)
    matrix = on_trellis(random.standard_normal((512, 512)) * rows, bits)
    entropy = entropy_given_histograms([matrix], [scales])
    assert entropy <= 8 * len(encode_trellis([matrix])) <= 1.005 * entropy
    assert entropy < entropy_given_shifts(matrix)
    assert entropy_given_histograms([], []) == 0


@pytest.mark.parametrize("bits", [3.0, 5.0])
def test_rows_and_columns_of_different_size(bits: float) -> None:
    """What rows and columns tell so far costs 0.045 bit a weight at most, half of it for learning 768 sizes, where it saves 0.2."""
    random = np.random.default_rng(0)
    row, column = (np.exp(0.4 * random.standard_normal((384, 1))) for _ in range(2))
    noise = random.standard_normal((384, 384))
    same, matrix = on_trellis(noise, bits), on_trellis(noise * row * column.T, bits)
    ideal = 8 * len(encode_trellis([same])) / matrix.size + float(np.log2(row).mean() + np.log2(column).mean())
    found = 8 * len(encode_trellis([matrix])) / matrix.size
    assert found <= ideal + 0.045 and found <= entropy_given_shifts(matrix) / matrix.size - 0.15


def test_rows_whose_spacings_are_known() -> None:
    """A short row on a finer grid begins as it should, which no row of 32 could learn as cheaply."""
    random = np.random.default_rng(0)
    scales = random.integers(-3, 4, 2000).astype(np.int32)
    matrix = on_trellis(random.standard_normal((2000, 32)) * 2.0 ** (-scales[:, None] / 2), 3.0)
    assert len(encode_with_scales([matrix], [scales])) <= 0.985 * len(encode_trellis([matrix]))


def test_zeros_are_nearly_free() -> None:
    assert len(encode_trellis([np.zeros((2000, 128), np.int32)])) <= 400


def test_a_small_matrix_pays_little() -> None:
    matrix = on_trellis(np.random.default_rng(0).standard_normal((16, 16)), 4.0)
    assert len(encode_trellis([matrix])) <= 256 * 4.5 / 8


# --- damaged streams


def test_no_bytes_make_the_decoder_stumble() -> None:
    random = np.random.default_rng(0)
    coded = [gaussian(20, 30, 3.0), student(10, 20), np.zeros((3, 4), np.int32)]
    data = encode_trellis(coded)
    outcomes = {"refused": 0, "decoded": 0}
    for _ in range(1000):
        try:
            decoded = decoded_as(damaged(data, random), coded)
        except CorruptStreamError:
            outcomes["refused"] += 1
        else:
            outcomes["decoded"] += 1
            assert shapes_of(decoded) == shapes_of(coded)
            assert max(np.abs(matrix).max() for matrix in decoded) <= MAX_MAGNITUDE
    assert outcomes["refused"] > 600


def test_other_shapes_are_refused() -> None:
    data = encode_trellis([gaussian(20, 30, 3.0)])
    for rows, columns in [(1, 1), (19, 30), (20, 29), (21, 30), (20, 3000), (3000, 20)]:
        with pytest.raises(CorruptStreamError):
            decode_trellis(data, [np.zeros(rows, np.int32)], [columns])


@pytest.mark.parametrize("data", [b"\x00", b"\x00" * 3, b"\x00" * 400, b"\xff" * 400])
def test_streams_that_are_none(data: bytes) -> None:
    with pytest.raises(CorruptStreamError):
        decode_trellis(data, [np.zeros(10, np.int32)], [10])


def test_a_stream_for_nothing_or_nothing_for_a_matrix() -> None:
    with pytest.raises(CorruptStreamError):
        decode_trellis(b"\x00" * 4, [], [])
    with pytest.raises(CorruptStreamError):
        decode_trellis(b"", [np.zeros(1, np.int32)], [1])
