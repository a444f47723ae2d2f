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

Version 3 is of trellis-coded weights: all its parameters are integers, controls too, and coded factors of the steps of rows
and columns, `scales`, follow the steps.

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
from typing_extensions import TypeIs

from bytegolf.arrays import Halves, Integers
from bytegolf.artifact.general_coders import encode_matrices
from bytegolf.artifact.grid_weights import CODED, GridStack, Storage, coded_matrices, decode_stacks, matrix_steps
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
from bytegolf.artifact.static_coder import CorruptStreamError
from bytegolf.artifact.trellis_weights import TrellisStack, decode_trellis_sections, trellis_matrices, trellis_sections
from bytegolf.config import ModelConfig, ScoreConfig
from bytegolf.errors import InputError
from bytegolf.model.gpt import GPT, parameter_shapes
from bytegolf.model.weights import weight_class
from bytegolf.names import CoderName
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
    weights: Mapping[str, GridStack] | Mapping[str, TrellisStack]  # every parameter that is not a control; with a trellis every one
    controls: Mapping[str, Halves]
    coder: CoderName = "range"

    def __post_init__(self) -> None:
        names = list(parameter_shapes(self.config))
        controls = [] if trellis_coded(self.weights) else [name for name in names if weight_class(name) == "control"]
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
    header = {"model": artifact.config.model_dump(), "score": artifact.score.model_dump(), "tokenizer": artifact.tokenizer.kind}
    if trellis_coded(artifact.weights):
        storage, coded, version = Storage(coder=artifact.coder), trellis_matrices(artifact.weights), 3
        weights = trellis_sections(artifact.weights, artifact.coder)
    else:
        storage, coded = Storage.of(artifact.weights, artifact.coder), coded_matrices(artifact.weights)
        version = 1 if storage == Storage() else 2
        weights = {
            "steps": matrix_steps(artifact.weights),
            "controls": b"".join(control.astype("<f2").tobytes() for control in artifact.controls.values()),
            **{name: encode_matrices(artifact.coder, matrices) for name, matrices in coded.items()},
        }
    if storage != Storage():
        header["storage"] = storage.model_dump()
    texts = {"header": compress_header(header), "tokenizer": compress_tokenizer(artifact.tokenizer.serialised)}
    return join_sections(version, {**texts, **weights}, _digest(coded))


def read_artifact(data: bytes, name: str = "artifact") -> Artifact:
    """Decode; `name` is what errors call the file.

    Raises InputError for anything but a complete, unaltered file of this format.
    """
    version, body = checked_body(data, name)
    try:
        sections, checksum = split_sections(version, body)
        header = expand_header(sections["header"])
        config, score = ModelConfig.model_validate(header["model"]), ScoreConfig.model_validate(header["score"])
        has_storage = version == 2 or (version == 3 and "storage" in header)
        storage = Storage.model_validate(header["storage"]) if has_storage else Storage()
        if header["tokenizer"] not in ("bpe", "bytes"):
            raise ValueError("an unknown tokenizer")
        tokenizer = tokenizer_from(header["tokenizer"], expand_tokenizer(sections["tokenizer"]))
        if tokenizer.vocab_size != config.vocab_size:
            raise ValueError(f"a vocabulary of {tokenizer.vocab_size} for a model of {config.vocab_size}")
        stacks = _stacks(config, sections)
        if version == 3:
            if storage.rows or storage.kept:
                raise ValueError("weights that are trellis-coded and are not")
            trellis = decode_trellis_sections(stacks, storage.coder, sections)
            _check(trellis_matrices(trellis), checksum)
            return Artifact(config, score, tokenizer, trellis, {}, storage.coder)
        weights = decode_stacks({name: stack for name, stack in stacks.items() if weight_class(name) != "control"}, storage, sections)
        _check(coded_matrices(weights), checksum)
        return Artifact(config, score, tokenizer, weights, _decode_controls(config, sections["controls"]), storage.coder)
    except DAMAGE as error:
        raise InputError(f"{name}: expected a bytegolf artifact, found a damaged one ({error})") from None


def trellis_coded(weights: Mapping[str, GridStack] | Mapping[str, TrellisStack]) -> TypeIs[Mapping[str, TrellisStack]]:
    return all(isinstance(weight, TrellisStack) for weight in weights.values())


def _stacks(config: ModelConfig, sections: Mapping[str, bytes]) -> dict[str, tuple[int, int, int]]:
    """(matrices, rows, columns) of every parameter. Raises ValueError if the file is too small for so many weights."""
    shapes = parameter_shapes(config)
    size = sum(len(sections.get(name, b"")) for name in CODED)
    if sum(shape.numel() for shape in shapes.values()) > max(MAX_WEIGHTS_PER_BYTE * size, FREE_WEIGHTS):
        raise ValueError("an architecture far larger than the file")
    return {name: stack_shape(shape) for name, shape in shapes.items()}


def _decode_controls(config: ModelConfig, data: bytes) -> dict[str, Halves]:
    halves = Reader(data, "<f2")
    shapes = {name: shape for name, shape in parameter_shapes(config).items() if weight_class(name) == "control"}
    controls = {name: halves.take(shape.numel()).reshape(tuple(shape)) for name, shape in shapes.items()}
    halves.close()
    return controls


def stack_shape(shape: torch.Size) -> tuple[int, int, int]:
    """(matrices, rows, columns) of a bank, a single matrix, a vector or a number."""
    matrices, rows, columns = (1,) * (3 - len(shape)) + tuple(shape)
    return matrices, rows, columns


def _check(coded: Mapping[str, list[Integers]], checksum: bytes) -> None:
    if _digest(coded) != checksum:
        raise ValueError("integers that differ from those coded")


def _digest(coded: Mapping[str, list[Integers]]) -> bytes:
    """Of all integers, section by section."""
    digest = hashlib.blake2b(digest_size=CHECKSUM_BYTES)
    for matrices in coded.values():
        for matrix in matrices:
            digest.update(matrix.astype("<i4").tobytes())
    return digest.digest()
