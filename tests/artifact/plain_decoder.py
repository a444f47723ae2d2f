"""A second decoder of `.bgz` files, written from docs/artifact.md and laid out like it.

Slow and plain: Python's integers and its standard library, nothing of bytegolf and no coding library. It checks
only what guards against its own mistakes.
"""

import hashlib
import json
import lzma
import struct
import zlib
from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from math import isqrt, prod
from typing import Any

GROUPS = ("mlp", "attention", "embedding", "table", "projection")
SECTIONS = ("header", "tokenizer", "steps", "controls", *GROUPS)
LZMA2 = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 26, "lc": 3, "lp": 0, "pb": 0}]

Matrix = list[list[int]]
Cumulative = list[int]


@dataclass(frozen=True)
class Parameter:
    name: str
    shape: tuple[int, ...]
    group: str

    @property
    def matrices(self) -> list[tuple[int, int]]:
        return [self.shape[-2:]] * prod(self.shape[:-2])  # type: ignore[list-item]


@dataclass(frozen=True)
class PlainArtifact:
    header: dict[str, Any]
    tokenizer: bytes
    integers: dict[str, list[Matrix]]
    steps: dict[str, list[float]]
    controls: dict[str, list[float]]


def decode_file(data: bytes) -> PlainArtifact:
    magic, size, checksum = struct.unpack_from("<4sI8s", data)
    assert magic == b"BGZ\x01" and size == len(data) and checksum == digest(data[16:])
    sections, offset = {}, 16
    for name in SECTIONS:
        (length,) = struct.unpack_from("<I", data, offset)
        sections[name] = data[offset + 4 : offset + 4 + length]
        offset += 4 + length
    assert offset == len(data) - 8

    header = json.loads(zlib.decompress(sections["header"]))
    tokenizer = lzma.decompress(sections["tokenizer"], lzma.FORMAT_RAW, filters=LZMA2)
    parameters = list_parameters(header["model"])
    grouped = {group: [parameter for parameter in parameters if parameter.group == group] for group in GROUPS}
    integers: dict[str, list[Matrix]] = {}
    for group, members in grouped.items():
        decoded = iter(decode_integers(sections[group], [shape for member in members for shape in member.matrices]))
        integers.update({member.name: [next(decoded) for _ in member.matrices] for member in members})
    in_group_order = (integers[member.name] for members in grouped.values() for member in members)
    assert data[-8:] == digest(
        b"".join(struct.pack(f"<{len(row)}i", *row) for stack in in_group_order for matrix in stack for row in matrix)
    )

    steps = iter(struct.unpack(f"<{len(sections['steps']) // 4}f", sections["steps"]))
    controls = iter(struct.unpack(f"<{len(sections['controls']) // 2}e", sections["controls"]))
    artifact = PlainArtifact(
        header,
        tokenizer,
        {parameter.name: integers[parameter.name] for parameter in parameters if parameter.group != "control"},
        {parameter.name: [next(steps) for _ in parameter.matrices] for parameter in parameters if parameter.group != "control"},
        {
            parameter.name: [next(controls) for _ in range(prod(parameter.shape))]
            for parameter in parameters
            if parameter.group == "control"
        },
    )
    assert not [*steps, *controls]
    return artifact


def digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=8).digest()


def list_parameters(model: dict[str, Any]) -> list[Parameter]:
    """The table of docs/artifact.md."""
    V, D, L, H = (model[key] for key in ("vocab_size", "model_dim", "num_layers", "num_heads"))
    K, M = model["num_kv_heads"] * D // H, int(model["mlp_mult"] * D)
    parameters = [Parameter("tokens", (V, D), "embedding")]
    if not model["tie_embeddings"]:
        parameters.append(Parameter("head", (V, D), "embedding"))

    def looked_up(name: str, rows: int, dim: int, width: int) -> None:
        parameters.append(Parameter(f"{name}.table", (rows, dim), "table"))
        if dim != width:
            parameters.append(Parameter(f"{name}.projection", (width, dim), "projection"))
        parameters.append(Parameter(f"{name}.scale", (), "control"))

    for name in ("bigram", "trigram"):
        if model[f"{name}_size"]:
            looked_up(name, model[f"{name}_size"], model[f"{name}_dim"], D)
    if model["smear_gate"]:
        parameters.append(Parameter("smear.gate", (D,), "control"))
    if model["value_embed_layers"]:
        looked_up("value_embedding", V, model["value_embed_dim"], K)
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
    if model["unet_skips"] and L > 1:
        parameters.append(Parameter("controls.skips", (L // 2, D), "control"))
    return parameters


# --- a section of integers


def decode_integers(data: bytes, shapes: list[tuple[int, int]]) -> list[Matrix]:
    coder = RangeDecoder(struct.unpack(f"<{len(data) // 4}I", data))
    classes = [symbols_after_histogram(coder, rows) for rows, _ in shapes]
    matrices = [[[0] * columns for _ in range(rows)] for rows, columns in shapes]
    for row_class in sorted({used for matrix in classes for used in matrix} - {0}):
        rows = [
            row for matrix, used in zip(matrices, classes, strict=True) for row, kind in zip(matrix, used, strict=True) if kind == row_class
        ]
        values = iter(decode_values(coder, sum(map(len, rows))))
        for row in rows:
            row[:] = [next(values) for _ in row]
    assert coder.at_end()
    return matrices


def decode_values(coder: "RangeDecoder", count: int) -> list[int]:
    tokens = symbols_after_histogram(coder, count)
    lengths = [(token - 32) // 16 + 1 if token >= 32 else 0 for token in tokens]
    values = [(16 + (token - 32) % 16) << length if token >= 32 else token for token, length in zip(tokens, lengths, strict=True)]
    for bits in sorted(set(lengths) - {0}):
        cumulative = uniform(1 << bits)
        for index, length in enumerate(lengths):
            if length == bits:
                values[index] += coder.symbol(cumulative)
    return [-value if value and coder.symbol(uniform(2)) else value for value in values]


def symbols_after_histogram(coder: "RangeDecoder", count: int) -> list[int]:
    size = 2 + coder.symbol(uniform(272))
    difference = cumulative_frequencies([1 + (4096 >> min(abs(d), 12)) for d in range(-128, 129)])
    levels = list(accumulate(coder.symbol(difference) - 128 for _ in range(size)))
    cumulative = cumulative_frequencies([frequency(level) for level in levels])
    return [coder.symbol(cumulative) for _ in range(count)]


def frequency(level: int) -> int:
    return isqrt(isqrt(1 << (63 + level))) if level else 0


def cumulative_frequencies(frequencies: list[int]) -> Cumulative:
    size = len(frequencies)
    scale = float((1 << 24) - size) / float(sum(frequencies))
    return [int(float(left) * scale) + i for i, left in enumerate(accumulate(frequencies[:-1], initial=0))] + [1 << 24]


def uniform(size: int) -> Cumulative:
    width = (1 << 24) // size
    return [width * i for i in range(size)] + [1 << 24]


class RangeDecoder:
    def __init__(self, words: tuple[int, ...]) -> None:
        self.words, self.next = words, 0
        self.lower, self.range = 0, (1 << 64) - 1
        self.point = self.word() << 32
        self.point |= self.word()

    def word(self) -> int:
        self.next += 1
        return self.words[self.next - 1] if self.next <= len(self.words) else 0

    def symbol(self, cumulative: Cumulative) -> int:
        scale = self.range >> 24
        quantile = (self.point - self.lower) % (1 << 64) // scale
        symbol = bisect_right(cumulative, quantile) - 1
        left, right = cumulative[symbol : symbol + 2]
        self.lower = (self.lower + scale * left) % (1 << 64)
        self.range = scale * (right - left)
        if self.range < 1 << 32:
            self.lower = (self.lower << 32) % (1 << 64)
            self.range <<= 32
            self.point = (self.point << 32) % (1 << 64) | self.word()
        return symbol

    def at_end(self) -> bool:
        untouched = self.range == (1 << 64) - 1
        return self.next >= len(self.words) and (untouched or (self.point - self.lower) % (1 << 64) < (1 << 33) - 1)
