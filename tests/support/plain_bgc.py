"""A second decoder of `.bgc` files, written from docs/proof.md: plain Python, one token at a time, everything computed anew for each.

It shares no code with bytegolf but the names of an artifact's settings: the model is `exact_reference`, the experts `plain_experts`.
It reads what is small: windows that begin afresh, and blocks of one lane that is no longer than the window.
"""

import hashlib
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate

import zstandard

from bytegolf.config import ExpertsConfig, ModelConfig
from support.exact_reference import reference_frequencies
from support.plain_experts import Options, PlainExperts

BOS = 1
Row = list[int]


def digest(data: bytes, size: int) -> bytes:
    return hashlib.blake2b(data, digest_size=size).digest()


class RangeDecoder:
    """The stream as a number that lies `offset` above the lower end of a range."""

    def __init__(self, data: bytes) -> None:
        self.words = iter(struct.unpack(f"<{len(data) // 4}I", data))
        self.range, self.offset = 2**64 - 1, next(self.words, 0) << 32 | next(self.words, 0)

    def token(self, row: Row) -> int:
        bounds = [self.range * left >> 30 for left in accumulate(row, initial=0)]
        token = next(token for token in range(len(row)) if self.offset < bounds[token + 1])
        self.offset, self.range = self.offset - bounds[token], bounds[token + 1] - bounds[token]
        if self.range < 1 << 32:
            self.offset, self.range = self.offset << 32 | next(self.words, 0), self.range << 32
        return token


@dataclass(frozen=True)
class PlainArtifact:
    config: ModelConfig
    window: int
    experts: ExpertsConfig | None
    weights: Mapping[str, object]
    file: bytes

    def row_after(self, tokens: list[int]) -> Row:
        return reference_frequencies(self.weights, self.config, tokens)[-1]


def decode(data: bytes, artifact: PlainArtifact, decode_tokens: Callable[[list[int]], bytes]) -> bytes:
    magic, kind, identity = struct.unpack_from("<4sB4s", data)
    assert (magic, identity) == (b"BGC1", digest(artifact.file, 4))
    if kind == 0:
        return b"".join(blocks(data[9:], artifact, decode_tokens))
    return proved_text(data[9:], kind, artifact, decode_tokens)


def proved_text(data: bytes, kind: int, artifact: PlainArtifact, decode_tokens: Callable[[list[int]], bytes]) -> bytes:
    targets, first, stride, mixed, checksum = struct.unpack_from("<IHHB4s", data)
    stream = data[struct.calcsize("<IHHB4s") :]
    tokens, coder, experts = [first], RangeDecoder(stream), experts_of(artifact) if mixed else None
    for target in range(targets):
        start = window_start(kind, target, targets, artifact.window, stride)
        tokens.append(next_token(coder, artifact.row_after(tokens[start:]), experts))
    text = decode_tokens(tokens)[len(decode_tokens([first])) :]
    assert checksum == digest(stream + text, 4)
    return text


def window_start(kind: int, target: int, targets: int, window: int, stride: int) -> int:
    """The first token in sight of a target."""
    if kind == 1:
        return target - target % window
    assert kind == 2
    if target < window:
        return 0
    return min(window + ((target - window) // stride + 1) * stride, targets) - window


def blocks(data: bytes, artifact: PlainArtifact, decode_tokens: Callable[[list[int]], bytes]) -> Iterator[bytes]:
    offset, total, whole = 0, 0, hashlib.blake2b(digest_size=8)
    while data[offset]:
        kind, size, count, length, checksum = struct.unpack_from("<BIII8s", data, offset)
        coded = data[offset + 21 : offset + 21 + length]
        if kind == 2:
            text = zstandard.ZstdDecompressor().decompressobj().decompress(coded)
        else:
            text = one_lane(RangeDecoder(coded), count, artifact, decode_tokens)
        assert len(text) == size and checksum == digest(data[offset : offset + 13] + coded + text, 8)
        offset, total = offset + 21 + length, total + size
        whole.update(text)
        yield text
    assert data[offset:] == struct.pack("<BQ8s", 0, total, whole.digest())


def one_lane(coder: RangeDecoder, count: int, artifact: PlainArtifact, decode_tokens: Callable[[list[int]], bytes]) -> bytes:
    tokens, experts = [BOS], experts_of(artifact)
    assert count <= artifact.window
    for _ in range(count):
        tokens.append(next_token(coder, artifact.row_after(tokens), experts))
    return decode_tokens(tokens)


def next_token(coder: RangeDecoder, row: Row, experts: PlainExperts | None) -> int:
    if experts is None:
        return coder.token(row)
    token = coder.token(experts.predict([row])[0])
    experts.update([token])
    return token


def experts_of(artifact: PlainArtifact) -> PlainExperts | None:
    if artifact.experts is None:
        return None
    values = {key: value for key, value in artifact.experts.model_dump().items() if key in Options._fields}
    return PlainExperts(Options(artifact.config.vocab_size, history=2**artifact.experts.history_bits, **values))
