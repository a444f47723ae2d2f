"""Integers <-> bytes, near their entropy: one range-coder stream (constriction) per group of matrices.

Rows differ in scale, so each row is assigned a class by its root mean square, four classes to the octave, and each
class has its own histogram of magnitudes. Large magnitudes are split as in JPEG XL's hybrid integers: a token that
keeps the leading bits, coded by histogram, and the rest as plain bits. Signs are plain bits.

Every probability comes from a table of integers, scaled by correctly rounded operations alone, so that any machine
decodes the same numbers.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import constriction
import numpy as np

from bytegolf.arrays import Integers

EXACT = 32  # magnitudes below this are tokens of their own
KEPT_BITS = 4  # of a larger magnitude, beside its leading one
MAX_MAGNITUDE = (1 << 20) - 1
MAX_TOKENS = EXACT + (1 << KEPT_BITS) * (MAX_MAGNITUDE.bit_length() - EXACT.bit_length() + 1)
CLASSES_PER_OCTAVE = 4
LOWEST_OCTAVE = -4  # rows whose root mean square is below 2**-4 share a class
MAX_CLASSES = 2 + CLASSES_PER_OCTAVE * (MAX_MAGNITUDE.bit_length() - LOWEST_OCTAVE)
LEVELS_PER_OCTAVE = 4  # precision of a histogram's counts: 2**(1/4), worth 0.001 bit per symbol
MAX_LEVEL = 32 * LEVELS_PER_OCTAVE

_model = constriction.stream.model


class CorruptStreamError(Exception):
    """The bytes are not a stream this module wrote."""


def encode_integers(matrices: Sequence[Integers]) -> bytes:
    """Code matrices (rows, columns) of integers up to MAX_MAGNITUDE. `decode_integers` needs their shapes."""
    encoder = constriction.stream.queue.RangeEncoder()
    classes = [_row_classes(matrix) for matrix in matrices]
    for row_classes in classes:
        _encode_symbols(encoder, row_classes)
    for row_class in _used(classes):
        values = np.concatenate([matrix[rows == row_class].ravel() for matrix, rows in zip(matrices, classes, strict=True)])
        _encode_values(encoder, values)
    return bytes(encoder.get_compressed().astype("<u4").tobytes())


def decode_integers(data: bytes, shapes: Iterable[tuple[int, int]]) -> list[Integers]:
    """The matrices that were coded. Raises CorruptStreamError where the bytes cannot be such a stream."""
    try:
        return _decode(data, shapes)
    except AssertionError as error:  # constriction's word for a point outside the coder's range
        raise CorruptStreamError(str(error)) from None


def _decode(data: bytes, shapes: Iterable[tuple[int, int]]) -> list[Integers]:
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
    """Order-0 entropy of each matrix's integers, summed, in bits: what an ideal coder that knew each histogram would need."""
    total = 0.0
    for matrix in matrices:
        counts = np.unique(matrix, return_counts=True)[1]
        total -= float((counts * np.log2(counts / counts.sum())).sum())
    return total


def _row_classes(matrix: Integers) -> Integers:
    """0 for a row of zeros, else a step of 2**(1/4) in root mean square for each class."""
    rms = np.sqrt(np.square(matrix, dtype=np.float64).mean(axis=1))
    octave = np.log2(np.maximum(rms, 2.0**LOWEST_OCTAVE))
    classes = 1 + np.round((octave - LOWEST_OCTAVE) * CLASSES_PER_OCTAVE)
    return np.where(rms > 0, classes, 0).astype(np.int32)


def _used(classes: Sequence[Integers]) -> list[int]:
    """Classes that have values to code, in order; rows of class 0 hold none."""
    return sorted(set(np.concatenate(classes).tolist()) - {0}) if classes else []


def _encode_values(encoder: Any, values: Integers) -> None:
    magnitudes = np.abs(values)
    if magnitudes.max() > MAX_MAGNITUDE:
        raise ValueError(f"integers reach {magnitudes.max()}, above {MAX_MAGNITUDE}")
    tokens, extra_bits, extra = _split(magnitudes)
    _encode_symbols(encoder, tokens)
    for bits in np.unique(extra_bits[extra_bits > 0]):
        encoder.encode(extra[extra_bits == bits], _model.Uniform(1 << int(bits)))
    encoder.encode((values[magnitudes > 0] < 0).astype(np.int32), _model.Uniform(2))


def _decode_values(decoder: Any, count: int) -> Integers:
    tokens = _decode_symbols(decoder, count, MAX_TOKENS)
    extra_bits, base = _join(tokens)
    extra = np.zeros(count, np.int32)
    for bits in np.unique(extra_bits[extra_bits > 0]):
        chosen = extra_bits == bits
        extra[chosen] = decoder.decode(_model.Uniform(1 << int(bits)), int(chosen.sum()))
    values = base + extra
    nonzero = values > 0
    negative = decoder.decode(_model.Uniform(2), int(nonzero.sum()))
    values[nonzero] *= 1 - 2 * negative
    return values


def _split(magnitudes: Integers) -> tuple[Integers, Integers, Integers]:
    """Token, number of plain bits and their value for each magnitude."""
    length = np.frexp(magnitudes.astype(np.float64))[1].astype(np.int32)  # bit length
    extra_bits = np.where(magnitudes < EXACT, 0, length - 1 - KEPT_BITS).astype(np.int32)
    kept = magnitudes >> extra_bits  # below EXACT, or KEPT_BITS after a leading one
    octave = np.maximum(length - EXACT.bit_length(), 0)
    tokens = np.where(magnitudes < EXACT, magnitudes, EXACT + (octave << KEPT_BITS) + kept - (1 << KEPT_BITS))
    return tokens.astype(np.int32), extra_bits, (magnitudes - (kept << extra_bits)).astype(np.int32)


def _join(tokens: Integers) -> tuple[Integers, Integers]:
    """Number of plain bits and the smallest magnitude for each token: the inverse of `_split`."""
    above = np.maximum(tokens - EXACT, 0)
    octave = above >> KEPT_BITS
    extra_bits = np.where(tokens < EXACT, 0, octave + EXACT.bit_length() - 1 - KEPT_BITS).astype(np.int32)
    kept = (above & ((1 << KEPT_BITS) - 1)) + (1 << KEPT_BITS)
    return extra_bits, np.where(tokens < EXACT, tokens, kept << extra_bits).astype(np.int32)


def _encode_symbols(encoder: Any, symbols: Integers) -> None:
    """Symbols after their histogram: counts on a logarithmic scale, each coded by its difference from the one before."""
    counts = np.bincount(symbols, minlength=2)
    levels = np.where(counts > 0, 1 + np.round(LEVELS_PER_OCTAVE * np.log2(np.maximum(counts, 1))), 0).astype(np.int32)
    encoder.encode(len(levels) - 2, _model.Uniform(max(MAX_TOKENS, MAX_CLASSES)))
    encoder.encode(np.diff(levels, prepend=0).astype(np.int32) + MAX_LEVEL, _difference_model())
    encoder.encode(symbols, _histogram_model(levels))


def _decode_symbols(decoder: Any, count: int, limit: int) -> Integers:
    size = 2 + int(decoder.decode(_model.Uniform(max(MAX_TOKENS, MAX_CLASSES))))
    levels = np.cumsum(decoder.decode(_difference_model(), size) - MAX_LEVEL)
    if size > max(limit, 2) or levels.min() < 0 or levels.max() > MAX_LEVEL or levels.max() == 0:
        raise CorruptStreamError("a histogram is out of bounds")
    symbols: Integers = decoder.decode(_histogram_model(levels.astype(np.int32)), count)
    return symbols


def _histogram_model(levels: Integers) -> Any:
    frequencies = np.array([_frequency(int(level)) for level in levels], np.float64)
    return _model.Categorical(frequencies, perfect=False)


def _frequency(level: int) -> int:
    """0 for level 0, else 2**((level - 1) / 4) in units of 2**-16, rounded down by integer roots."""
    return math.isqrt(math.isqrt(1 << (63 + level))) if level else 0


def _difference_model() -> Any:
    """Differences of neighbouring levels: halves with each step away from 0."""
    distance = np.abs(np.arange(-MAX_LEVEL, MAX_LEVEL + 1))
    return _model.Categorical((1 + (4096 >> np.minimum(distance, 12))).astype(np.float64), perfect=False)
