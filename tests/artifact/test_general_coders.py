"""General-purpose compressors code plain bytes, and never give more than they are asked for."""

import lzma
import zlib
from typing import get_args

import numpy as np
import pytest
import zstandard

from bytegolf.artifact.general_coders import GENERAL_CODERS, compress_matrices, expand_matrices
from bytegolf.artifact.magnitudes import MAX_MAGNITUDE, CorruptStreamError
from bytegolf.names import CoderName

COMPRESSORS: list[CoderName] = [coder for coder in get_args(CoderName) if coder != "range"]
EXPAND = {
    "zstd": lambda data: zstandard.ZstdDecompressor().decompress(data),
    "lzma": lambda data: lzma.decompress(data, lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 26}]),
    "zlib": zlib.decompress,
}


@pytest.mark.parametrize("coder", COMPRESSORS)
def test_the_bytes_are_plain(coder: CoderName) -> None:
    """As the baseline lays them out: one to the weight, row by row, but for matrices that need more."""
    small, large = np.array([[-128, 127, 0], [1, -1, 2]], np.int32), np.array([[128, -129], [300, 0]], np.int32)
    data = compress_matrices(GENERAL_CODERS[coder], [small, large])
    assert data[:2] == b"\x01\x02"
    assert EXPAND[coder](data[2:]) == small.astype(np.int8).tobytes() + large.astype("<i2").tobytes()


@pytest.mark.parametrize("coder", COMPRESSORS)
def test_compressed_integers_of_another_size(coder: CoderName) -> None:
    data = compress_matrices(GENERAL_CODERS[coder], [np.arange(6, dtype=np.int32).reshape(2, 3)])
    for shape in ((2, 2), (2, 4)):
        with pytest.raises(CorruptStreamError, match="another size"):
            expand_matrices(GENERAL_CODERS[coder], data, [shape])
    for widths in (b"\x00", b"\x03", b"\x08"):
        with pytest.raises(CorruptStreamError, match="width"):
            expand_matrices(GENERAL_CODERS[coder], widths + data[1:], [(2, 3)])
    with pytest.raises(CorruptStreamError, match="width"):
        expand_matrices(GENERAL_CODERS[coder], b"\x01", [(2, 3), (2, 3)])


@pytest.mark.parametrize("coder", COMPRESSORS)
@pytest.mark.parametrize("value", [MAX_MAGNITUDE + 1, -MAX_MAGNITUDE - 1, -(1 << 31)])
def test_integers_that_an_entropy_coder_could_not_hold(coder: CoderName, value: int) -> None:
    data = compress_matrices(GENERAL_CODERS[coder], [np.array([[value]], np.int32)])
    with pytest.raises(CorruptStreamError, match="out of bounds"):
        expand_matrices(GENERAL_CODERS[coder], data, [(1, 1)])
