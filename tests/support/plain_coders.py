"""Streams of integers decoded a second time, from docs/artifact.md: the static coder and general-purpose compressors.

Slow and plain: Python's integers and its standard library, zstandard for what zstd wrote, nothing of bytegolf and no entropy coder.
"""

import lzma
import struct
import zlib
from bisect import bisect_right
from itertools import accumulate
from math import isqrt

import zstandard

Matrix = list[list[int]]
Cumulative = list[int]


def decode_section(coder: str, data: bytes, shapes: list[tuple[int, int]]) -> list[Matrix]:
    if not shapes:
        assert not data
        return []
    if coder == "range":
        return decode_integers(data, shapes)
    widths, compressed = data[: len(shapes)], data[len(shapes) :]
    if coder == "zstd":
        plain = zstandard.ZstdDecompressor().decompress(compressed)
    elif coder == "lzma":
        plain = lzma.decompress(compressed, lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 26}])
    else:
        plain = zlib.decompress(compressed)
    matrices, offset = [], 0
    for (rows, columns), width in zip(shapes, widths, strict=True):
        starts = range(offset, offset + rows * columns * width, width)
        flat = [int.from_bytes(plain[start : start + width], "little", signed=True) for start in starts]
        matrices.append([flat[row * columns : (row + 1) * columns] for row in range(rows)])
        offset += rows * columns * width
    assert offset == len(plain)
    return matrices


def half(pattern: int) -> float:
    """A float16: the sign of the integer is its own, the magnitude the rest of its bits."""
    (value,) = struct.unpack("<e", struct.pack("<H", abs(pattern) | 0x8000 * (pattern < 0)))
    assert isinstance(value, float)
    return value


def decode_integers(data: bytes, shapes: list[tuple[int, int]]) -> list[Matrix]:
    coder = RangeDecoder(struct.unpack(f"<{len(data) // 4}I", data))
    classes = [symbols_after_histogram(coder, rows) for rows, _ in shapes]
    matrices = [[[0] * columns for _ in range(rows)] for rows, columns in shapes]
    for row_class in sorted({used for matrix in classes for used in matrix} - {0}):
        rows = [
            row for matrix, used in zip(matrices, classes, strict=True) for row, kind in zip(matrix, used, strict=True) if kind == row_class
        ]
        values = iter(decode_values(coder, sum(map(len, rows))))
        for row in rows:
            row[:] = [next(values) for _ in row]
    assert coder.at_end()
    return matrices


def decode_values(coder: "RangeDecoder", count: int) -> list[int]:
    tokens = symbols_after_histogram(coder, count)
    lengths = [(token - 32) // 16 + 1 if token >= 32 else 0 for token in tokens]
    values = [(16 + (token - 32) % 16) << length if token >= 32 else token for token, length in zip(tokens, lengths, strict=True)]
    for bits in sorted(set(lengths) - {0}):
        cumulative = uniform(1 << bits)
        for index, length in enumerate(lengths):
            if length == bits:
                values[index] += coder.symbol(cumulative)
    return [-value if value and coder.symbol(uniform(2)) else value for value in values]


def symbols_after_histogram(coder: "RangeDecoder", count: int) -> list[int]:
    size = 2 + coder.symbol(uniform(272))
    difference = cumulative_frequencies([1 + (4096 >> min(abs(d), 12)) for d in range(-128, 129)])
    levels = list(accumulate(coder.symbol(difference) - 128 for _ in range(size)))
    cumulative = cumulative_frequencies([frequency(level) for level in levels])
    return [coder.symbol(cumulative) for _ in range(count)]


def frequency(level: int) -> int:
    return isqrt(isqrt(1 << (63 + level))) if level else 0


def cumulative_frequencies(frequencies: list[int]) -> Cumulative:
    size = len(frequencies)
    scale = float((1 << 24) - size) / float(sum(frequencies))
    return [int(float(left) * scale) + i for i, left in enumerate(accumulate(frequencies[:-1], initial=0))] + [1 << 24]


def uniform(size: int) -> Cumulative:
    width = (1 << 24) // size
    return [width * i for i in range(size)] + [1 << 24]


class RangeDecoder:
    def __init__(self, words: tuple[int, ...]) -> None:
        self.words, self.next = words, 0
        self.lower, self.range = 0, (1 << 64) - 1
        self.point = self.word() << 32
        self.point |= self.word()

    def word(self) -> int:
        self.next += 1
        return self.words[self.next - 1] if self.next <= len(self.words) else 0

    def symbol(self, cumulative: Cumulative) -> int:
        scale = self.range >> 24
        quantile = (self.point - self.lower) % (1 << 64) // scale
        symbol = bisect_right(cumulative, quantile) - 1
        left, right = cumulative[symbol : symbol + 2]
        self.lower = (self.lower + scale * left) % (1 << 64)
        self.range = scale * (right - left)
        if self.range < 1 << 32:
            self.lower = (self.lower << 32) % (1 << 64)
            self.range <<= 32
            self.point = (self.point << 32) % (1 << 64) | self.word()
        return symbol

    def at_end(self) -> bool:
        untouched = self.range == (1 << 64) - 1
        return self.next >= len(self.words) and (untouched or (self.point - self.lower) % (1 << 64) < (1 << 33) - 1)
