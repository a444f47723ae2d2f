"""Tokens <-> bytes by a predictor's distributions: one stream of a range coder, into which the lanes go by turns.

Encoding and decoding are one loop, `transcribe`; they differ in where it takes the next tokens from. The loop hands a
predictor nothing but tokens that were coded already, so a predictor that looks ahead, or whose distributions do not sum
to 1, writes a file that does not decode or is larger than was claimed.

A distribution is whole parts of TOTAL, so the same distributions give the same bits on any machine. L lanes, V tokens in the vocabulary.
"""

import math
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from bytegolf.arrays import Tokens
from bytegolf.artifact.range_coder import CORRUPT, POSITION, RangeDecoder, RangeEncoder, decode_share, encode_share
from bytegolf.coding.predictor import Predictor
from bytegolf.compiling import compiled
from bytegolf.exact.arithmetic import LN_2
from bytegolf.exact.bounds import PROBABILITY_BITS
from bytegolf.exact.output import Frequencies, nats_of_frequencies

WORD_BYTES = 4
SLACK_BITS = 64  # that a stream may say beyond its bytes: the coder's state at its end


class DamagedError(Exception):
    """Bytes that were not encoded by this predictor."""


class TooLongError(Exception):
    """A stream that takes no fewer bytes than it may."""


class Source(Protocol):
    """The source of the next tokens: a text that is being encoded, or a stream that is being decoded."""

    def take(self, position: int, frequencies_LV: Frequencies) -> Tokens:
        """Return the tokens at `position` of the first L lanes, given their distributions."""


class EncodingSource:
    """Takes tokens from known lanes, and encodes them. Raises TooLongError once the stream cannot stay `below` so many bytes."""

    def __init__(self, lanes: Sequence[Tokens], below: float = math.inf) -> None:
        self.lanes, self.below = lanes, below
        self.encoder = RangeEncoder.with_room(sum(map(len, lanes)))  # no token takes more than 30 bits of a word's 32

    def take(self, position: int, frequencies_LV: Frequencies) -> Tokens:
        """Return the tokens at `position` of the first L lanes, which are written to the stream."""
        tokens = np.array([lane[position] for lane in self.lanes[: len(frequencies_LV)]], np.uint16)
        _encode(self.encoder, frequencies_LV, tokens)
        if int(self.encoder.registers[POSITION]) * WORD_BYTES >= self.below:  # and its end takes a word
            raise TooLongError
        return tokens

    def data(self) -> bytes:
        """Return the stream. Raises TooLongError as `take` does."""
        data = self.encoder.finish()
        if len(data) >= self.below:
            raise TooLongError
        return data


class DecodingSource:
    """Takes tokens from a stream. Raises DamagedError for bytes that are none, and once there are more tokens than the bytes can say.

    Without that, a stream cut short would go on for as long as its head claims.
    """

    def __init__(self, data: bytes) -> None:
        if len(data) % WORD_BYTES:
            raise DamagedError("a stream is a whole number of 32-bit words")
        self.decoder = RangeDecoder.of(data)
        self.bits_left = 8.0 * len(data) + SLACK_BITS

    def take(self, position: int, frequencies_LV: Frequencies) -> Tokens:
        """Return the next L tokens of the stream."""
        tokens = np.zeros(len(frequencies_LV), np.uint16)
        if not _decode(self.decoder, frequencies_LV, tokens):
            raise DamagedError("a number that no encoder writes")
        self.bits_left -= float(nats_of_frequencies(frequencies_LV[np.arange(len(tokens)), tokens]).sum()) / LN_2
        if self.bits_left < 0:
            raise DamagedError("fewer bytes than its tokens take")
        return tokens

    def close(self) -> None:
        """Raise DamagedError if bytes are left."""
        if not self.decoder.at_end():
            raise DamagedError("bytes are left after the last token")


def transcribe(
    predictor: Predictor, lengths: Sequence[int], source: Source, advance: Callable[[int], None] = lambda _: None
) -> list[Tokens]:
    """Return the tokens of each lane, as `source` gives them for the predictor's distributions.

    `lengths`, one a lane, must not rise. `advance` is told how many more tokens are done. Raises what `source` raises.
    """
    if len(lengths) != predictor.lanes or list(lengths) != sorted(lengths, reverse=True):
        raise ValueError(f"{predictor.lanes} lanes of falling lengths, not {lengths}")
    lanes = [np.zeros(length, np.uint16) for length in lengths]
    for position in range(lengths[0]):
        active = sum(length > position for length in lengths)
        tokens = np.zeros(predictor.lanes, np.uint16)
        tokens[:active] = source.take(position, predictor.predict()[:active])
        for lane, token in zip(lanes[:active], tokens, strict=False):
            lane[position] = token
        predictor.observe(tokens)
        advance(active)
    return lanes


def encode(
    predictor: Predictor, lanes: Sequence[Tokens], advance: Callable[[int], None] = lambda _: None, below: float = math.inf
) -> bytes:
    """Return lanes of tokens as bytes. `decode` needs their lengths.

    Raises TooLongError, as early as that is certain, if they are not `below` so many.
    """
    source = EncodingSource(lanes, below)
    transcribe(predictor, [len(lane) for lane in lanes], source, advance)
    return source.data()


def decode(predictor: Predictor, lengths: Sequence[int], data: bytes, advance: Callable[[int], None] = lambda _: None) -> list[Tokens]:
    """Return the lanes that were encoded. Raises DamagedError for `data` that no lanes encode to; not every damage shows here."""
    source = DecodingSource(data)
    lanes = transcribe(predictor, lengths, source, advance)
    source.close()
    return lanes


def lane_lengths(tokens: int, lanes: int) -> list[int]:
    """Return the lengths of `lanes` neighbouring parts of a text, as equal as can be, the longer ones first."""
    return [tokens // lanes + (i < tokens % lanes) for i in range(lanes)]


@compiled
def _encode(encoder: RangeEncoder, frequencies_LV: Frequencies, tokens_L: Tokens) -> None:
    for lane in range(len(tokens_L)):
        encode_share(encoder, np.int64(tokens_L[lane]), frequencies_LV[lane], PROBABILITY_BITS)


@compiled
def _decode(decoder: RangeDecoder, frequencies_LV: Frequencies, tokens_L: Tokens) -> bool:
    """Write the next tokens and return whether an encoder can have written them."""
    for lane in range(len(tokens_L)):
        token = decode_share(decoder, frequencies_LV[lane], PROBABILITY_BITS)
        if token == CORRUPT:
            return False
        tokens_L[lane] = token
    return True
