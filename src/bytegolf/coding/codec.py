"""Tokens <-> bytes by a predictor's distributions: one range coder stream (constriction), lanes by turns.

Encoding, decoding and scoring are one loop, `transcribe`; they differ in where it takes its tokens from. The loop hands
a predictor nothing but tokens that were coded already, so whoever looks ahead, or whose distributions do not sum to 1,
writes a file that does not decode or is larger than was claimed.

A distribution enters the coder as whole numbers: probabilities in units of 2**-32, which constriction scales to 24 bits in
double precision, step by step in one order, each token keeping at least 2**-24. The same probabilities therefore give the
same bits on any machine; whether the probabilities are the same is the predictor's affair. L lanes, V vocabulary.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import constriction
import numpy as np
from numpy.typing import NDArray

from bytegolf.coding.predictor import Distributions, Lane, Predictor

UNIT = 2.0**32
SYMBOL_BITS = 24  # precision of the coder
SMALLEST = 2.0**-SYMBOL_BITS

_CATEGORICAL = constriction.stream.model.Categorical(perfect=False, lazy=True)


class DamagedError(Exception):
    """Bytes that are not what this module wrote for this predictor."""


class Source(Protocol):
    """Where the next tokens come from."""

    def take(self, position: int, weights_LV: NDArray[np.float64]) -> Lane:
        """The tokens at `position` of the first L lanes, given their weights."""


class Writer:
    """Takes tokens that are known, and writes them down."""

    def __init__(self, lanes: Sequence[Lane]) -> None:
        self.lanes = lanes
        self.encoder: Any = constriction.stream.queue.RangeEncoder()

    def take(self, position: int, weights_LV: NDArray[np.float64]) -> Lane:
        tokens = np.array([lane[position] for lane in self.lanes[: len(weights_LV)]], np.uint16)
        self.encoder.encode(tokens.astype(np.int32), _CATEGORICAL, weights_LV)
        return tokens

    def data(self) -> bytes:
        return bytes(self.encoder.get_compressed().astype("<u4").tobytes())


class Reader:
    """Takes tokens from what a writer wrote. Raises DamagedError for bytes that are no such thing."""

    def __init__(self, data: bytes) -> None:
        if len(data) % 4:
            raise DamagedError("a stream is a whole number of 32-bit words")
        self.decoder: Any = constriction.stream.queue.RangeDecoder(np.frombuffer(data, "<u4").astype(np.uint32))

    def take(self, position: int, weights_LV: NDArray[np.float64]) -> Lane:
        try:
            return self.decoder.decode(_CATEGORICAL, weights_LV).astype(np.uint16)
        except AssertionError as error:  # constriction's word for a point outside the coder's range
            raise DamagedError(str(error)) from None

    def close(self) -> None:
        if not self.decoder.maybe_exhausted():
            raise DamagedError("bytes are left after the last token")


def weights(distributions_LV: Distributions) -> NDArray[np.float64]:
    """Whole numbers, in double precision, that say how likely each token is, (L, V)."""
    return np.rint(np.asarray(distributions_LV, np.float64) * UNIT)


def transcribe(predictor: Predictor, lengths: Sequence[int], source: Source, advance: Callable[[int], None] = lambda _: None) -> list[Lane]:
    """The tokens of each lane, as `source` gives them; `lengths` (one a lane) fall.

    `advance` is told how many tokens were done. Raises what `source` raises.
    """
    if len(lengths) != predictor.lanes or list(lengths) != sorted(lengths, reverse=True):
        raise ValueError(f"{predictor.lanes} lanes of falling lengths, not {lengths}")
    lanes = [np.zeros(length, np.uint16) for length in lengths]
    predictor.reset()
    for position in range(lengths[0]):
        active = sum(length > position for length in lengths)
        tokens = np.zeros(predictor.lanes, np.uint16)
        tokens[:active] = source.take(position, weights(predictor.predict()[:active]))
        for lane, token in zip(lanes[:active], tokens, strict=False):
            lane[position] = token
        predictor.observe(tokens)
        advance(active)
    return lanes


def encode(predictor: Predictor, lanes: Sequence[Lane], advance: Callable[[int], None] = lambda _: None) -> bytes:
    """Lanes of tokens as bytes. `decode` needs their lengths."""
    writer = Writer(lanes)
    transcribe(predictor, [len(lane) for lane in lanes], writer, advance)
    return writer.data()


def decode(predictor: Predictor, lengths: Sequence[int], data: bytes, advance: Callable[[int], None] = lambda _: None) -> list[Lane]:
    """The lanes that were encoded. Raises DamagedError where `data` cannot be theirs; not every damage shows here."""
    reader = Reader(data)
    lanes = transcribe(predictor, lengths, reader, advance)
    reader.close()
    return lanes


def segments(tokens: int, lanes: int) -> list[int]:
    """Lengths of `lanes` neighbouring parts of a text, as equal as can be, the longer ones first."""
    return [tokens // lanes + (i < tokens % lanes) for i in range(lanes)]
