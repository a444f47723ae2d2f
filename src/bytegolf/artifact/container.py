"""The `.bgz` file: a whole model and its tokenizer in as few bytes as this format knows how.

Byte by byte in docs/artifact.md. Everything is little-endian:

    magic "BGZ" + version | uint32 file length | 8-byte BLAKE2b of all that follows
    section header     deflated JSON: architecture, tokenizer kind, how the model is meant to be scored, how weights are stored
    section tokenizer  LZMA of the tokenizer's own file
    section steps      float32 per matrix, in the order of the parameters
    section controls   float16 of every gain, gate and scale
    section per group  one coded stream each: mlp, attention, embedding, table, projection
    section row_steps  of version 2: coded float16 steps of matrices that have one per row
    section kept       of version 2: coded float16 matrices that are no integers
    8-byte BLAKE2b of the decoded integers

Each section is a uint32 length and that many bytes. Loading checks length and checksum before it parses, and the
architecture against the file's size before it allocates. What version 1 can hold is written as version 1.
"""

import hashlib
import lzma
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
import zstandard
from pydantic import ValidationError

from bytegolf.artifact.coders import Halves, encode_matrices
from bytegolf.artifact.entropy import CorruptStreamError, Integers
from bytegolf.artifact.sections import (
    CHECKSUM_BYTES,
    PackedFile,
    Reader,
    checked_body,
    compress_header,
    compress_tokenizer,
    expand_header,
    expand_tokenizer,
    join_sections,
    split_sections,
)
from bytegolf.artifact.stacks import CODED, Quantized, Storage, coded_matrices, decode_stacks, matrix_steps
from bytegolf.config import CoderName, ModelConfig, ScoreConfig
from bytegolf.errors import InputError
from bytegolf.model.gpt import GPT, parameter_shapes, weight_class
from bytegolf.text.tokenizer import Tokenizer, tokenizer_from

# What parsing a hostile file may raise; RuntimeError is torch's for absurd shapes, and covers RecursionError.
DAMAGE = (
    *(CorruptStreamError, ValidationError, InputError, ValueError, KeyError, TypeError, RuntimeError),
    *(zlib.error, lzma.LZMAError, zstandard.ZstdError),
)
MAX_WEIGHTS_PER_BYTE = 64  # of what is coded; even 1 bit a weight is 8
FREE_WEIGHTS = 1 << 22  # a model this small may be all zeros, which cost nothing


@dataclass(frozen=True)
class Artifact:
    """What a `.bgz` file holds. Parameters stand in the model's own order, which is the order of the file."""

    config: ModelConfig
    score: ScoreConfig
    tokenizer: Tokenizer
    weights: dict[str, Quantized]  # every parameter that is not a control
    controls: dict[str, Halves]
    coder: CoderName = "range"

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


def write_artifact(artifact: Artifact) -> PackedFile:
    """Serialise; the same artifact gives the same bytes."""
    storage, matrices = Storage.of(artifact.weights, artifact.coder), coded_matrices(artifact.weights)
    header = {"model": artifact.config.model_dump(), "score": artifact.score.model_dump(), "tokenizer": artifact.tokenizer.kind}
    version = 1 if storage == Storage() else 2
    if version > 1:
        header["storage"] = storage.model_dump()
    sections = {
        "header": compress_header(header),
        "tokenizer": compress_tokenizer(artifact.tokenizer.serialised),
        "steps": matrix_steps(artifact.weights),
        "controls": b"".join(control.astype("<f2").tobytes() for control in artifact.controls.values()),
        **{name: encode_matrices(artifact.coder, coded) for name, coded in matrices.items()},
    }
    return join_sections(version, sections, _digest(matrices))


def read_artifact(data: bytes, name: str = "artifact") -> Artifact:
    """Decode; `name` is what errors call the file.

    Raises InputError for anything but a complete, unaltered file of this format.
    """
    version, body = checked_body(data, name)
    try:
        sections, checksum = split_sections(version, body)
        header = expand_header(sections["header"])
        config, score = ModelConfig.model_validate(header["model"]), ScoreConfig.model_validate(header["score"])
        storage = Storage() if version == 1 else Storage.model_validate(header["storage"])
        if header["tokenizer"] not in ("bpe", "bytes"):
            raise ValueError("an unknown tokenizer")
        tokenizer = tokenizer_from(header["tokenizer"], expand_tokenizer(sections["tokenizer"]))
        if tokenizer.vocab_size != config.vocab_size:
            raise ValueError(f"a vocabulary of {tokenizer.vocab_size} for a model of {config.vocab_size}")
        return Artifact(config, score, tokenizer, *_decode_weights(config, storage, sections, checksum), storage.coder)
    except DAMAGE as error:
        raise InputError(f"{name}: expected a bytegolf artifact, found a damaged one ({error})") from None


def _decode_weights(
    config: ModelConfig, storage: Storage, sections: dict[str, bytes], checksum: bytes
) -> tuple[dict[str, Quantized], dict[str, Halves]]:
    shapes = parameter_shapes(config)
    size = sum(len(sections.get(name, b"")) for name in CODED)
    if sum(shape.numel() for shape in shapes.values()) > max(MAX_WEIGHTS_PER_BYTE * size, FREE_WEIGHTS):
        raise ValueError("an architecture far larger than the file")
    stacks = {name: _stack_shape(shape) for name, shape in shapes.items() if weight_class(name) != "control"}
    weights = decode_stacks(stacks, storage, sections)
    if _digest(coded_matrices(weights)) != checksum:
        raise ValueError("integers that differ from those coded")
    halves = Reader(sections["controls"], "<f2")
    controls = {name: halves.take(shape.numel()).reshape(tuple(shape)) for name, shape in shapes.items() if name not in stacks}
    halves.close()
    return weights, controls


def _stack_shape(shape: torch.Size) -> tuple[int, int, int]:
    """(matrices, rows, columns) of a bank or a single matrix."""
    matrices, rows, columns = shape if len(shape) == 3 else (1, *shape)
    return matrices, rows, columns


def _digest(coded: Mapping[str, list[Integers]]) -> bytes:
    """Of all integers, section by section."""
    digest = hashlib.blake2b(digest_size=CHECKSUM_BYTES)
    for matrices in coded.values():
        for matrix in matrices:
            digest.update(matrix.astype("<i4").tobytes())
    return digest.digest()
