"""Integers of trellis-coded matrices <-> bytes: a range coder whose probabilities follow what was coded before.

A magnitude is coded as a token and plain bits (`magnitudes`), the token by the histogram of its class (`adaptive_model`), which learns
of it at once; then the sign as a plain bit. It costs half a percent over a coder that knew its histograms beforehand, and less than
0.1 µs an integer: nothing of it can be computed side by side.
"""

from collections.abc import Sequence

import numpy as np

from bytegolf.arrays import Integers
from bytegolf.artifact.adaptive_model import (
    FIRST_MEAN,
    Histograms,
    Sizes,
    column_mean,
    learn,
    move_on,
    plain_bits_of,
    row_mean,
    size_class,
)
from bytegolf.artifact.magnitudes import EXACT, KEPT_BITS, MAX_MAGNITUDE, MAX_TOKENS, CorruptStreamError, largest_magnitude
from bytegolf.artifact.range_coder import (
    CORRUPT,
    POSITION,
    Number,
    RangeDecoder,
    RangeEncoder,
    decode_plain,
    decode_symbol,
    encode_plain,
    encode_symbol,
)
from bytegolf.artifact.trellis_states import NEXT
from bytegolf.compiling import compiled_inside_without_counts, compiled_without_counts

WORDS_PER_WEIGHT = 2  # at most: a token takes 24 bits, what is plain 17


def encode_trellis(matrices: Sequence[Integers], row_scales: Sequence[Integers]) -> bytes:
    """Return the stream of matrices (rows, columns) whose rows have these scales of spacings; no bytes for no matrices.

    `decode_trellis` needs the scales and the numbers of columns. Raises ValueError for magnitudes above MAX_MAGNITUDE.
    """
    if not matrices:
        return b""
    if max(map(largest_magnitude, matrices)) > MAX_MAGNITUDE:
        raise ValueError(f"an integer is above {MAX_MAGNITUDE}")
    encoder, _ = _encode(matrices, row_scales)
    return encoder.finish()


def entropy_given_histograms(matrices: Sequence[Integers], row_scales: Sequence[Integers]) -> float:
    """Return the bits that `encode_trellis` would need, had it known every histogram beforehand.

    Whatever a stream takes above that is spent on learning.
    """
    if not matrices:
        return 0.0
    met = _encode(matrices, row_scales)[1].met
    in_all = met.sum(axis=2, keepdims=True)
    tokens = met * np.log2(np.maximum(in_all, 1) / np.maximum(met, 1))
    extra = np.array([plain_bits_of(token)[0] for token in range(MAX_TOKENS)])
    signs = met.sum() - met[:, 0, 0].sum()  # zero has none, but for the grid half a spacing up
    return float(tokens.sum() + (met * extra).sum() + signs)


def decode_trellis(data: bytes, row_scales: Sequence[Integers], columns: Sequence[int]) -> list[Integers]:
    """Return the decoded matrices: one row for each of its scales, and as many columns as given.

    Raises CorruptStreamError for other bytes.
    """
    if len(data) % 4 or bool(data) != bool(columns):
        raise CorruptStreamError("a stream of another length")
    decoder, histograms = RangeDecoder.of(data), Histograms.first()
    mean: Number = FIRST_MEAN
    matrices = [np.zeros((len(scales), width), np.int32) for scales, width in zip(row_scales, columns, strict=True)]
    for matrix, scales in zip(matrices, row_scales, strict=True):
        mean = _decode_matrix(decoder, matrix, Sizes.first(scales, matrix.shape[1], NEXT), histograms, mean)
        if mean == CORRUPT:
            raise CorruptStreamError("a symbol is out of bounds")
    if columns and not decoder.at_end():
        raise CorruptStreamError("bytes are left after the last integer")
    return matrices


def _encode(matrices: Sequence[Integers], row_scales: Sequence[Integers]) -> tuple[RangeEncoder, Histograms]:
    """Return the encoder of all matrices before its last word, and the histograms after them."""
    encoder = RangeEncoder.with_room(WORDS_PER_WEIGHT * sum(matrix.size for matrix in matrices))
    histograms = Histograms.first()
    mean: Number = FIRST_MEAN
    for matrix, scales in zip(matrices, row_scales, strict=True):
        sizes = Sizes.first(scales, matrix.shape[1], NEXT)
        mean = _encode_matrix(encoder, np.ascontiguousarray(matrix, np.int32), sizes, histograms, mean)
    return encoder, histograms


@compiled_without_counts
def _encode_matrix(encoder: RangeEncoder, matrix: Integers, sizes: Sizes, histograms: Histograms, before: Number) -> Number:
    """Encode a matrix row by row and return its mean size; `before` is the previous matrix's mean size."""
    rows, columns = matrix.shape
    mean, total = before, np.int64(0)
    for r in range(rows):
        mean = row_mean(total, r * columns, before)
        row_sum, row_expected = np.int64(0), np.int64(0)
        for c in range(columns):
            expected = column_mean(sizes, r, c, mean)
            kind = size_class(sizes, r, expected, mean, row_sum, row_expected)
            shift, value = np.int64(sizes.states[c]) & 1, np.int64(matrix[r, c])
            magnitude = -value - shift if value < 0 else value
            _encode_magnitude(encoder, histograms, kind, shift, magnitude)
            size = 2 * magnitude + shift
            if size > 0:
                encode_plain(encoder, np.int64(value < 0), 1)
            move_on(sizes, c, value, size)
            row_sum += size
            row_expected += expected
        total += row_sum
    return mean


@compiled_without_counts
def _decode_matrix(decoder: RangeDecoder, matrix: Integers, sizes: Sizes, histograms: Histograms, before: Number) -> Number:
    """Decode a matrix into `matrix` and return its mean size, or CORRUPT for what is no stream."""
    rows, columns = matrix.shape
    mean, total = before, np.int64(0)
    for r in range(rows):
        mean = row_mean(total, r * columns, before)
        row_sum, row_expected = np.int64(0), np.int64(0)
        for c in range(columns):
            expected = column_mean(sizes, r, c, mean)
            kind = size_class(sizes, r, expected, mean, row_sum, row_expected)
            shift = np.int64(sizes.states[c]) & 1
            magnitude = _decode_magnitude(decoder, histograms, kind, shift)
            size = 2 * magnitude + shift
            negative = decode_plain(decoder, 1) if size > 0 else np.int64(0)
            value = -magnitude - shift if negative else magnitude
            if magnitude < 0 or negative < 0 or value < -MAX_MAGNITUDE or decoder.registers[POSITION] > len(decoder.words) + 1:
                return CORRUPT
            matrix[r, c] = value
            move_on(sizes, c, value, size)
            row_sum += size
            row_expected += expected
        total += row_sum
    return mean


@compiled_inside_without_counts
def _encode_magnitude(encoder: RangeEncoder, histograms: Histograms, kind: Number, shift: Number, magnitude: Number) -> None:
    """Encode the token of a magnitude, of which the histograms learn, and its plain bits."""
    bits = 0
    while magnitude >> bits >= EXACT:
        bits += 1
    token = magnitude if bits == 0 else EXACT + (bits - 1 << KEPT_BITS) + (magnitude >> bits) - (1 << KEPT_BITS)
    encode_symbol(encoder, token, histograms.counts[kind, shift], histograms.totals[kind, shift])
    learn(histograms, kind, shift, token)
    if bits > 0:
        encode_plain(encoder, magnitude & (1 << bits) - 1, bits)


@compiled_inside_without_counts
def _decode_magnitude(decoder: RangeDecoder, histograms: Histograms, kind: Number, shift: Number) -> Number:
    """Return the next magnitude, of which the histograms learn, or CORRUPT for what is no stream."""
    token = decode_symbol(decoder, histograms.counts[kind, shift], histograms.totals[kind, shift])
    if token < 0:
        return CORRUPT
    learn(histograms, kind, shift, token)
    if token < EXACT:
        return token
    bits = (token - EXACT >> KEPT_BITS) + 1
    extra = decode_plain(decoder, bits)
    return CORRUPT if extra < 0 else ((token - EXACT & (1 << KEPT_BITS) - 1) + (1 << KEPT_BITS) << bits) + extra
