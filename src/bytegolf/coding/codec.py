"""Tokens <-> bytes by a predictor's distributions: one range coder stream (constriction), into which the lanes go by turns.

Encoding and decoding are one loop, `transcribe`; they differ in where it takes the next tokens from. The loop hands a
predictor nothing but tokens that were coded already, so a predictor that looks ahead, or whose distributions do not sum
to 1, writes a file that does not decode or is larger than was claimed.

A distribution enters the coder as whole numbers: probabilities in units of 2**-32, which constriction scales to 24 bits in
double precision, token by token in one order, each keeping at least 2**-24. The same probabilities therefore give the same
bits on any machine; that they are the same is up to the predictor. L lanes, V tokens in the vocabulary.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import constriction
import numpy as np

from bytegolf.arrays import Doubles, Tokens
from bytegolf.coding.predictor import Distributions, Predictor

UNIT = 2.0**32
WORD_BYTES = 4
FLOOR = 2.0**-23  # above what the coder gives the least likely token
SLACK_BITS = 64  # that a stream may say beyond its bytes: the coder's state at its end

_CATEGORICAL = constriction.stream.model.Categorical(perfect=False, lazy=True)


class DamagedError(Exception):
    """Bytes that were not encoded by this predictor."""


class TooLongError(Exception):
    """A stream that takes no fewer bytes than it may."""


class Source(Protocol):
    """The source of the next tokens: a text that is being encoded, or a stream that is being decoded."""

    def take(self, position: int, probabilities_LV: Doubles) -> Tokens:
        """Return the tokens at `position` of the first L lanes, given their probabilities in whole units."""


class EncodingSource:
    """Takes tokens from known lanes, and encodes them. Raises TooLongError once the stream cannot stay `below` so many bytes."""

    def __init__(self, lanes: Sequence[Tokens], below: float) -> None:
        self.lanes, self.below = lanes, below
        self.encoder: Any = constriction.stream.queue.RangeEncoder()

    def take(self, position: int, probabilities_LV: Doubles) -> Tokens:
        """Return the tokens at `position` of the first L lanes, which are written to the stream."""
        tokens = np.array([lane[position] for lane in self.lanes[: len(probabilities_LV)]], np.uint16)
        self.encoder.encode(tokens.astype(np.int32), _CATEGORICAL, probabilities_LV)
        if (self.encoder.num_words() - 1) * WORD_BYTES >= self.below:  # its end takes one word or two
            raise TooLongError
        return tokens

    def data(self) -> bytes:
        """Return the stream. Raises TooLongError as `take` does."""
        data = bytes(self.encoder.get_compressed().astype("<u4").tobytes())
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
        self.decoder: Any = constriction.stream.queue.RangeDecoder(np.frombuffer(data, "<u4").astype(np.uint32))
        self.bits_left = 8.0 * len(data) + SLACK_BITS

    def take(self, position: int, probabilities_LV: Doubles) -> Tokens:
        """Return the next L tokens of the stream."""
        try:
            tokens = self.decoder.decode(_CATEGORICAL, probabilities_LV).astype(np.uint16)
        except AssertionError as error:  # constriction's word for a point outside the coder's range
            raise DamagedError(str(error)) from None
        chances = probabilities_LV[np.arange(len(tokens)), tokens] / probabilities_LV.sum(axis=1)
        self.bits_left += float(np.log2(np.minimum(chances + FLOOR, 1.0)).sum())  # what tokens cost at least
        if self.bits_left < 0:
            raise DamagedError("fewer bytes than its tokens take")
        return tokens

    def close(self) -> None:
        """Raise DamagedError if bytes are left."""
        if not self.decoder.maybe_exhausted():
            raise DamagedError("bytes are left after the last token")


def whole_units(distributions_LV: Distributions) -> Doubles:
    """Return probabilities in whole units of 2**-32, in double precision, (L, V)."""
    return np.rint(np.asarray(distributions_LV, np.float64) * UNIT)


def transcribe(
    predictor: Predictor, lengths: Sequence[int], source: Source, advance: Callable[[int], None] = lambda _: None
) -> list[Tokens]:
    """Return the tokens of each lane, as `source` gives them for the predictor's distributions.

    `lengths`, one a lane, must not rise. `advance` is told how many more tokens are done. Raises what `source` raises.
    """
    if len(lengths) != predictor.lanes or list(lengths) != sorted(lengths, reverse=True):
        raise ValueError(f"{predictor.lanes} lanes of falling lengths, not {lengths}")
    lanes = [np.zeros(length, np.uint16) for length in lengths]
    predictor.reset()
    for position in range(lengths[0]):
        active = sum(length > position for length in lengths)
        tokens = np.zeros(predictor.lanes, np.uint16)
        tokens[:active] = source.take(position, whole_units(predictor.predict()[:active]))
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
