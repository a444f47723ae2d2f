"""A second decoder of `.bgz` files, written from docs/artifact.md and laid out like it.

Slow and plain: Python's integers and its standard library, zstandard for what zstd wrote, nothing of bytegolf and no entropy
coder. It checks only what guards against its own mistakes.
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

import zstandard

GROUPS = ("mlp", "attention", "embedding", "table", "projection")
SECTIONS: dict[int, tuple[str, ...]] = {
    1: ("header", "tokenizer", "steps", "controls", *GROUPS),
    2: ("header", "tokenizer", "steps", "controls", *GROUPS, "row_steps", "kept"),
    3: ("header", "tokenizer", "steps", "scales", "controls", *GROUPS),
}
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
    integers: dict[str, list[Matrix]]  # of matrices that are not kept
    steps: dict[str, list[float]]  # one for each of those
    controls: dict[str, list[float]]
    row_steps: dict[str, list[list[float]]]  # or one for each of their rows
    kept: dict[str, dict[int, list[list[float]]]]

    def values(self, name: str) -> list[list[list[float]]]:
        """The parameter's matrices, kept or not."""
        integers, kept = iter(self.integers[name]), self.kept[name]
        rows, steps = iter(self.row_steps.get(name, [])), iter(self.steps.get(name, []))
        matrices = []
        for place in range(len(self.integers[name]) + len(kept)):
            if place in kept:
                matrices.append(kept[place])
                continue
            matrix = next(integers)
            scales = next(rows) if name in self.row_steps else [next(steps)] * len(matrix)
            matrices.append([[value * scale for value in row] for row, scale in zip(matrix, scales, strict=True)])
        return matrices


def split_file(data: bytes) -> tuple[int, dict[str, bytes]]:
    """The version and the sections by name."""
    magic, version, size, checksum = struct.unpack_from("<3sBI8s", data)
    assert magic == b"BGZ" and size == len(data) and checksum == digest(data[16:])
    sections, offset = {}, 16
    for name in SECTIONS[version]:
        (length,) = struct.unpack_from("<I", data, offset)
        sections[name] = data[offset + 4 : offset + 4 + length]
        offset += 4 + length
    assert offset == len(data) - 8
    return version, sections


def decode_file(data: bytes) -> PlainArtifact:
    """Of versions 1 and 2."""
    version, sections = split_file(data)
    assert version in (1, 2)
    header = json.loads(zlib.decompress(sections["header"]))
    tokenizer = lzma.decompress(sections["tokenizer"], lzma.FORMAT_RAW, filters=LZMA2)
    parameters = list_parameters(header["model"])
    weights = [parameter for parameter in parameters if parameter.group != "control"]
    storage = header["storage"] if version == 2 else {"coder": "range", "rows": [], "kept": {}}
    kept_places = {parameter.name: storage["kept"].get(parameter.name, []) for parameter in weights}
    coded_shapes = {
        parameter.name: [shape for place, shape in enumerate(parameter.matrices) if place not in kept_places[parameter.name]]
        for parameter in weights
    }
    hashed = b""

    def decode(section: str, shapes: list[tuple[int, int]]) -> list[Matrix]:
        nonlocal hashed
        found = decode_section(storage["coder"], sections.get(section, b""), shapes)
        hashed += b"".join(struct.pack(f"<{len(row)}i", *row) for matrix in found for row in matrix)
        return found

    integers: dict[str, list[Matrix]] = {}
    for group in GROUPS:
        members = [parameter.name for parameter in weights if parameter.group == group]
        decoded = iter(decode(group, [shape for name in members for shape in coded_shapes[name]]))
        integers.update({name: [next(decoded) for _ in coded_shapes[name]] for name in members})
    by_row = [name for name in storage["rows"] if coded_shapes[name]]
    decoded = iter(decode("row_steps", [(len(coded_shapes[name]), coded_shapes[name][0][0]) for name in by_row]))
    row_steps = {name: [[half(value) for value in row] for row in next(decoded)] for name in by_row}
    whole = [(parameter.name, place, parameter.matrices[0]) for parameter in weights for place in kept_places[parameter.name]]
    kept: dict[str, dict[int, list[list[float]]]] = {parameter.name: {} for parameter in weights}
    for (name, place, _), matrix in zip(whole, decode("kept", [shape for _, _, shape in whole]), strict=True):
        kept[name][place] = [[half(value) for value in row] for row in matrix]
    assert data[-8:] == digest(hashed)

    steps = iter(struct.unpack(f"<{len(sections['steps']) // 4}f", sections["steps"]))
    controls = iter(struct.unpack(f"<{len(sections['controls']) // 2}e", sections["controls"]))
    artifact = PlainArtifact(
        header,
        tokenizer,
        integers={parameter.name: integers[parameter.name] for parameter in weights},
        steps={name: [next(steps) for _ in shapes] for name, shapes in coded_shapes.items() if name not in storage["rows"]},
        controls={
            parameter.name: [next(controls) for _ in range(prod(parameter.shape))]
            for parameter in parameters
            if parameter.group == "control"
        },
        row_steps=row_steps,
        kept=kept,
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


def decode_section(coder: str, data: bytes, shapes: list[tuple[int, int]]) -> list[Matrix]:
    if not shapes:
        assert not data
        return []
    if coder == "range":
        return decode_integers(data, shapes)
    widths, compressed = data[: len(shapes)], data[len(shapes) :]
    if coder == "zstd":
        plain = zstandard.ZstdDecompressor().decompress(compressed)
    elif coder == "lzma":
        plain = lzma.decompress(compressed, lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 26}])
    else:
        plain = zlib.decompress(compressed)
    matrices, offset = [], 0
    for (rows, columns), width in zip(shapes, widths, strict=True):
        starts = range(offset, offset + rows * columns * width, width)
        flat = [int.from_bytes(plain[start : start + width], "little", signed=True) for start in starts]
        matrices.append([flat[row * columns : (row + 1) * columns] for row in range(rows)])
        offset += rows * columns * width
    assert offset == len(plain)
    return matrices


def half(pattern: int) -> float:
    """A float16: the sign of the integer is its own, the magnitude the rest of its bits."""
    (value,) = struct.unpack("<e", struct.pack("<H", abs(pattern) | 0x8000 * (pattern < 0)))
    assert isinstance(value, float)
    return value


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
