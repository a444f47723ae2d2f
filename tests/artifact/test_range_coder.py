"""The range coder: what is encoded is decoded, carries run through, and the invariant holds between symbols."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bytegolf.artifact.range_coder import (
    CORRUPT,
    OFFSET,
    RANGE,
    RangeDecoder,
    RangeEncoder,
    decode_plain,
    decode_symbol,
    encode_plain,
    encode_symbol,
)

COUNTS = np.array([1, 1000, 3, 0, 1 << 20], np.int64)
TOTAL = int(COUNTS.sum())

Sequence = list[tuple[str, int]]

one_symbol = st.tuples(st.just("symbol"), st.sampled_from([0, 1, 2, 4]))
one_plain = st.tuples(st.just("plain"), st.integers(0, 255))


def encoded(sequence: Sequence) -> bytes:
    encoder = RangeEncoder.with_room(2 * len(sequence))
    for kind, value in sequence:
        if kind == "symbol":
            encode_symbol(encoder, value, COUNTS, TOTAL)
        else:
            encode_plain(encoder, value, 8)
        assert int(encoder.registers[RANGE]) >= 1 << 32
    return encoder.finish()


@given(sequence=st.lists(st.one_of(one_symbol, one_plain), max_size=200))
@settings(max_examples=200, deadline=None)
def test_round_trip(sequence: Sequence) -> None:
    decoder = RangeDecoder.of(encoded(sequence))
    for kind, value in sequence:
        assert int(decoder.registers[OFFSET]) < int(decoder.registers[RANGE]) and int(decoder.registers[RANGE]) >= 1 << 32
        assert (decode_symbol(decoder, COUNTS, TOTAL) if kind == "symbol" else decode_plain(decoder, 8)) == value
    assert decoder.at_end()


def test_a_symbol_takes_what_its_share_says() -> None:
    likely, rare = ([("symbol", symbol)] * 1000 for symbol in (4, 0))
    assert len(encoded(likely)) <= 8 and len(encoded(rare)) == pytest.approx(1000 * 20 / 8, rel=0.01)


def test_a_carry_reaches_the_words_that_are_written() -> None:
    """The middle third of the middle third … closes in on a half from both sides: the last symbol decides on which side."""
    thirds = np.ones(3, np.int64)
    for last, word in ((0, 0x7FFFFFFF), (2, 0x80000000)):
        encoder = RangeEncoder.with_room(50)
        for symbol in [1] * 24 + [last]:
            encode_symbol(encoder, symbol, thirds, 3)
        data = encoder.finish()
        assert int.from_bytes(data[:4], "little") == word
        decoder = RangeDecoder.of(data)
        assert [decode_symbol(decoder, thirds, 3) for _ in range(25)] == [1] * 24 + [last]


def test_a_carry_runs_through_full_words() -> None:
    full = (1 << 32) - 1
    encoder = RangeEncoder(np.array([(1 << 64) - 1, 1 << 40, 3], np.uint64), np.array([5, full, full, 0, 0], np.uint32))
    encode_symbol(encoder, 2, np.ones(3, np.int64), 3)
    assert encoder.words[:3].tolist() == [6, 0, 0]


def test_a_stream_above_its_range_is_corrupt() -> None:
    assert decode_symbol(RangeDecoder.of(b"\xff" * 8), np.ones(3, np.int64), 3) == CORRUPT
    assert decode_plain(RangeDecoder.of(b"\xff" * 8), 8) == CORRUPT


def test_words_behind_the_end_are_zeros() -> None:
    decoder = RangeDecoder.of(b"")
    assert [decode_plain(decoder, 8) for _ in range(20)] == [0] * 20
    assert not decoder.at_end()
