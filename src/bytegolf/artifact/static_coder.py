"""Integers <-> bytes with histograms that are sent along: the coder of weights on grids, near their entropy.

The stream is one of constriction's range coder. Rows differ in scale, so each row is assigned a class by its root mean square, four
classes to the octave, and each class has its own histogram of the magnitudes' tokens. Signs are plain bits.

Every probability comes from a table of integers, scaled by correctly rounded operations alone, so that any machine
decodes the same numbers.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import constriction
import numpy as np

from bytegolf.arrays import Integers
from bytegolf.artifact.magnitudes import MAX_MAGNITUDE, MAX_TOKENS, CorruptStreamError, join_tokens, largest_magnitude, split_magnitudes

CLASSES_PER_OCTAVE = 4
LOWEST_OCTAVE = -4  # rows whose root mean square is below 2**-4 share a class
MAX_CLASSES = 2 + CLASSES_PER_OCTAVE * (MAX_MAGNITUDE.bit_length() - LOWEST_OCTAVE)
LEVELS_PER_OCTAVE = 4  # precision of a histogram's counts: 2**(1/4), worth 0.001 bit per symbol
MAX_LEVEL = 32 * LEVELS_PER_OCTAVE

_model = constriction.stream.model


def encode_integers(matrices: Sequence[Integers]) -> bytes:
    """Return the stream of matrices (rows, columns), which `decode_integers` reads if it is told their shapes.

    Raises ValueError for magnitudes above MAX_MAGNITUDE.
    """
    encoder = constriction.stream.queue.RangeEncoder()
    classes = [_row_classes(matrix) for matrix in matrices]
    for row_classes in classes:
        _encode_symbols(encoder, row_classes)
    for row_class in _used(classes):
        values = np.concatenate([matrix[rows == row_class].ravel() for matrix, rows in zip(matrices, classes, strict=True)])
        _encode_values(encoder, values)
    return bytes(encoder.get_compressed().astype("<u4").tobytes())


def decode_integers(data: bytes, shapes: Iterable[tuple[int, int]]) -> list[Integers]:
    """Return the matrices of these shapes that were encoded. Raises CorruptStreamError where the bytes cannot be such a stream."""
    try:
        return _decode(data, shapes)
    except AssertionError as error:  # how constriction says that a point is outside the coder's range
        raise CorruptStreamError(str(error)) from None


def _decode(data: bytes, shapes: Iterable[tuple[int, int]]) -> list[Integers]:
    """Return the matrices. Raises AssertionError too where constriction meets a stream that cannot be."""
    if len(data) % 4:
        raise CorruptStreamError("a stream is a whole number of 32-bit words")
    decoder = constriction.stream.queue.RangeDecoder(np.frombuffer(data, "<u4").astype(np.uint32))
    matrices = [np.zeros(shape, np.int32) for shape in shapes]
    classes = [_decode_symbols(decoder, len(matrix), MAX_CLASSES) for matrix in matrices]
    for row_class in _used(classes):
        masks = [rows == row_class for rows in classes]
        counts = [int(mask.sum()) * matrix.shape[1] for mask, matrix in zip(masks, matrices, strict=True)]
        values = np.split(_decode_values(decoder, sum(counts)), np.cumsum(counts)[:-1])
        for matrix, mask, part in zip(matrices, masks, values, strict=True):
            matrix[mask] = part.reshape(-1, matrix.shape[1])
    if not decoder.maybe_exhausted():
        raise CorruptStreamError("bytes are left after the last integer")
    return matrices


def entropy_bits(matrices: Iterable[Integers]) -> float:
    """Return the order-0 entropy of each matrix's integers, summed, in bits.

    It is what an ideal coder would need that knew the histogram of each matrix.
    """
    total = 0.0
    for matrix in matrices:
        counts = np.unique(matrix, return_counts=True)[1]
        total -= float((counts * np.log2(counts / counts.sum())).sum())
    return total


def _row_classes(matrix: Integers) -> Integers:
    """Return the class of each row: 0 for zeros, else by root mean square, which grows by 2**(1/4) from class to class."""
    rms = np.sqrt(np.square(matrix, dtype=np.float64).mean(axis=1))
    octave = np.log2(np.maximum(rms, 2.0**LOWEST_OCTAVE))
    classes = 1 + np.round((octave - LOWEST_OCTAVE) * CLASSES_PER_OCTAVE)
    return np.where(rms > 0, classes, 0).astype(np.int32)


def _used(classes: Sequence[Integers]) -> list[int]:
    """Return the classes that have values to code, in order; rows of class 0 hold none."""
    return sorted(set(np.concatenate(classes).tolist()) - {0}) if classes else []


def _encode_values(encoder: Any, values: Integers) -> None:
    """Encode the values of all rows of a class: tokens, then plain bits, then signs."""
    if largest_magnitude(values) > MAX_MAGNITUDE:
        raise ValueError(f"integers reach {largest_magnitude(values)}, above {MAX_MAGNITUDE}")
    magnitudes = np.abs(values)
    tokens, extra_bits, extra = split_magnitudes(magnitudes)
    _encode_symbols(encoder, tokens)
    for bits in np.unique(extra_bits[extra_bits > 0]):
        encoder.encode(extra[extra_bits == bits], _model.Uniform(1 << int(bits)))
    encoder.encode((values[magnitudes > 0] < 0).astype(np.int32), _model.Uniform(2))


def _decode_values(decoder: Any, count: int) -> Integers:
    """Return the next `count` values of a class."""
    tokens = _decode_symbols(decoder, count, MAX_TOKENS)
    extra_bits, base = join_tokens(tokens)
    extra = np.zeros(count, np.int32)
    for bits in np.unique(extra_bits[extra_bits > 0]):
        chosen = extra_bits == bits
        extra[chosen] = decoder.decode(_model.Uniform(1 << int(bits)), int(chosen.sum()))
    values = base + extra
    nonzero = values > 0
    negative = decoder.decode(_model.Uniform(2), int(nonzero.sum()))
    values[nonzero] *= 1 - 2 * negative
    return values


def _encode_symbols(encoder: Any, symbols: Integers) -> None:
    """Encode symbols after their histogram: counts on a logarithmic scale, each as its difference from the one before."""
    counts = np.bincount(symbols, minlength=2)
    levels = np.where(counts > 0, 1 + np.round(LEVELS_PER_OCTAVE * np.log2(np.maximum(counts, 1))), 0).astype(np.int32)
    encoder.encode(len(levels) - 2, _model.Uniform(max(MAX_TOKENS, MAX_CLASSES)))
    encoder.encode(np.diff(levels, prepend=0).astype(np.int32) + MAX_LEVEL, _difference_model())
    encoder.encode(symbols, _histogram_model(levels))


def _decode_symbols(decoder: Any, count: int, limit: int) -> Integers:
    """Return `count` symbols below `limit`, after their histogram."""
    size = 2 + int(decoder.decode(_model.Uniform(max(MAX_TOKENS, MAX_CLASSES))))
    levels = np.cumsum(decoder.decode(_difference_model(), size) - MAX_LEVEL)
    if size > max(limit, 2) or levels.min() < 0 or levels.max() > MAX_LEVEL or levels.max() == 0:
        raise CorruptStreamError("a histogram is out of bounds")
    symbols: Integers = decoder.decode(_histogram_model(levels.astype(np.int32)), count)
    return symbols


def _histogram_model(levels: Integers) -> Any:
    """Return constriction's model of symbols whose counts have these levels."""
    frequencies = np.array([_frequency(int(level)) for level in levels], np.float64)
    return _model.Categorical(frequencies, perfect=False)


def _frequency(level: int) -> int:
    """Return 0 for level 0, else 2**((level - 1) / 4) in units of 2**-16, rounded down by integer roots."""
    return math.isqrt(math.isqrt(1 << (63 + level))) if level else 0


def _difference_model() -> Any:
    """Return the model of differences between neighbouring levels: each is half as likely as the one nearer to 0."""
    distance = np.abs(np.arange(-MAX_LEVEL, MAX_LEVEL + 1))
    return _model.Categorical((1 + (4096 >> np.minimum(distance, 12))).astype(np.float64), perfect=False)
