"""Integer matrices <-> bytes through a general-purpose compressor: zstd, LZMA or zlib.

The baseline kept one weight to the byte and left the rest to one of these. They stand here at its settings, so that what the entropy
coders gain can be measured on the same integers.

A stream is a width of 1, 2 or 4 bytes for each matrix, the least that holds it; then, compressed, the matrices one after the other,
row by row, in two's complement.
"""

import lzma
import zlib
from collections.abc import Callable, Sequence
from math import prod
from typing import NamedTuple

import numpy as np
import zstandard

from bytegolf.arrays import Integers
from bytegolf.artifact.magnitudes import MAX_MAGNITUDE, CorruptStreamError, largest_magnitude
from bytegolf.names import CoderName

MatrixShape = tuple[int, int]

INTEGER_FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 9}]


class GeneralCoder(NamedTuple):
    """A compressor of bytes; `expand` undoes `compress` and never makes more than a byte above the size that it is given."""

    compress: Callable[[bytes], bytes]
    expand: Callable[[bytes, int], bytes]


def _expand_zstd(data: bytes, size: int) -> bytes:
    with zstandard.ZstdDecompressor().stream_reader(data) as reader:
        return reader.read(size + 1)


def _expand_lzma(data: bytes, size: int) -> bytes:
    return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=INTEGER_FILTERS).decompress(data, size + 1)


def _expand_zlib(data: bytes, size: int) -> bytes:
    return zlib.decompressobj().decompress(data, size + 1)


GENERAL_CODERS: dict[CoderName, GeneralCoder] = {
    "zstd": GeneralCoder(lambda plain: zstandard.ZstdCompressor(level=22).compress(plain), _expand_zstd),
    "lzma": GeneralCoder(lambda plain: lzma.compress(plain, lzma.FORMAT_RAW, filters=INTEGER_FILTERS), _expand_lzma),
    "zlib": GeneralCoder(lambda plain: zlib.compress(plain, 9), _expand_zlib),
}


def compress_matrices(coder: GeneralCoder, matrices: Sequence[Integers]) -> bytes:
    """Return the stream of one or more matrices (rows, columns), which `expand_matrices` reads if it is told their shapes."""
    widths = [_width(matrix) for matrix in matrices]
    plain = b"".join(matrix.astype(f"<i{width}").tobytes() for matrix, width in zip(matrices, widths, strict=True))
    return bytes(widths) + coder.compress(plain)


def expand_matrices(coder: GeneralCoder, data: bytes, shapes: Sequence[MatrixShape]) -> list[Integers]:
    """Return the matrices of these shapes. Raises CorruptStreamError, or what the compressor raises, for other bytes."""
    widths, matrices, offset = data[: len(shapes)], [], 0
    if len(widths) < len(shapes) or not set(widths) <= {1, 2, 4}:
        raise CorruptStreamError("the width of a matrix is out of bounds")
    size = sum(prod(shape) * width for shape, width in zip(shapes, widths, strict=True))
    plain = coder.expand(data[len(shapes) :], size)
    if len(plain) != size:
        raise CorruptStreamError("compressed integers of another size")
    for shape, width in zip(shapes, widths, strict=True):
        matrix = np.frombuffer(plain, f"<i{width}", prod(shape), offset).astype(np.int32).reshape(shape)
        if largest_magnitude(matrix) > MAX_MAGNITUDE:
            raise CorruptStreamError("an integer is out of bounds")
        matrices.append(matrix)
        offset += prod(shape) * width
    return matrices


def _width(matrix: Integers) -> int:
    """Return the least number of bytes, 1, 2 or 4, that holds every integer of a matrix."""
    largest = max(-int(matrix.min()) - 1, int(matrix.max()), 0) if matrix.size else 0
    return 1 if largest < 1 << 7 else 2 if largest < 1 << 15 else 4
