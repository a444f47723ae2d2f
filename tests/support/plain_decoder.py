"""A second decoder of `.bgz` files, written from docs/artifact.md and laid out like it: the file, its header and its parameters.

It shares no code with bytegolf, and checks only what guards against its own mistakes. `plain_grid` and `plain_trellis` decode
the two kinds of weights, `plain_coders` the streams of integers.
"""

import hashlib
import json
import lzma
import struct
import zlib
from dataclasses import dataclass
from math import prod
from typing import Any

GROUPS = ("mlp", "attention", "embedding", "table", "projection")
LZMA2 = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 26, "lc": 3, "lp": 0, "pb": 0}]


@dataclass(frozen=True)
class Parameter:
    name: str
    shape: tuple[int, ...]
    group: str

    @property
    def stack(self) -> tuple[int, int, int]:
        """Matrices, rows and columns."""
        matrices, rows, columns = (1, 1, 1, *self.shape)[-3:]
        return matrices, rows, columns


@dataclass(frozen=True)
class PlainFile:
    """The header, the tokenizer, the sections of weights by name, and the checksum of the integers."""

    header: dict[str, Any]
    tokenizer: bytes
    sections: dict[str, bytes]
    checksum: bytes

    @property
    def parameters(self) -> list[Parameter]:
        return list_parameters(self.header["model"])

    @property
    def coder(self) -> str:
        coder: str = self.header["weights"].get("coder", "range")
        return coder


def read_file(data: bytes) -> PlainFile:
    magic, version, size, checksum = struct.unpack_from("<3sBI8s", data)
    assert (magic, version, size) == (b"BGZ", 1, len(data)) and checksum == digest(data[16:])
    sections, offset = [], 16
    while offset < len(data) - 8:
        (length,) = struct.unpack_from("<I", data, offset)
        sections.append(data[offset + 4 : offset + 4 + length])
        offset += 4 + length
    assert offset == len(data) - 8
    header = json.loads(zlib.decompress(sections[0]))
    tokenizer = lzma.decompress(sections[1], lzma.FORMAT_RAW, filters=LZMA2)
    return PlainFile(header, tokenizer, dict(zip(section_names(header["weights"]), sections[2:], strict=True)), data[-8:])


def section_names(weights: dict[str, Any]) -> list[str]:
    """The sections of weights, by what the header says of them."""
    if weights["kind"] == "trellis":
        return ["spacings", "scales", "controls", *GROUPS]
    names = ["spacings", "controls", *GROUPS]
    return names + ["row_spacings"] * bool(weights.get("rows")) + ["kept"] * bool(weights.get("kept"))


def digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=8).digest()


def integers_digest(matrices: list[list[list[int]]]) -> bytes:
    """The checksum of integers, of all matrices in their order."""
    return digest(b"".join(struct.pack(f"<{len(row)}i", *row) for matrix in matrices for row in matrix))


def list_parameters(model: dict[str, Any]) -> list[Parameter]:
    """The table of docs/artifact.md."""
    V, D, L, H = (model[key] for key in ("vocab_size", "model_dim", "num_layers", "num_heads"))
    K, M = model["num_kv_heads"] * D // H, int(model["mlp_mult"] * D)
    N = L + (model["loops"] - 1) * (model["loop_blocks"] or L - model["loop_first"])
    parameters = [Parameter("tokens", (V, D), "embedding")]
    if not model["tie_embeddings"]:
        parameters.append(Parameter("head", (V, D), "embedding"))
    for name in ("bigram", "trigram"):
        if model[f"{name}_size"]:
            parameters += _lookup(name, model[f"{name}_size"], model[f"{name}_dim"], D)
    if model["smear_gate"]:
        parameters.append(Parameter("smear.gate", (D,), "control"))
    if model["value_embed_layers"]:
        parameters += _lookup("value_embedding", V, model["value_embed_dim"], K)
        parameters.append(Parameter("value_embedding.layer_scales", (model["value_embed_layers"],), "control"))
    parameters += [
        Parameter("banks.qo", (2 * L, D, D), "attention"),
        Parameter("banks.kv", (2 * L, K, D), "attention"),
        Parameter("banks.up", (L, M, D), "mlp"),
        Parameter("banks.down", (L, D, M), "mlp"),
        Parameter("controls.attention_scale", (L, D), "control"),
        Parameter("controls.mlp_scale", (L, D), "control"),
        Parameter("controls.q_gain", (L, H), "control"),
    ]
    if model["residual_mix"]:
        parameters.append(Parameter("controls.residual_mix", (L, 2, D), "control"))
    if model["head_gate_inputs"]:
        parameters.append(Parameter("controls.head_gate", (L, H, model["head_gate_inputs"]), "control"))
    if model["unet_skips"] and N > 1:
        parameters.append(Parameter("controls.skips", (N // 2, D), "control"))
    return parameters


def _lookup(name: str, rows: int, dim: int, width: int) -> list[Parameter]:
    """A lookup table, the projection to the width it is needed in, and its scale."""
    projection = [Parameter(f"{name}.projection", (width, dim), "projection")] if dim != width else []
    return [Parameter(f"{name}.table", (rows, dim), "table"), *projection, Parameter(f"{name}.scale", (), "control")]


def elements(parameter: Parameter) -> int:
    return prod(parameter.shape)
