"""Integers come back as they were, take little more than their entropy, and no bytes make the decoder stumble."""

import hashlib
import math

import constriction
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bytegolf.arrays import Integers
from bytegolf.artifact.magnitudes import MAX_MAGNITUDE, CorruptStreamError
from bytegolf.artifact.static_coder import decode_integers, encode_integers, entropy_bits
from support import plain_coders
from support.integer_matrices import BORDERS, damaged, gaussian, matrices, shapes_of, student


@given(coded=st.lists(matrices(), max_size=4))
@settings(max_examples=200, deadline=None)
def test_round_trip(coded: list[Integers]) -> None:
    data = encode_integers(coded)
    decoded = decode_integers(data, shapes_of(coded))
    assert len(decoded) == len(coded)
    for found, expected in zip(decoded, coded, strict=True):
        assert found.dtype == np.int32
        np.testing.assert_array_equal(found, expected)
    assert encode_integers(coded) == data


@given(coded=st.lists(matrices(), max_size=3))
@settings(max_examples=60, deadline=None)
def test_a_second_decoder_agrees(coded: list[Integers]) -> None:
    assert plain_coders.decode_integers(encode_integers(coded), shapes_of(coded)) == [matrix.tolist() for matrix in coded]


@pytest.mark.parametrize(
    "matrix",
    [
        np.zeros((40, 30), np.int32),
        np.zeros((1, 1), np.int32),
        np.full((1, 1), -MAX_MAGNITUDE, np.int32),
        np.array([[MAX_MAGNITUDE, -MAX_MAGNITUDE, 0]], np.int32),
        np.full((300, 3), 7, np.int32),
        np.array([[1] + [0] * 9999], np.int32),  # the lowest class of a row that is not zeros
        np.array(BORDERS[:-6], np.int32)[None],
        student(100, 200),
        gaussian(1, 50_000, 5.0),
        gaussian(50_000, 1, 5.0),
        gaussian(200, 50, 3.0, scale=np.geomspace(1e-3, 1e4, 200)),
    ],
    ids=lambda matrix: f"{matrix.shape[0]}x{matrix.shape[1]}",
)
def test_round_trip_of_extremes(matrix: Integers) -> None:
    np.testing.assert_array_equal(decode_integers(encode_integers([matrix]), [matrix.shape])[0], matrix)


def test_nothing_takes_no_bytes() -> None:
    assert encode_integers([]) == b"" and decode_integers(b"", []) == []


@pytest.mark.parametrize("value", [MAX_MAGNITUDE + 1, -MAX_MAGNITUDE - 1, 2**31 - 1, -(2**31)])
def test_integers_that_are_too_large(value: int) -> None:
    with pytest.raises(ValueError):
        encode_integers([np.array([[0, 5, value]], np.int32)])


# --- size


def overhead_bits(coded: list[Integers]) -> float:
    """What the integers take beyond their order-0 entropy."""
    return 8 * len(encode_integers(coded)) - entropy_bits(coded)


def test_entropy_of_known_histograms() -> None:
    assert entropy_bits([np.array([[0, 1, 2, 3]], np.int32)]) == 8.0
    assert entropy_bits([np.array([[1, 1, 1, -1]], np.int32)]) == pytest.approx(4 * (0.25 * 2 + 0.75 * math.log2(4 / 3)))
    assert entropy_bits([np.zeros((5, 5), np.int32), np.array([[1, 2]], np.int32)]) == 2.0


@pytest.mark.parametrize("bits", [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0])
def test_normal_rows_take_their_entropy(bits: float) -> None:
    """Half of the bar, which is half a percent; classes of rows and histograms are within it."""
    coded = [gaussian(512, 512, bits, seed) for seed in range(2)]
    assert overhead_bits(coded) <= 0.0025 * entropy_bits(coded)


@pytest.mark.parametrize("bits", [2.0, 3.0, 4.0, 6.0, 8.0])
def test_rows_of_different_scale_take_the_entropy_of_each(bits: float) -> None:
    """Within 1 %, side data and all; one histogram for all rows would cost 4 to 15 % more. That is what the classes are for."""
    scale = np.exp(0.7 * np.random.default_rng(1).standard_normal(512))
    matrix = gaussian(512, 1024, bits, scale=scale)
    spacing = math.sqrt(2 * math.pi * math.e) * 2.0**-bits
    ideal = sum(1024 * normal_entropy(spacing / size) for size in scale)
    assert 8 * len(encode_integers([matrix])) <= 1.01 * ideal


def normal_entropy(spacing: float) -> float:
    """Bits of a unit normal number rounded to multiples of `spacing`."""
    edges = (np.arange(-np.ceil(10 / spacing), np.ceil(10 / spacing) + 2) - 0.5) * spacing
    shares = np.diff([0.5 * (1 + math.erf(edge / math.sqrt(2))) for edge in edges])
    shares = shares[shares > 0]
    return float(-(shares * np.log2(shares)).sum())


@pytest.mark.parametrize("make", [student, lambda rows, columns: gaussian(rows, columns, 11.0)], ids=["heavy tails", "eleven bits"])
def test_wide_integers_take_little_more_than_their_entropy(make: object) -> None:
    """Their lowest bits are coded plainly. The entropy of so few numbers is itself an underestimate."""
    coded = [make(512, 512)]  # type: ignore[operator]
    assert overhead_bits(coded) <= 0.01 * entropy_bits(coded)


def test_zeros_are_nearly_free() -> None:
    assert len(encode_integers([np.zeros((2000, 128), np.int32)])) <= 16


def test_a_small_matrix_pays_little() -> None:
    assert len(encode_integers([gaussian(8, 8, 4.0)])) <= 64 * 4 / 8 + 60


# --- damaged streams


def test_no_bytes_make_the_decoder_stumble() -> None:
    random = np.random.default_rng(0)
    coded = [gaussian(20, 30, 3.0), student(10, 20), np.zeros((3, 4), np.int32)]
    data = encode_integers(coded)
    outcomes = {"refused": 0, "decoded": 0}
    for _ in range(1000):
        try:
            decoded = decode_integers(damaged(data, random), shapes_of(coded))
        except CorruptStreamError:
            outcomes["refused"] += 1
        else:
            outcomes["decoded"] += 1
            assert shapes_of(decoded) == shapes_of(coded)
            assert max(np.abs(matrix).max() for matrix in decoded) <= MAX_MAGNITUDE
    assert outcomes["refused"] > 800


def test_other_shapes_are_refused_or_bounded() -> None:
    data = encode_integers([gaussian(20, 30, 3.0)])
    for rows, columns in [(1, 1), (19, 30), (20, 29), (21, 30), (30, 20), (20, 3000), (3000, 20)]:
        with pytest.raises(CorruptStreamError):
            decode_integers(data, [(rows, columns)])


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x00" * 3, b"\x00" * 400, b"\xff" * 400])
def test_streams_that_are_none(data: bytes) -> None:
    with pytest.raises(CorruptStreamError):
        decode_integers(data, [(10, 10)])


def forged(*histograms: tuple[list[int], list[int]], signs: int = 1) -> bytes:
    """A stream of any levels and symbols, each pair as symbols after their histogram, then signs."""
    model = constriction.stream.model
    encoder = constriction.stream.queue.RangeEncoder()
    differences = [float(1 + (4096 >> min(abs(d), 12))) for d in range(-128, 129)]
    for levels, symbols in histograms:
        encoder.encode(len(levels) - 2, model.Uniform(272))
        encoder.encode(np.diff(levels, prepend=0).astype(np.int32) + 128, model.Categorical(np.array(differences), perfect=False))
        frequencies = np.array([plain_coders.frequency(max(level, 0)) for level in levels], np.float64)
        if symbols:
            encoder.encode(np.array(symbols, np.int32), model.Categorical(frequencies, perfect=False))
    encoder.encode(np.zeros(signs, np.int32), model.Uniform(2))
    return encoder.get_compressed().astype("<u4").tobytes()


CLASS_5, TOKEN_1 = ([0, 0, 0, 0, 0, 1], [5]), ([0, 1], [1])


def test_a_forged_stream_is_decoded_if_it_could_be_one() -> None:
    assert decode_integers(forged(CLASS_5, TOKEN_1), [(1, 1)])[0].tolist() == [[1]]
    assert decode_integers(forged(CLASS_5, ([1] * 272, [271])), [(1, 1)])[0].tolist() == [[31 << 15]]  # extra bits and sign: zeros


@pytest.mark.parametrize(
    "histograms",
    [
        [([1] * 99, [98]), TOKEN_1],
        [([1] * 98 + [0], [97]), TOKEN_1],
        [CLASS_5, ([1] * 273, [272])],
        [CLASS_5, ([1] * 272 + [0], [1])],
        [([0, 0], [])],
        [([1, -1, 0, 0, 0, 1], [5]), TOKEN_1],
        [([1, 128, 129, 20, 1, 1], [5]), TOKEN_1],
    ],
    ids=[
        "99 classes",
        "98 and one that is not used",
        "273 tokens",
        "272 and one that is not used",
        "no level",
        "a negative level",
        "a high level",
    ],
)
def test_histograms_out_of_bounds(histograms: list[tuple[list[int], list[int]]]) -> None:
    with pytest.raises(CorruptStreamError, match="histogram"):
        decode_integers(forged(*histograms), [(1, 1)])


# --- the code does not drift


def test_the_coded_bytes_are_pinned() -> None:
    """A change here changes the format: it needs a new version, and a reader of the old one."""
    index = np.arange(64 * 96, dtype=np.int64)
    scrambled = (index * 2_654_435_761) % (1 << 32)
    tailed = (scrambled >> 28) << (index % 17) >> 5
    signed = np.where(scrambled & 1, -tailed, tailed).astype(np.int32).reshape(64, 96)
    signed[::13] = 0
    signed[7] = MAX_MAGNITUDE
    data = encode_integers([signed, signed[:5] // 7, np.zeros((2, 3), np.int32)])
    assert hashlib.sha256(data).hexdigest() == "70e99705a441ab1bc57c0bc84b7acf91ddfa95204df299d951afcc89ff763f0b"


def test_frequencies_are_integers_that_floats_hold() -> None:
    """Four levels to the octave, rounded down, without a float on the way."""
    for level in range(1, 129):
        frequency = plain_coders.frequency(level)
        assert frequency**4 <= 1 << (63 + level) < (frequency + 1) ** 4
        assert frequency < 1 << 48 and float(frequency) == frequency
    assert plain_coders.frequency(0) == 0 and plain_coders.frequency(1) == 1 << 16
