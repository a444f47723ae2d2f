"""A range coder (Martin 1979) that is compiled, for models that change with every symbol.

A coder is three unsigned 64-bit numbers: while encoding LOW is the lowest number that the stream may still be, while decoding
how far the stream is above that; RANGE, how many numbers are open; POSITION, how many 32-bit words were written or read. As
in constriction's coder of the other streams, a word moves whenever RANGE falls below 2³².
"""

import numba
import numpy as np
from numpy.typing import NDArray

Coder = NDArray[np.uint64]
Words = NDArray[np.uint32]
Number = int | np.int64

LOW, RANGE, POSITION = 0, 1, 2
WHOLE = (1 << 64) - 1
FULL_WORD, WORD_BITS, SMALLEST_RANGE = np.uint32(0xFFFFFFFF), np.uint64(32), np.uint64(1 << 32)

compiled = numba.njit(cache=True, nogil=True, error_model="numpy")


def encoder() -> Coder:
    return np.array([0, WHOLE, 0], np.uint64)


def decoder(words: Words) -> Coder:
    """Having read two words; those past the end are 0."""
    first, second = [*map(int, words[:2]), 0, 0][:2]
    return np.array([first << 32 | second, WHOLE, 2], np.uint64)


@compiled
def symbol(encoding: bool, coder: Coder, words: Words, value: Number, counts: NDArray[np.int64], total: Number) -> Number:
    """Code `value`, or decode it, by counts that sum to `total`, below 2³². -1 where no stream decodes so."""
    scale = coder[RANGE] // np.uint64(total)
    left: Number = 0
    if encoding:
        for smaller in range(value):
            left += counts[smaller]
    else:
        quantile = coder[LOW] // scale
        if quantile >= np.uint64(total):
            return -1
        value, aim = 0, np.int64(quantile)
        while left + counts[value] <= aim:
            left += counts[value]
            value += 1
    _narrow(encoding, coder, words, scale, np.uint64(left), np.uint64(counts[value]))
    return value


@compiled
def plain(encoding: bool, coder: Coder, words: Words, value: Number, bits: Number) -> Number:
    """The same of a number of that many bits, all equally likely."""
    scale = coder[RANGE] >> np.uint64(bits)
    if not encoding:
        quantile = coder[LOW] // scale
        if quantile >> np.uint64(bits):
            return -1
        value = np.int64(quantile)
    _narrow(encoding, coder, words, scale, np.uint64(value), np.uint64(1))
    return value


@compiled
def _narrow(encoding: bool, coder: Coder, words: Words, scale: np.uint64, left: np.uint64, size: np.uint64) -> None:
    coder[RANGE] = scale * size
    if encoding:
        low = coder[LOW] + scale * left
        if low < coder[LOW]:
            _carry(words, np.int64(coder[POSITION]))
        coder[LOW] = low
    else:
        coder[LOW] -= scale * left
    if coder[RANGE] < SMALLEST_RANGE:
        position = np.int64(coder[POSITION])
        if encoding:
            words[position] = np.uint32(coder[LOW] >> WORD_BITS)
        coder[LOW] <<= WORD_BITS
        if not encoding and position < len(words):
            coder[LOW] |= np.uint64(words[position])
        coder[RANGE] <<= WORD_BITS
        coder[POSITION] += np.uint64(1)


@compiled
def _carry(words: Words, position: Number) -> None:
    """Add 1 to the number that the words before `position` spell."""
    position -= 1
    while words[position] == FULL_WORD:
        words[position] = 0
        position -= 1
    words[position] += np.uint32(1)


@compiled
def finish(coder: Coder, words: Words) -> None:
    """The last word of an encoder: the shortest number that is still open."""
    if coder[LOW] << WORD_BITS:  # round up
        if coder[LOW] >> WORD_BITS == np.uint64(FULL_WORD):
            _carry(words, np.int64(coder[POSITION]))
        coder[LOW] += SMALLEST_RANGE
    position = np.int64(coder[POSITION])
    words[position] = np.uint32(coder[LOW] >> WORD_BITS)
    coder[POSITION] += np.uint64(1)
