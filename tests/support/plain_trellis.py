"""The second decoder's part for trellis-coded weights: plain Python, written from docs/artifact.md."""

import struct
from dataclasses import dataclass
from math import isqrt

from support.plain_coders import Matrix, decode_integers, decode_section
from support.plain_decoder import GROUPS, PlainFile, integers_digest, read_file
from support.plain_grid import at_end, floats

NEXT = [[0, 2], [5, 7], [1, 3], [4, 6], [2, 0], [7, 5], [3, 1], [6, 4]]


@dataclass(frozen=True)
class PlainTrellis:
    """Of each parameter's matrices: integers, spacings, scales of rows and of columns."""

    file: PlainFile
    integers: dict[str, list[Matrix]]
    spacings: dict[str, list[float]]
    row_scales: dict[str, Matrix]
    column_scales: dict[str, Matrix]

    def values(self, name: str) -> list[list[list[float]]]:
        sides = zip(self.integers[name], self.spacings[name], self.row_scales[name], self.column_scales[name], strict=True)
        return [
            [
                [half * spacing / 2 * 2 ** ((row_scale + column_scale) / 2) for half, column_scale in zip(row, columns, strict=True)]
                for row, row_scale in zip(half_spacings(matrix), rows, strict=True)
            ]
            for matrix, spacing, rows, columns in sides
        ]


def decode_file(data: bytes) -> PlainTrellis:
    file = read_file(data)
    assert file.header["weights"]["kind"] == "trellis"
    stacks = {parameter.name: parameter.stack for parameter in file.parameters}
    scales = decode_integers(file.sections["scales"], [(count, side) for count, *sides in stacks.values() for side in sides])
    row_scales, column_scales = (dict(zip(stacks, scales[side::2], strict=True)) for side in range(2))
    spacings = floats(file.sections["spacings"], "f")
    by_matrix = {name: [next(spacings) for _ in range(count)] for name, (count, _, _) in stacks.items()} | at_end(spacings)
    integers: dict[str, list[Matrix]] = {name: [] for name in stacks}
    in_order: list[Matrix] = []
    for section in ("controls", *GROUPS):
        members = [parameter for parameter in file.parameters if parameter.group == section.removesuffix("s")]
        shapes = [parameter.stack[1:] for parameter in members for _ in range(parameter.stack[0])]
        rows = [scales for parameter in members for scales in row_scales[parameter.name]]
        decoded = decode_stream(file.coder, file.sections[section], shapes, rows)
        in_order += decoded
        left = iter(decoded)
        for parameter in members:
            integers[parameter.name] += [next(left) for _ in range(parameter.stack[0])]
    assert file.checksum == integers_digest(in_order)
    return PlainTrellis(file, integers, by_matrix, row_scales, column_scales)


def decode_stream(coder: str, section: bytes, shapes: list[tuple[int, int]], row_scales: list[list[int]]) -> list[Matrix]:
    if coder != "range":
        return decode_section(coder, section, shapes)
    return decode_matrices(section, row_scales, [columns for _, columns in shapes])


def half_spacings(matrix: Matrix) -> Matrix:
    states, halves = [0] * len(matrix[0]), []
    for row in matrix:
        halves.append([2 * value + state % 2 for value, state in zip(row, states, strict=True)])
        states = [NEXT[state][value % 2] for value, state in zip(row, states, strict=True)]
    return halves


def decode_matrices(data: bytes, row_scales: list[list[int]], widths: list[int]) -> list[Matrix]:
    if not widths:
        assert not data
        return []
    coder = RangeDecoder(data)
    histograms: dict[tuple[int, int], list[int]] = {}
    matrices: list[Matrix] = []
    before = 1024
    for scales, columns in zip(row_scales, widths, strict=True):
        finer = [isqrt(2 ** (32 - scale)) for scale in scales]
        states, column_sums, total, mean = [0] * columns, [0] * columns, 0, before
        matrix: Matrix = []
        for r in range(len(scales)):
            mean = max(1, (256 * total + 8 * before) // (r * columns + 8))
            first_ratio = min(2**16 * finer[r] // max(1, sum(finer) // len(finer)), 2**24)
            matrix.append([])
            row_sum, expected = 0, 0
            for c in range(columns):
                column_mean = (256 * column_sums[c] + 8 * mean) // (r + 8)
                ratio = min((2**24 * row_sum + 8 * mean * first_ratio) // (expected + 8 * mean), 2**32)
                expected += column_mean
                kind, shift = class_of(column_mean * ratio // 2**16), states[c] % 2
                if (kind, shift) not in histograms:
                    histograms[kind, shift] = first_histogram(kind, shift)
                value = decode_magnitude(coder, histograms[kind, shift])
                if value + shift and coder.plain(1):
                    value = -value - shift
                matrix[r].append(value)
                row_sum += abs(2 * value + shift)
                column_sums[c] += abs(2 * value + shift)
                states[c] = NEXT[states[c]][value % 2]
            total += row_sum
        matrices.append(matrix)
        before = mean
    assert coder.next == len(coder.words) + 1
    return matrices


def class_of(size: int) -> int:
    return sum(isqrt(isqrt(2 ** (16 + i))) <= size for i in range(100))


def first_histogram(kind: int, shift: int) -> list[int]:
    spread = 8675 * isqrt(isqrt(2 ** (2 * kind + 31))) // 1000
    weights = []
    for token in range(272):
        bits = 0 if token < 32 else (token - 32) // 16 + 1
        smallest = token if token < 32 else (16 + (token - 32) % 16) << bits
        middle = 2 * smallest + 2**bits - 1 + shift
        density = (2**24 * spread // (spread + 2**16 * middle**2)) ** 4
        weights.append(density * 2**bits * (1 if token == shift == 0 else 2))
    return [1 + 2**14 * weight // sum(weights) for weight in weights]


def decode_magnitude(coder: "RangeDecoder", histogram: list[int]) -> int:
    token = coder.symbol(histogram)
    histogram[token] += 128
    if sum(histogram) > 2**24:
        histogram[:] = [count - count // 2 for count in histogram]
    if token < 32:
        return token
    bits = (token - 32) // 16 + 1
    return ((16 + (token - 32) % 16) << bits) + coder.plain(bits)


class RangeDecoder:
    def __init__(self, data: bytes) -> None:
        self.words = struct.unpack(f"<{len(data) // 4}I", data)
        self.next, self.offset, self.range = 0, 0, 2**64 - 1
        self.offset = self.word() << 32
        self.offset |= self.word()

    def word(self) -> int:
        self.next += 1
        return self.words[self.next - 1] if self.next <= len(self.words) else 0

    def symbol(self, histogram: list[int]) -> int:
        scale = self.range // sum(histogram)
        aim, left = self.offset // scale, 0
        for token, count in enumerate(histogram):
            if aim < left + count:
                self.narrow(scale, left, count)
                return token
            left += count
        raise AssertionError

    def plain(self, bits: int) -> int:
        scale = self.range >> bits
        value = self.offset // scale
        assert value < 2**bits
        self.narrow(scale, value, 1)
        return value

    def narrow(self, scale: int, left: int, size: int) -> None:
        self.offset -= scale * left
        self.range = scale * size
        if self.range < 2**32:
            self.offset = self.offset << 32 | self.word()
            self.range <<= 32
