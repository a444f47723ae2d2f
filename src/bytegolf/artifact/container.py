"""The `.bgz` file: a whole model and its tokenizer in as few bytes as this format knows how.

Byte by byte in docs/artifact.md. Everything is little-endian:

    magic "BGZ" + version 1 | uint32 file length | 8-byte BLAKE2b of all that follows
    section header     deflated JSON: architecture, tokenizer kind, how the model is meant to be scored
    section tokenizer  LZMA of the tokenizer's own file
    section steps      float32 per matrix, in the order of the parameters
    section controls   float16 of every gain, gate and scale
    section per group  one range-coder stream each: mlp, attention, embedding, table, projection
    8-byte BLAKE2b of the decoded integers

Each section is a uint32 length and that many bytes. Loading checks length and checksum before it parses, and the
architecture against the file's size before it allocates.
"""

import hashlib
import json
import lzma
import struct
import zlib
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import ValidationError

from bytegolf.artifact.entropy import CorruptStreamError, Integers, decode_integers, encode_integers
from bytegolf.artifact.grid import dequantize
from bytegolf.config import ModelConfig, ScoreConfig
from bytegolf.errors import InputError
from bytegolf.model.gpt import GPT, WeightClass, parameter_shapes, weight_class
from bytegolf.text.tokenizer import Tokenizer, tokenizer_from

MAGIC = b"BGZ\x01"
PREAMBLE = struct.Struct("<4sI8s")
CHECKSUM_BYTES = 8
GROUPS: tuple[WeightClass, ...] = ("mlp", "attention", "embedding", "table", "projection")
LZMA_FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "lc": 3, "pb": 0}]
# What parsing a hostile file may raise; RuntimeError is torch's for absurd shapes, and covers RecursionError.
DAMAGE = (CorruptStreamError, ValidationError, InputError, ValueError, KeyError, TypeError, RuntimeError, zlib.error, lzma.LZMAError)
MAX_HEADER_BYTES = 1 << 16
MAX_TOKENIZER_BYTES = 1 << 24
MAX_WEIGHTS_PER_BYTE = 64  # of the coded integers; even 1 bit a weight is 8
FREE_WEIGHTS = 1 << 22  # a model this small may be all zeros, which cost nothing


@dataclass(frozen=True)
class Quantized:
    """A parameter as integers (matrices, rows, columns) and one step per matrix."""

    integers: Integers
    steps: NDArray[np.float32]

    def values(self) -> torch.Tensor:
        """Float32 (matrices, rows, columns)."""
        return dequantize(torch.from_numpy(self.integers).float(), torch.from_numpy(self.steps)[:, None, None])


@dataclass(frozen=True)
class Artifact:
    """What a `.bgz` file holds. Parameters stand in the model's own order, which is the order of the file."""

    config: ModelConfig
    score: ScoreConfig
    tokenizer: Tokenizer
    weights: dict[str, Quantized]  # every parameter that is not a control
    controls: dict[str, NDArray[np.float16]]

    def __post_init__(self) -> None:
        names = list(parameter_shapes(self.config))
        controls = [name for name in names if weight_class(name) == "control"]
        if [*self.controls] != controls or [*self.weights] != [name for name in names if name not in controls]:
            raise ValueError("parameters that are not the model's, or out of order")

    def model(self, compute_dtype: torch.dtype = torch.float32) -> GPT:
        """The decoded model, ready to score."""
        model = GPT(self.config, compute_dtype)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                values = self.weights[name].values() if name in self.weights else torch.from_numpy(self.controls[name].astype(np.float32))
                parameter.copy_(values.reshape(parameter.shape))
        return model.eval()

    def matrices(self, group: WeightClass) -> list[Integers]:
        """Integers of one group's matrices, each (rows, columns), in the order of the file."""
        return [matrix for name, weight in self.weights.items() if weight_class(name) == group for matrix in weight.integers]


@dataclass(frozen=True)
class PackedFile:
    """The bytes of an artifact, and how many of them each section takes."""

    data: bytes
    sections: dict[str, int]


def write_artifact(artifact: Artifact) -> PackedFile:
    """Serialise; the same artifact gives the same bytes."""
    header = {"model": artifact.config.model_dump(), "score": artifact.score.model_dump(), "tokenizer": artifact.tokenizer.kind}
    integers = {group: artifact.matrices(group) for group in GROUPS}
    sections = {
        "header": zlib.compress(json.dumps(header, separators=(",", ":"), sort_keys=True).encode(), 9),
        "tokenizer": lzma.compress(artifact.tokenizer.serialised, lzma.FORMAT_RAW, filters=LZMA_FILTERS),
        "steps": b"".join(weight.steps.astype("<f4").tobytes() for weight in artifact.weights.values()),
        "controls": b"".join(control.astype("<f2").tobytes() for control in artifact.controls.values()),
    }
    sections.update((group, encode_integers(integers[group])) for group in GROUPS)
    body = b"".join(struct.pack("<I", len(section)) + section for section in sections.values()) + _digest(*integers.values())
    preamble = PREAMBLE.pack(MAGIC, PREAMBLE.size + len(body), hashlib.blake2b(body, digest_size=CHECKSUM_BYTES).digest())
    sizes = {name: len(section) + 4 for name, section in sections.items()}
    return PackedFile(preamble + body, {"container": PREAMBLE.size + CHECKSUM_BYTES, **sizes})


def read_artifact(data: bytes, name: str = "artifact") -> Artifact:
    """Decode; `name` is what errors call the file.

    Raises InputError for anything but a complete, unaltered file of this format.
    """
    body = _checked_body(data, name)
    try:
        sections, checksum = _split_sections(body)
        header = json.loads(_inflate(sections["header"]))
        config, score = ModelConfig.model_validate(header["model"]), ScoreConfig.model_validate(header["score"])
        if header["tokenizer"] not in ("bpe", "bytes"):
            raise ValueError("an unknown tokenizer")
        tokenizer = tokenizer_from(header["tokenizer"], _decompress(sections["tokenizer"]))
        return Artifact(config, score, tokenizer, *_decode_weights(config, tokenizer, sections, checksum))
    except DAMAGE as error:
        raise InputError(f"{name}: expected a bytegolf artifact, found a damaged one ({error})") from None


def _checked_body(data: bytes, name: str) -> bytes:
    if len(data) < PREAMBLE.size or data[:3] != MAGIC[:3]:
        raise InputError(f"{name}: expected a bytegolf artifact, found a file that does not begin like one")
    magic, length, checksum = PREAMBLE.unpack_from(data)
    if magic != MAGIC:
        raise InputError(f"{name}: expected artifact version {MAGIC[3]}, found version {magic[3]}")
    if length != len(data):
        raise InputError(f"{name}: expected {length:,} bytes, found {len(data):,}; the file is cut or padded")
    body = data[PREAMBLE.size :]
    if hashlib.blake2b(body, digest_size=CHECKSUM_BYTES).digest() != checksum:
        raise InputError(f"{name}: expected its own checksum, found altered bytes")
    return body


def _split_sections(body: bytes) -> tuple[dict[str, bytes], bytes]:
    sections, offset = {}, 0
    for section in ("header", "tokenizer", "steps", "controls", *GROUPS):
        if offset + 4 > len(body):
            raise ValueError(f"section {section} is missing")
        (length,) = struct.unpack_from("<I", body, offset)
        sections[section] = body[offset + 4 : offset + 4 + length]
        if len(sections[section]) != length:
            raise ValueError(f"section {section} is cut")
        offset += 4 + length
    if len(body) - offset != CHECKSUM_BYTES:
        raise ValueError("bytes after the last section")
    return sections, body[offset:]


def _decode_weights(
    config: ModelConfig, tokenizer: Tokenizer, sections: dict[str, bytes], checksum: bytes
) -> tuple[dict[str, Quantized], dict[str, NDArray[np.float16]]]:
    if tokenizer.vocab_size != config.vocab_size:
        raise ValueError(f"a vocabulary of {tokenizer.vocab_size} for a model of {config.vocab_size}")
    shapes = parameter_shapes(config)
    coded = sum(len(sections[group]) for group in GROUPS)
    if sum(shape.numel() for shape in shapes.values()) > max(MAX_WEIGHTS_PER_BYTE * coded, FREE_WEIGHTS):
        raise ValueError("an architecture far larger than the file")
    stacks = {name: _stack_shape(shape) for name, shape in shapes.items() if weight_class(name) != "control"}
    decoded = {group: _decode_group(sections[group], group, stacks) for group in GROUPS}
    if _digest(*decoded.values()) != checksum:
        raise ValueError("integers that differ from those coded")
    remaining = {group: iter(matrices) for group, matrices in decoded.items()}
    steps = _Reader(sections["steps"], "<f4")
    weights = {
        name: Quantized(np.stack([next(remaining[weight_class(name)]) for _ in range(count)]), steps.take(count))
        for name, (count, _, _) in stacks.items()
    }
    halves = _Reader(sections["controls"], "<f2")
    controls = {name: halves.take(shape.numel()).reshape(tuple(shape)) for name, shape in shapes.items() if name not in stacks}
    steps.close()
    halves.close()
    return weights, controls


def _decode_group(data: bytes, group: WeightClass, stacks: dict[str, tuple[int, int, int]]) -> list[Integers]:
    shapes = [(rows, columns) for name, (count, rows, columns) in stacks.items() if weight_class(name) == group for _ in range(count)]
    return decode_integers(data, shapes)


class _Reader:
    """Takes arrays from a section that must be used up exactly and hold finite numbers."""

    def __init__(self, data: bytes, dtype: str) -> None:
        self.values = np.frombuffer(data, dtype)
        if not np.isfinite(self.values).all():
            raise ValueError("numbers that are not finite")

    def take(self, count: int) -> NDArray[np.floating]:
        if count > len(self.values):
            raise ValueError("a section that is too short")
        taken, self.values = self.values[:count].astype(self.values.dtype.newbyteorder("=")), self.values[count:]
        return taken

    def close(self) -> None:
        if len(self.values):
            raise ValueError("a section that is too long")


def _stack_shape(shape: torch.Size) -> tuple[int, int, int]:
    """(matrices, rows, columns) of a bank or a single matrix."""
    matrices, rows, columns = shape if len(shape) == 3 else (1, *shape)
    return matrices, rows, columns


def _digest(*groups: list[Integers]) -> bytes:
    digest = hashlib.blake2b(digest_size=CHECKSUM_BYTES)
    for matrices in groups:
        for matrix in matrices:
            digest.update(matrix.astype("<i4").tobytes())
    return digest.digest()


def _inflate(data: bytes) -> bytes:
    engine = zlib.decompressobj()
    plain = engine.decompress(data, MAX_HEADER_BYTES)
    if not engine.eof or engine.unused_data:
        raise ValueError("a header that does not end")
    return plain


def _decompress(data: bytes) -> bytes:
    engine = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=LZMA_FILTERS)
    plain = engine.decompress(data, MAX_TOKENIZER_BYTES)
    if not engine.eof or engine.unused_data:
        raise ValueError("a tokenizer that does not end")
    return plain
