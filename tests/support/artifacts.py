"""Small artifacts, and files that nobody wrote: sections put together by hand under a checksum that is right."""

import hashlib
import json
import struct
import zlib
from collections.abc import Mapping

import numpy as np

from bytegolf.artifact.container import Artifact, GridStack, write_artifact
from bytegolf.artifact.grid import quantize, spacings_for_bits
from bytegolf.config import ModelConfig, ScoreConfig
from bytegolf.model.weights import weight_class
from bytegolf.text.tokenizer import BytesTokenizer, Tokenizer
from support.models import changed, random_model

GROUPS = ("mlp", "attention", "embedding", "table", "projection")
SECTIONS = {
    1: ("header", "tokenizer", "steps", "controls", *GROUPS),
    2: ("header", "tokenizer", "steps", "controls", *GROUPS, "row_steps", "kept"),
    3: ("header", "tokenizer", "steps", "scales", "controls", *GROUPS),
}
SCORE = ScoreConfig(window=64, stride=16, batch_tokens=512)


def random_artifact(config: ModelConfig, tokenizer: Tokenizer | None = None, bits: float = 4.0) -> Artifact:
    """A random model on the grid."""
    weights, controls = {}, {}
    for name, parameter in random_model(config).state_dict().items():
        if weight_class(name) == "control":
            controls[name] = parameter.numpy().astype(np.float16)
        else:
            stack = parameter.reshape(-1, *parameter.shape[-2:])
            steps = spacings_for_bits(stack, bits)
            weights[name] = GridStack(quantize(stack, steps).int().numpy(), steps.flatten().numpy())
    return Artifact(config, SCORE, tokenizer or BytesTokenizer(), weights, controls)


def small_file() -> bytes:
    """A file with every section in use, to be damaged."""
    return write_artifact(random_artifact(changed(vocab_size=260, num_layers=2, value_embed_layers=1))).data


def split(data: bytes) -> dict[str, bytes]:
    """The sections of a sound file, and its last bytes, the checksum of the integers, as `digest`."""
    sections, offset = {}, 16
    for name in SECTIONS[data[3]]:
        (length,) = struct.unpack_from("<I", data, offset)
        sections[name] = data[offset + 4 : offset + 4 + length]
        offset += 4 + length
    return {**sections, "digest": data[offset:]}


def seal(body: bytes, version: int = 1) -> bytes:
    """A file of this body, with the right size and checksum."""
    return b"BGZ" + bytes([version]) + struct.pack("<I", 16 + len(body)) + hashlib.blake2b(body, digest_size=8).digest() + body


def join(sections: Mapping[str, bytes], version: int = 1) -> bytes:
    """A sealed file of sections; the inverse of `split`."""
    body = b"".join(struct.pack("<I", len(sections[name])) + sections[name] for name in SECTIONS[version])
    return seal(body + sections["digest"], version)


def header_of(data: bytes) -> dict[str, object]:
    header: dict[str, object] = json.loads(zlib.decompress(split(data)["header"]))
    return header
