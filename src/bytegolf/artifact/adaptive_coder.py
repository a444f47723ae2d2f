"""Integers of trellis-coded matrices <-> bytes: a range coder whose probabilities follow what was coded before.

Nothing is sent beside the integers. How large the next one will be is told by the mean magnitude of its column so far, times
how much larger its row has been than its columns say; before there is any, by the row's step. That product, in quarter
octaves, and the trellis's shift choose a histogram, which begins as a Student distribution of that size and counts what it
meets. Magnitudes are split as in `entropy`; signs are plain bits.

Integers alone decide every probability, so that any machine decodes the same numbers.
"""

from collections.abc import Sequence
from functools import cache
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from bytegolf.arrays import Integers
from bytegolf.artifact.range_coder import POSITION, Coder, Number, Words, compiled, decoder, encoder, finish, plain, symbol
from bytegolf.artifact.static_coder import EXACT, KEPT_BITS, MAX_MAGNITUDE, MAX_TOKENS, CorruptStreamError
from bytegolf.artifact.trellis_states import LARGEST_SCALE, NEXT

Counts = NDArray[np.int64]

FRACTION, RATIO_BITS = 8, 16  # bits of the fraction of a mean, and of a ratio
LARGEST_RATIO = 1 << 32  # so that no product overflows
PRIOR_SAMPLES = 8  # of what is expected in the mean of a row or column
FIRST_MEAN = 4 << FRACTION  # half steps, before there is any to go by
LOWEST_OCTAVE, CLASSES_PER_OCTAVE = 4, 4  # of E: smaller ones share a class
CLASSES = 1 + CLASSES_PER_OCTAVE * (MAX_MAGNITUDE.bit_length() + 1 + FRACTION - LOWEST_OCTAVE)
PRIOR, INCREMENT, LIMIT = 1 << 14, 1 << 7, 1 << 24  # of a histogram's counts: at first, for each symbol, in all
WORDS_PER_WEIGHT = 2  # at most: a token takes 24 bits, what is plain 17


def encode_trellis(matrices: Sequence[Integers], row_scales: Sequence[Integers]) -> bytes:
    """Code matrices (rows, columns) of integers up to MAX_MAGNITUDE, on steps whose rows have these scales; nothing for none.

    `decode_trellis` needs their shapes and scales.
    """
    if not matrices:
        return b""
    for matrix in matrices:
        if matrix.size and max(-int(matrix.min()), int(matrix.max())) > MAX_MAGNITUDE:
            raise ValueError(f"an integer is above {MAX_MAGNITUDE}")
    coder, words, _ = _encode(matrices, row_scales)
    finish(coder, words)
    return words[: int(coder[POSITION])].astype("<u4").tobytes()


def entropy_given_histograms(matrices: Sequence[Integers], row_scales: Sequence[Integers]) -> float:
    """Bits that `encode_trellis` would need, had it known every histogram beforehand: what it loses above that is for learning."""
    if not matrices:
        return 0.0
    _, _, met = _encode(matrices, row_scales)
    in_all = met.sum(axis=2, keepdims=True)
    tokens = met * np.log2(np.maximum(in_all, 1) / np.maximum(met, 1))
    extra = np.array([0 if token < EXACT else _split_token(token)[0] for token in range(MAX_TOKENS)])
    signs = met.sum() - met[:, 0, 0].sum()  # zero has none, but for the grid half a step up
    return float(tokens.sum() + (met * extra).sum() + signs)


def _encode(matrices: Sequence[Integers], row_scales: Sequence[Integers]) -> tuple[Coder, Words, Counts]:
    """The encoder, the words it wrote, and how often it met each token in each histogram."""
    words, coder = np.empty(WORDS_PER_WEIGHT * sum(matrix.size for matrix in matrices) + 1, np.uint32), encoder()
    met = _code_all([np.ascontiguousarray(matrix, np.int32) for matrix in matrices], row_scales, True, coder, words)
    return coder, words, met


def decode_trellis(data: bytes, row_scales: Sequence[Integers], columns: Sequence[int]) -> list[Integers]:
    """The matrices that were coded: a row for each of its scales, so many columns. Raises CorruptStreamError for other bytes."""
    if len(data) % 4 or bool(data) != bool(columns):
        raise CorruptStreamError("a stream of another length")
    words = np.frombuffer(data, "<u4").astype(np.uint32)
    matrices = [np.zeros((len(scales), width), np.int32) for scales, width in zip(row_scales, columns, strict=True)]
    coder = decoder(words)
    _code_all(matrices, row_scales, False, coder, words)
    if columns and coder[POSITION] != len(words) + 1:
        raise CorruptStreamError("bytes are left after the last integer")
    return matrices


def _code_all(matrices: Sequence[Integers], row_scales: Sequence[Integers], encoding: bool, coder: Coder, words: Words) -> Counts:
    counts, mean = first_counts().copy(), FIRST_MEAN
    totals, met = counts.sum(axis=2), np.zeros_like(counts)
    for matrix, scales in zip(matrices, row_scales, strict=True):
        mean = _code(matrix, _expected_ratios(scales), encoding, coder, words, counts, totals, met, thresholds(), mean, NEXT)
        if mean < 0:
            raise CorruptStreamError("a symbol is out of bounds")
    return met


def _expected_ratios(row_scales: Integers) -> NDArray[np.int64]:
    """Of each row's mean magnitude to the matrix's, as if all rows' weights were alike: the larger, the finer its step."""
    halves = np.array([isqrt(1 << (32 - scale)) for scale in range(-LARGEST_SCALE, LARGEST_SCALE + 1)], np.int64)
    finer = halves[row_scales + LARGEST_SCALE]
    return np.minimum((finer << RATIO_BITS) // max(1, int(finer.sum()) // max(1, len(finer))), LARGEST_RATIO >> 8)


@cache
def thresholds() -> NDArray[np.int64]:
    """The least E of each class above the first, in quarter octaves, rounded down."""
    return np.array([isqrt(isqrt(1 << (4 * LOWEST_OCTAVE + i))) for i in range(CLASSES - 1)], np.int64)


@cache
def first_counts() -> Counts:
    """Histograms (classes, shifts, tokens) before anything is coded: Student's t of 7 degrees, whose mean magnitude is the class's.

    Its density at x is (1 + x² / 7s²)⁻⁴, and 7s² is 8.675 times the squared mean magnitude.
    """
    counts = np.empty((CLASSES, 2, MAX_TOKENS), np.int64)
    for kind in range(CLASSES):
        spread = 8675 * isqrt(isqrt(1 << (2 * kind + 31))) // 1000  # 7s² in units of 2⁻¹⁶, from the middle of the class
        for shift in range(2):
            weights = [_weight(token, shift, spread) for token in range(MAX_TOKENS)]
            counts[kind, shift] = [1 + PRIOR * weight // sum(weights) for weight in weights]
    return counts


def _weight(token: int, shift: int, spread: int) -> int:
    """Of all integers of a token, in proportion."""
    bits, base = (0, token) if token < EXACT else _split_token(token)
    halves = 2 * base + (1 << bits) - 1 + shift  # the middle of the token
    density: int = ((spread << 24) // (spread + (halves * halves << 16))) ** 4
    return (1 if token + shift == 0 else 2) * density << bits


def _split_token(token: int) -> tuple[int, int]:
    """Of a token from EXACT on: its plain bits and its smallest magnitude."""
    octave, kept = divmod(token - EXACT, 1 << KEPT_BITS)
    return octave + 1, kept + (1 << KEPT_BITS) << octave + 1


@compiled
def _code(
    matrix: Integers,
    ratios: NDArray[np.int64],
    encoding: bool,
    coder: Coder,
    words: Words,
    counts: Counts,
    totals: Counts,
    met: Counts,
    thresholds: NDArray[np.int64],
    before: int,
    following: NDArray[np.uint8],
) -> int:
    """Code or decode a matrix in place. The mean magnitude after it, or -1 for what is no stream; `before` is the last matrix's."""
    rows, columns = matrix.shape
    states, column_sums = np.zeros(columns, np.uint8), np.zeros(columns, np.int64)
    sum_of_all: Number = 0
    mean = before
    for r in range(rows):
        mean = max(1, ((sum_of_all << FRACTION) + PRIOR_SAMPLES * before) // (r * columns + PRIOR_SAMPLES))
        row_sum: Number = 0
        expected: Number = 0
        for c in range(columns):
            column_mean = ((column_sums[c] << FRACTION) + PRIOR_SAMPLES * mean) // (r + PRIOR_SAMPLES)
            ratio = ((row_sum << FRACTION + RATIO_BITS) + PRIOR_SAMPLES * mean * ratios[r]) // (expected + PRIOR_SAMPLES * mean)
            kind = _class(column_mean * min(ratio, LARGEST_RATIO) >> RATIO_BITS, thresholds)
            expected += column_mean
            shift: Number = np.int64(states[c]) & 1
            value: Number = np.int64(matrix[r, c])
            magnitude: Number = -value - shift if value < 0 else value
            total = totals[kind, shift : shift + 1]
            magnitude = _code_magnitude(encoding, coder, words, magnitude, counts[kind, shift], total, met[kind, shift])
            negative: Number = np.int64(value < 0)
            if magnitude + shift > 0:
                negative = plain(encoding, coder, words, negative, 1)
            value = -magnitude - shift if negative else magnitude
            if magnitude < 0 or negative < 0 or value < -MAX_MAGNITUDE or (not encoding and coder[POSITION] > len(words) + 1):
                return -1
            matrix[r, c] = value
            states[c] = following[states[c], value & 1]
            halves: Number = 2 * magnitude + shift
            row_sum += halves
            column_sums[c] += halves
        sum_of_all += row_sum
    return mean


@compiled
def _class(size: int, thresholds: NDArray[np.int64]) -> int:
    """How many thresholds are not above `size`."""
    low, high = 0, len(thresholds)
    while low < high:
        middle = (low + high) // 2
        if thresholds[middle] <= size:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def _code_magnitude(
    encoding: bool,
    coder: Coder,
    words: Words,
    magnitude: Number,
    counts: NDArray[np.int64],
    total: NDArray[np.int64],
    met: NDArray[np.int64],
) -> Number:
    """The magnitude, or -1 for what is no stream. `counts`, `total` and `met` learn of it."""
    bits: Number = 0
    while magnitude >> bits >= EXACT:
        bits += 1
    token: Number = magnitude if bits == 0 else EXACT + (bits - 1 << KEPT_BITS) + (magnitude >> bits) - (1 << KEPT_BITS)
    token = symbol(encoding, coder, words, token, counts, total[0])
    if token < 0:
        return -1
    met[token] += 1
    counts[token] += INCREMENT
    total[0] += INCREMENT
    if total[0] > LIMIT:
        total[0] = 0
        for other in range(len(counts)):
            counts[other] -= counts[other] >> 1
            total[0] += counts[other]
    if token < EXACT:
        return token
    bits = (token - EXACT >> KEPT_BITS) + 1
    extra = plain(encoding, coder, words, magnitude & (1 << bits) - 1, bits)
    return -1 if extra < 0 else ((token - EXACT & (1 << KEPT_BITS) - 1) + (1 << KEPT_BITS) << bits) + extra
