"""Every coder gives back what it was given, and general-purpose compressors never more than they are asked for."""

import lzma
import zlib
from typing import get_args

import numpy as np
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from bytegolf.arrays import Halves, Integers
from bytegolf.artifact.general_coders import decode_matrices, encode_matrices, half_patterns, halves_from
from bytegolf.artifact.static_coder import MAX_MAGNITUDE, CorruptStreamError
from bytegolf.names import CoderName

CODERS: tuple[CoderName, ...] = get_args(CoderName)
COMPRESSORS = [coder for coder in CODERS if coder != "range"]
EXPAND = {
    "zstd": lambda data: zstandard.ZstdDecompressor().decompress(data),
    "lzma": lambda data: lzma.decompress(data, lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 26}]),
    "zlib": zlib.decompress,
}


@st.composite
def matrices(draw: st.DrawFn) -> list[Integers]:
    """Of sizes from nothing to a few hundred, with magnitudes of every width."""
    random = np.random.default_rng(draw(st.integers(0, 1000)))
    shapes = draw(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 40)), max_size=4))
    largest = [draw(st.sampled_from([0, 1, 7, 127, 128, 129, 32_767, 32_768, MAX_MAGNITUDE])) for _ in shapes]
    found = [random.integers(-top, top, shape, np.int32, endpoint=True) for top, shape in zip(largest, shapes, strict=True)]
    for matrix, top in zip(found, largest, strict=True):
        matrix[0, 0] = draw(st.sampled_from([-top, top]))
    return found


@pytest.mark.parametrize("coder", CODERS)
@given(given_matrices=matrices())
@settings(max_examples=40, deadline=None)
def test_round_trip(coder: CoderName, given_matrices: list[Integers]) -> None:
    data = encode_matrices(coder, given_matrices)
    found = decode_matrices(coder, data, [matrix.shape for matrix in given_matrices])
    assert len(found) == len(given_matrices) and (given_matrices or not data)
    for matrix, expected in zip(found, given_matrices, strict=True):
        assert matrix.dtype == np.int32
        np.testing.assert_array_equal(matrix, expected)


@pytest.mark.parametrize("coder", COMPRESSORS)
def test_the_bytes_are_plain(coder: CoderName) -> None:
    """As the seed system laid them out: one to the weight, row by row, but for matrices that need more."""
    small, large = np.array([[-128, 127, 0], [1, -1, 2]], np.int32), np.array([[128, -129], [300, 0]], np.int32)
    data = encode_matrices(coder, [small, large])
    assert data[:2] == b"\x01\x02"
    assert EXPAND[coder](data[2:]) == small.astype(np.int8).tobytes() + large.astype("<i2").tobytes()


@pytest.mark.parametrize("coder", COMPRESSORS)
def test_compressed_integers_of_another_size(coder: CoderName) -> None:
    data = encode_matrices(coder, [np.arange(6, dtype=np.int32).reshape(2, 3)])
    for shape in ((2, 2), (2, 4)):
        with pytest.raises(CorruptStreamError, match="another size"):
            decode_matrices(coder, data, [shape])
    for widths in (b"\x00", b"\x03", b"\x08"):
        with pytest.raises(CorruptStreamError, match="width"):
            decode_matrices(coder, widths + data[1:], [(2, 3)])
    with pytest.raises(CorruptStreamError, match="width"):
        decode_matrices(coder, b"\x01", [(2, 3), (2, 3)])


@pytest.mark.parametrize("coder", COMPRESSORS)
@pytest.mark.parametrize("value", [MAX_MAGNITUDE + 1, -MAX_MAGNITUDE - 1, -(1 << 31)])
def test_integers_that_the_range_coder_could_not_hold(coder: CoderName, value: int) -> None:
    data = encode_matrices(coder, [np.array([[value]], np.int32)])
    with pytest.raises(CorruptStreamError, match="out of bounds"):
        decode_matrices(coder, data, [(1, 1)])


def all_halves() -> Halves:
    """Every finite float16."""
    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    finite: Halves = halves[np.isfinite(halves)]
    return finite


def test_every_half_has_its_pattern() -> None:
    halves = all_halves()
    patterns = half_patterns(halves)
    np.testing.assert_array_equal(halves_from(patterns), halves)
    assert np.abs(patterns).max() == 0x7BFF and len(np.unique(patterns)) == len(halves) - 1, "only the two zeros share one"
    assert (np.sign(patterns) == np.sign(halves)).all()
    order = np.argsort(np.abs(halves), kind="stable")
    assert (np.diff(np.abs(patterns)[order]) >= 0).all(), "larger numbers have larger magnitudes, which coders make use of"


@pytest.mark.parametrize("pattern", [0x7C00, -0x7C00, 0x7FFF, 0x8000, 1 << 20])
def test_patterns_that_are_no_number(pattern: int) -> None:
    with pytest.raises(CorruptStreamError, match="not finite"):
        halves_from(np.array([[pattern]], np.int32))


def test_halves_cost_what_they_hold() -> None:
    """Ten bits of fraction, a sign, and what the exponents of normal numbers tell: 13.1 bits, not 16."""
    normal = np.random.default_rng(0).standard_normal((512, 256)).astype(np.float16)
    exponents = np.bincount(normal.view(np.uint16).ravel() >> 10 & 31)
    shares = exponents[exponents > 0] / normal.size
    ideal = 11 - (shares * np.log2(shares)).sum()
    bits = 8 * len(encode_matrices("range", [half_patterns(normal)])) / normal.size
    assert ideal - 0.1 < bits < ideal + 0.05
