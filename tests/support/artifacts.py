"""Small artifacts, and files that nobody wrote: sections put together by hand under a checksum that is right."""

import hashlib
import json
import struct
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from bytegolf.artifact.container import Artifact, write_artifact
from bytegolf.artifact.grid import quantize, spacings_for_bits
from bytegolf.artifact.grid_weights import GridStack, GridWeights
from bytegolf.artifact.trellis_weights import TrellisWeights
from bytegolf.config import ModelConfig, ScoreConfig
from bytegolf.model.weights import weight_class
from bytegolf.names import CoderName
from bytegolf.text.tokenizer import BytesTokenizer, Tokenizer
from support.models import changed, random_model
from support.plain_decoder import section_names

SCORE = ScoreConfig(window=64, stride=16, batch_tokens=512)


def random_artifact(config: ModelConfig, tokenizer: Tokenizer | None = None, bits: float = 4.0, coder: CoderName = "range") -> Artifact:
    """A random model on grids."""
    stacks, controls = {}, {}
    for name, parameter in random_model(config).state_dict().items():
        if weight_class(name) == "control":
            controls[name] = parameter.numpy().astype(np.float16)
        else:
            stack = parameter.reshape(-1, *parameter.shape[-2:])
            spacings = spacings_for_bits(stack, bits)
            stacks[name] = GridStack(quantize(stack, spacings).int().numpy(), spacings.flatten().numpy())
    return Artifact(config, SCORE, tokenizer or BytesTokenizer(), GridWeights(stacks, controls), coder)


def grids_of(artifact: Artifact) -> GridWeights:
    """The weights of an artifact that has them on grids."""
    assert isinstance(artifact.weights, GridWeights)
    return artifact.weights


def trellises_of(artifact: Artifact) -> TrellisWeights:
    """The weights of an artifact that has them on trellises."""
    assert isinstance(artifact.weights, TrellisWeights)
    return artifact.weights


def small_file() -> bytes:
    """A file with every section in use, to be damaged."""
    return write_artifact(random_artifact(changed(vocab_size=260, num_layers=2, value_embed_layers=1))).data


def split(data: bytes) -> dict[str, bytes]:
    """The sections of a sound file, and its last bytes, the checksum of the integers, as `digest`."""
    sections, offset = [], 16
    while offset < len(data) - 8:
        (length,) = struct.unpack_from("<I", data, offset)
        sections.append(data[offset + 4 : offset + 4 + length])
        offset += 4 + length
    names = ["header", "tokenizer", *section_names(json.loads(zlib.decompress(sections[0]))["weights"]), "digest"]
    return dict(zip(names, [*sections, data[offset:]], strict=True))


def seal(body: bytes) -> bytes:
    """A file of this body, with the right size and checksum."""
    return b"BGZ\x01" + struct.pack("<I", 16 + len(body)) + hashlib.blake2b(body, digest_size=8).digest() + body


def join(sections: Mapping[str, bytes]) -> bytes:
    """A sealed file of sections, in their order; the inverse of `split`."""
    body = b"".join(struct.pack("<I", len(section)) + section for name, section in sections.items() if name != "digest")
    return seal(body + sections["digest"])


def header_of(data: bytes) -> dict[str, Any]:
    header: dict[str, Any] = json.loads(zlib.decompress(split(data)["header"]))
    return header


def deflated(header: object) -> bytes:
    """The section of any JSON, or of bytes that are none."""
    return zlib.compress(header if isinstance(header, bytes) else json.dumps(header).encode())
