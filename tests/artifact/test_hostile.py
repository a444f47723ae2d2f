"""Files made to do harm: every checksum is right, the content is not. They are refused quickly and in little memory."""

import lzma
import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest

from bytegolf.artifact.static_coder import encode_integers
from support.artifacts import deflated, header_of, join, seal, split
from support.hostile import Change, refuse


def with_model(**changes: object) -> Change:
    """A header whose architecture has other values."""

    def change(sound: bytes) -> dict[str, bytes]:
        header = header_of(sound)
        return {"header": deflated({**header, "model": {**header["model"], **changes}})}

    return change


def with_header(**changes: object) -> Change:
    return lambda sound: {"header": deflated({**header_of(sound), **changes})}


def just_header(header: object) -> Change:
    return lambda _: {"header": header if isinstance(header, bytes) else deflated(header)}


def just_header_without(key: str) -> Change:
    return lambda sound: {"header": deflated({name: value for name, value in header_of(sound).items() if name != key})}


def with_section(name: str, change: Callable[[bytes], bytes]) -> Change:
    return lambda sound: {name: change(split(sound)[name])}


def first_spacing(value: float) -> Callable[[bytes], bytes]:
    return lambda spacings: struct.pack("<f", value) + spacings[4:]


def tokenizer_of(text: bytes, times: int) -> bytes:
    """`text` many times over, as LZMA makes it small."""
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 1, "dict_size": 1 << 20, "lc": 3, "pb": 0}]
    engine = lzma.LZMACompressor(lzma.FORMAT_RAW, filters=filters)
    return b"".join(engine.compress(text) for _ in range(times)) + engine.flush()


MEGABYTE = bytes(1 << 20)

HOSTILE: dict[str, tuple[Change, str]] = {
    "a billion layers": (with_model(num_layers=10**9), ""),
    "a billion loops": (with_model(loops=10**9), "at most 512 blocks run in all"),
    "a loop behind the last block": (with_model(loop_first=4, loops=2), "loop_first: expected a block"),
    "the largest architecture": (
        with_model(num_layers=512, model_dim=16_384, num_heads=512, num_kv_heads=512, mlp_mult=64.0, rope_dims=0),
        "far larger than the file",
    ),
    "the largest table": (with_model(bigram_size=1 << 26), "far larger than the file"),
    "a table of ten billion rows": (with_model(bigram_size=10**10), "model.bigram_size"),
    "a table of more elements than integers count": (with_model(bigram_size=10**18, bigram_dim=10**18), ""),
    "a table of more rows than integers count": (with_model(trigram_size=10**30), ""),
    "a table wider than integers count": (with_model(value_embed_dim=10**30), ""),
    "heads that do not divide": (with_model(num_heads=5), ""),
    "a negative size": (with_model(bigram_size=-1), ""),
    "a number that is text": (with_model(num_layers="4"), ""),
    "an unknown switch": (with_model(surprise=1), ""),
    "other shapes": (with_model(bigram_size=38), ""),
    "another vocabulary": (with_model(vocab_size=261), "vocabulary of 260 for a model of 261"),
    "NaN in the architecture": (just_header(b'{"model":{"mlp_leak":NaN},"score":{},"tokenizer":"bytes"}'), ""),
    "a stride beyond the window": (with_header(score={"window": 4, "stride": 5}), ""),
    "an unknown tokenizer": (with_header(tokenizer="words"), ""),
    "a tokenizer that is a list": (with_header(tokenizer=["bytes"]), ""),
    "no kind of weights": (just_header_without("weights"), ""),
    "an unknown kind of weights": (with_header(weights={"kind": "lattice"}), ""),
    "another kind of weights": (with_header(weights={"kind": "trellis"}), ""),
    "weights that are a list": (with_header(weights=["grid"]), ""),
    "an unknown key": (with_header(surprise=1), ""),
    "no architecture": (just_header({"score": {}, "tokenizer": "bytes"}), ""),
    "a header that is a list": (just_header([1, 2]), ""),
    "a header that is null": (just_header(None), ""),
    "a header that is empty": (just_header(b""), ""),
    "a header that is no JSON": (just_header(zlib.compress(b"{")), ""),
    "a header that is no text": (just_header(zlib.compress(b"\xff\xfe\xfd")), ""),
    "a header that is not deflated": (just_header(b"{}" * 50), ""),
    "a header cut short": (with_section("header", lambda header: header[:-6]), ""),
    "a header with a tail": (with_section("header", lambda header: header + b"\0"), ""),
    "a header that inflates a thousandfold": (lambda _: {"header": zlib.compress(bytes(100 << 20), 1)}, "header that does not end"),
    "a header of brackets": (just_header(zlib.compress(b"[" * 60_000)), ""),
    "a header of braces": (just_header(zlib.compress(b'{"a":' * 12_000)), ""),
    "a number of 60,000 digits": (just_header(zlib.compress(b'{"model":' + b"9" * 60_000 + b"}")), ""),
    "a tokenizer that inflates a thousandfold": (lambda _: {"tokenizer": tokenizer_of(MEGABYTE, 300)}, "tokenizer that does not end"),
    "a model file of zeros": (lambda sound: {"tokenizer": tokenizer_of(MEGABYTE, 15), **with_header(tokenizer="bpe")(sound)}, ""),
    "a tokenizer that is not compressed": (lambda _: {"tokenizer": b"bytes260"}, ""),
    "no tokenizer": (lambda _: {"tokenizer": b""}, ""),
    "another tokenizer": (lambda _: {"tokenizer": tokenizer_of(b"bytes256", 1)}, ""),
    "a tokenizer with a tail": (with_section("tokenizer", lambda data: data + b"\0"), ""),
    "a spacing that is NaN": (with_section("spacings", first_spacing(float("nan"))), "not finite"),
    "a spacing that is infinite": (with_section("spacings", first_spacing(float("inf"))), "not finite"),
    "a spacing missing": (with_section("spacings", lambda spacings: spacings[4:]), ""),
    "a spacing too many": (with_section("spacings", lambda spacings: spacings + bytes(4)), ""),
    "half a spacing": (with_section("spacings", lambda spacings: spacings[:-2]), ""),
    "a gain that is NaN": (with_section("controls", lambda halves: b"\x00\x7e" + halves[2:]), "not finite"),
    "a gain missing": (with_section("controls", lambda halves: halves[2:]), ""),
    "a gain too many": (with_section("controls", lambda halves: halves + bytes(2)), ""),
    "integers missing": (with_section("mlp", lambda _: b""), ""),
    "integers cut short": (with_section("mlp", lambda data: data[: len(data) // 8 * 4]), ""),
    "half a word": (with_section("attention", lambda data: data[:-1]), ""),
    "integers of zeros": (with_section("embedding", lambda data: bytes(len(data))), ""),
    "integers of ones": (with_section("table", lambda data: b"\xff" * (len(data) // 4 * 4)), ""),
    "more integers than the file tells of": (with_section("projection", lambda data: data + bytes(4000)), ""),
    "other integers": (lambda _: {"table": encode_integers(other_tables())}, "integers that differ"),
    "another checksum of integers": (with_section("digest", lambda digest: bytes(len(digest))), "integers that differ"),
    "bytes after the last section": (with_section("digest", lambda digest: digest + b"\0"), "after the last section"),
    "no checksum of integers": (with_section("digest", lambda _: b""), "after the last section"),
}


def other_tables() -> list[np.ndarray]:
    return [np.ones(shape, np.int32) for shape in ((37, 10), (29, 7), (260, 5))]


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_files(case: str, sound: bytes) -> None:
    change, expected = HOSTILE[case]
    refuse(join({**split(sound), **change(sound)}), expected)


@pytest.mark.parametrize("length", [0, 1, 5_000, 1 << 31, (1 << 32) - 1])
@pytest.mark.parametrize("section", range(9))
def test_section_lengths_that_lie(section: int, length: int, sound: bytes) -> None:
    body, offset = bytearray(sound[16:]), 0
    for _ in range(section):
        offset += 4 + int.from_bytes(body[offset : offset + 4], "little")
    body[offset : offset + 4] = length.to_bytes(4, "little")
    refuse(seal(bytes(body)), "")


@pytest.mark.parametrize("body", [b"", b"\0", bytes(8), bytes(44), bytes(1000), b"\xff" * 1000])
def test_bodies_that_are_none(body: bytes) -> None:
    refuse(seal(body), "")


def test_a_file_may_not_stand_for_much_more_than_it_holds(sound: bytes) -> None:
    """Zeros are coded for nothing, so what bounds a reader's memory is the number of weights that a byte may stand for."""
    rows = 512 * len(sound) // 10
    tables = [np.zeros((rows, 10), np.int32), *other_tables()[1:]]
    refuse(join({**split(sound), **with_model(bigram_size=rows)(sound), "table": encode_integers(tables)}), "far larger than the file")
