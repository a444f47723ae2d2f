"""Lists of integer matrices <-> bytes: by the range coder, or as plain bytes through a general-purpose compressor.

The seed system kept one weight to the byte and left the rest to zstd, zlib or LZMA. They stand here at its settings, so that
what the range coder gains can be measured on the same integers.

Plain bytes: a width of 1, 2 or 4 for each matrix, the least that holds it; then, compressed, the matrices one after the
other, row by row, in two's complement.
"""

import lzma
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
import zstandard

from bytegolf.arrays import Halves, Integers
from bytegolf.artifact.static_coder import MAX_MAGNITUDE, CorruptStreamError, decode_integers, encode_integers
from bytegolf.names import CoderName

Shape = tuple[int, int]

LARGEST_HALF = 0x7BFF  # bits of 65504; what lies above is no number
LZMA_FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 9}]


@dataclass(frozen=True)
class Compressor:
    """`expand` undoes `compress` and takes the size that it must come to; it never makes more."""

    compress: Callable[[bytes], bytes]
    expand: Callable[[bytes, int], bytes]


def _expand_zstd(data: bytes, size: int) -> bytes:
    with zstandard.ZstdDecompressor().stream_reader(data) as reader:
        return reader.read(size + 1)


def _expand_lzma(data: bytes, size: int) -> bytes:
    return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=LZMA_FILTERS).decompress(data, size + 1)


def _expand_zlib(data: bytes, size: int) -> bytes:
    return zlib.decompressobj().decompress(data, size + 1)


COMPRESSORS: dict[CoderName, Compressor] = {
    "zstd": Compressor(lambda plain: zstandard.ZstdCompressor(level=22).compress(plain), _expand_zstd),
    "lzma": Compressor(lambda plain: lzma.compress(plain, lzma.FORMAT_RAW, filters=LZMA_FILTERS), _expand_lzma),
    "zlib": Compressor(lambda plain: zlib.compress(plain, 9), _expand_zlib),
}


def encode_matrices(coder: CoderName, matrices: Sequence[Integers]) -> bytes:
    """Code matrices (rows, columns); nothing for none. `decode_matrices` needs their shapes."""
    if coder == "range" or not matrices:
        return encode_integers(matrices)
    widths = [_width(matrix) for matrix in matrices]
    plain = b"".join(matrix.astype(f"<i{width}").tobytes() for matrix, width in zip(matrices, widths, strict=True))
    return bytes(widths) + COMPRESSORS[coder].compress(plain)


def decode_matrices(coder: CoderName, data: bytes, shapes: Sequence[Shape]) -> list[Integers]:
    """The matrices that were coded. Raises CorruptStreamError, or what the compressor raises, for other bytes."""
    if coder == "range" or not shapes:
        return decode_integers(data, shapes)
    widths, matrices, offset = data[: len(shapes)], [], 0
    if len(widths) < len(shapes) or not set(widths) <= {1, 2, 4}:
        raise CorruptStreamError("the width of a matrix is out of bounds")
    size = sum(prod(shape) * width for shape, width in zip(shapes, widths, strict=True))
    plain = COMPRESSORS[coder].expand(data[len(shapes) :], size)
    if len(plain) != size:
        raise CorruptStreamError("compressed integers of another size")
    for shape, width in zip(shapes, widths, strict=True):
        matrix = np.frombuffer(plain, f"<i{width}", prod(shape), offset).astype(np.int32).reshape(shape)
        if matrix.size and max(-int(matrix.min()), int(matrix.max())) > MAX_MAGNITUDE:
            raise CorruptStreamError("an integer is out of bounds")
        matrices.append(matrix)
        offset += prod(shape) * width
    return matrices


def half_patterns(halves: Halves) -> Integers:
    """The bits of float16 numbers as integers, so that a coder takes them: the sign apart, exponent and fraction the magnitude."""
    bits = halves.view(np.uint16).astype(np.int32)
    return np.where(bits >> 15, -(bits & 0x7FFF), bits).astype(np.int32)


def halves_from(patterns: Integers) -> Halves:
    """The inverse of `half_patterns`, but for the sign of 0. Raises CorruptStreamError for what is no finite number."""
    magnitudes = np.abs(patterns)
    if magnitudes.size and magnitudes.max() > LARGEST_HALF:
        raise CorruptStreamError("numbers that are not finite")
    return np.where(patterns < 0, magnitudes | 0x8000, magnitudes).astype(np.uint16).view(np.float16)


def _width(matrix: Integers) -> int:
    largest = max(-int(matrix.min()) - 1, int(matrix.max()), 0) if matrix.size else 0
    return 1 if largest < 1 << 7 else 2 if largest < 1 << 15 else 4
