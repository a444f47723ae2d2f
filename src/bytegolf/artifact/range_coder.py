"""A compiled range coder (Martin 1979), for models that change with every symbol: an encoder and a decoder.

Encoder and decoder keep the same interval of numbers, and narrow it by each symbol to the symbol's share. The stream is a number
inside of it, written in 32-bit words, the highest first. **Invariant** between symbols, on both sides:

    2³² ≤ RANGE < 2⁶⁴

so that a total of up to 2³² counts divides into shares that are not empty. Whenever RANGE falls below 2³², the highest word can hardly
change any more: it is moved out of the encoder, or the next one into the decoder, and RANGE grows by 2³². As in constriction's coder,
which the static coder uses, a carry out of the 64 bits is added at once to the words that are already written.

Where a symbol is coded by counts, at most `total` numbers of the range are lost by rounding: less than 2⁻⁸ bit for a total of 2²⁴.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bytegolf.compiling import compiled_without_counts

Words = NDArray[np.uint32]
Counts = NDArray[np.int64]
Number = int | np.int64

LOW = OFFSET = 0  # the register that encoder and decoder each have their own of
RANGE, POSITION = 1, 2
FULL_RANGE = (1 << 64) - 1
FULL_WORD, WORD_BITS, SMALLEST_RANGE = np.uint32(0xFFFFFFFF), np.uint64(32), np.uint64(1 << 32)
CORRUPT = -1  # what a decoder answers where no encoder can have written the stream


class RangeEncoder(NamedTuple):
    """Writes symbols into words. The functions `encode_…` move it on.

    `registers` are uint64: the stream will be a number from LOW up to, but not including, LOW + RANGE, behind the words that are
    written; POSITION says how many those are.
    """

    registers: NDArray[np.uint64]
    words: Words

    @classmethod
    def with_room(cls, words: int) -> "RangeEncoder":
        """Return an encoder of nothing yet, with room for so many words and the last one."""
        return cls(np.array([0, FULL_RANGE, 0], np.uint64), np.empty(words + 1, np.uint32))

    def finish(self) -> bytes:
        """Return the complete stream, ended by the shortest number that is inside the interval. Nothing can be encoded afterwards."""
        _finish(self)
        return self.words[: int(self.registers[POSITION])].astype("<u4").tobytes()


class RangeDecoder(NamedTuple):
    """Reads the symbols of an encoder's stream. The functions `decode_…` move it on.

    `registers` are uint64: OFFSET is how far the stream lies above the lower end of the interval (an encoder's LOW), so that a sound
    stream has OFFSET < RANGE; POSITION says how many words were read. Words behind the end read as 0.
    """

    registers: NDArray[np.uint64]
    words: Words

    @classmethod
    def of(cls, data: bytes) -> "RangeDecoder":
        """Return a decoder at the beginning of a stream of whole words, the first two of which it has read."""
        words = np.frombuffer(data, "<u4").astype(np.uint32)
        first, second = [*map(int, words[:2]), 0, 0][:2]
        return cls(np.array([first << 32 | second, FULL_RANGE, 2], np.uint64), words)

    def at_end(self) -> bool:
        """Return whether all was read: an encoder ends one word before the decoder's last."""
        return int(self.registers[POSITION]) == len(self.words) + 1


# --- encoding


@compiled_without_counts
def encode_symbol(encoder: RangeEncoder, symbol: Number, counts: Counts, total: Number) -> None:
    """Encode `symbol` by counts that sum to `total`, which is below 2³²."""
    left: Number = 0
    for smaller in range(symbol):
        left += counts[smaller]
    _narrow_encoder(encoder, encoder.registers[RANGE] // np.uint64(total), np.uint64(left), np.uint64(counts[symbol]))


@compiled_without_counts
def encode_plain(encoder: RangeEncoder, value: Number, bits: Number) -> None:
    """Encode a number of so many bits, all equally likely."""
    _narrow_encoder(encoder, encoder.registers[RANGE] >> np.uint64(bits), np.uint64(value), np.uint64(1))


@compiled_without_counts
def encode_share(encoder: RangeEncoder, symbol: Number, shares: Counts, bits: Number) -> None:
    """Encode `symbol` by shares that sum to 2^bits, up to 2³². No number of the range is lost, however small it is."""
    left: Number = 0
    for smaller in range(symbol):
        left += shares[smaller]
    full = encoder.registers[RANGE]
    first = _part(full, left, bits)
    _narrow_encoder(encoder, np.uint64(1), first, _part(full, left + shares[symbol], bits) - first)


@compiled_without_counts
def _part(full: np.uint64, share: Number, bits: Number) -> np.uint64:
    """Return full · share / 2^bits, rounded down, for a share of up to 2^bits."""
    high, low = full >> np.uint64(bits), full & ((np.uint64(1) << np.uint64(bits)) - np.uint64(1))
    return high * np.uint64(share) + (low * np.uint64(share) >> np.uint64(bits))


@compiled_without_counts
def _narrow_encoder(encoder: RangeEncoder, scale: np.uint64, left: np.uint64, size: np.uint64) -> None:
    """Narrow the interval to `size` of its parts of `scale` numbers each, after the first `left` of them."""
    registers = encoder.registers
    registers[RANGE] = scale * size
    low = registers[LOW] + scale * left
    if low < registers[LOW]:
        _carry(encoder)
    registers[LOW] = low
    if registers[RANGE] < SMALLEST_RANGE:
        encoder.words[np.int64(registers[POSITION])] = np.uint32(registers[LOW] >> WORD_BITS)
        registers[LOW] <<= WORD_BITS
        registers[RANGE] <<= WORD_BITS
        registers[POSITION] += np.uint64(1)


@compiled_without_counts
def _carry(encoder: RangeEncoder) -> None:
    """Add 1 to the number that the written words spell."""
    position = np.int64(encoder.registers[POSITION]) - 1
    while encoder.words[position] == FULL_WORD:
        encoder.words[position] = 0
        position -= 1
    encoder.words[position] += np.uint32(1)


@compiled_without_counts
def _finish(encoder: RangeEncoder) -> None:
    """Write the last word: LOW rounded up to a whole word, which lies inside the interval as RANGE ≥ 2³²."""
    registers = encoder.registers
    if registers[LOW] << WORD_BITS:
        if registers[LOW] >> WORD_BITS == np.uint64(FULL_WORD):
            _carry(encoder)
        registers[LOW] += SMALLEST_RANGE
    encoder.words[np.int64(registers[POSITION])] = np.uint32(registers[LOW] >> WORD_BITS)
    registers[POSITION] += np.uint64(1)


# --- decoding


@compiled_without_counts
def decode_symbol(decoder: RangeDecoder, counts: Counts, total: Number) -> Number:
    """Return the next symbol, by the counts that it was encoded with; CORRUPT for what no encoder wrote."""
    scale = decoder.registers[RANGE] // np.uint64(total)
    quantile = decoder.registers[OFFSET] // scale
    if quantile >= np.uint64(total):
        return CORRUPT
    symbol, left, aim = 0, np.int64(0), np.int64(quantile)
    while left + counts[symbol] <= aim:
        left += counts[symbol]
        symbol += 1
    _narrow_decoder(decoder, scale, np.uint64(left), np.uint64(counts[symbol]))
    return symbol


@compiled_without_counts
def decode_plain(decoder: RangeDecoder, bits: Number) -> Number:
    """Return the next number of so many bits; CORRUPT for what no encoder wrote."""
    scale = decoder.registers[RANGE] >> np.uint64(bits)
    value = decoder.registers[OFFSET] // scale
    if value >> np.uint64(bits):
        return CORRUPT
    _narrow_decoder(decoder, scale, value, np.uint64(1))
    return np.int64(value)


@compiled_without_counts
def decode_share(decoder: RangeDecoder, shares: Counts, bits: Number) -> Number:
    """Return the next symbol, by the shares that it was encoded with; CORRUPT for what no encoder wrote."""
    full, aim = decoder.registers[RANGE], decoder.registers[OFFSET]
    if aim >= full:
        return CORRUPT
    symbol, left, first = 0, np.int64(shares[0]), np.uint64(0)
    stop = _part(full, left, bits)
    while stop <= aim:
        symbol += 1
        left += shares[symbol]
        first, stop = stop, _part(full, left, bits)
    _narrow_decoder(decoder, np.uint64(1), first, stop - first)
    return symbol


@compiled_without_counts
def _narrow_decoder(decoder: RangeDecoder, scale: np.uint64, left: np.uint64, size: np.uint64) -> None:
    """Narrow the interval as the encoder did."""
    registers = decoder.registers
    registers[RANGE] = scale * size
    registers[OFFSET] -= scale * left
    if registers[RANGE] < SMALLEST_RANGE:
        position = np.int64(registers[POSITION])
        registers[OFFSET] <<= WORD_BITS
        if position < len(decoder.words):
            registers[OFFSET] |= np.uint64(decoder.words[position])
        registers[RANGE] <<= WORD_BITS
        registers[POSITION] += np.uint64(1)
