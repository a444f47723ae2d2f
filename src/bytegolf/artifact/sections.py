"""The outside of a `.bgz` file: preamble, checksum, sections; and the two sections that are text. Byte by byte in docs/artifact.md."""

import hashlib
import json
import lzma
import struct
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bytegolf.errors import InputError

MAGIC = b"BGZ"
PREAMBLE = struct.Struct("<3sBI8s")
CHECKSUM_BYTES = 8
GROUPS = ("mlp", "attention", "embedding", "table", "projection")
SECTIONS: dict[int, tuple[str, ...]] = {1: ("header", "tokenizer", "steps", "controls", *GROUPS)}
SECTIONS[2] = (*SECTIONS[1], "row_steps", "kept")
LZMA_FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "lc": 3, "pb": 0}]
MAX_HEADER_BYTES = 1 << 16
MAX_TOKENIZER_BYTES = 1 << 24


@dataclass(frozen=True)
class PackedFile:
    """The bytes of an artifact, and how many of them each section takes."""

    data: bytes
    sections: dict[str, int]


def checksum_of(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=CHECKSUM_BYTES).digest()


def join_sections(version: int, sections: dict[str, bytes], last: bytes) -> PackedFile:
    """A file of `sections`, in the order of the version, and the checksum that ends it."""
    body = b"".join(struct.pack("<I", len(sections[name])) + sections[name] for name in SECTIONS[version]) + last
    preamble = PREAMBLE.pack(MAGIC, version, PREAMBLE.size + len(body), checksum_of(body))
    sizes = {name: len(sections[name]) + 4 for name in SECTIONS[version]}
    return PackedFile(preamble + body, {"container": PREAMBLE.size + CHECKSUM_BYTES, **sizes})


def checked_body(data: bytes, name: str) -> tuple[int, bytes]:
    """The version, and all after the preamble. Raises InputError, calling the file `name`, unless it is whole and unaltered."""
    if len(data) < PREAMBLE.size or data[:3] != MAGIC:
        raise InputError(f"{name}: expected a bytegolf artifact, found a file that does not begin like one")
    _, version, length, checksum = PREAMBLE.unpack_from(data)
    if version not in SECTIONS:
        raise InputError(f"{name}: expected artifact version {' or '.join(map(str, SECTIONS))}, found version {version}")
    if length != len(data):
        raise InputError(f"{name}: expected {length:,} bytes, found {len(data):,}; the file is cut or padded")
    body = data[PREAMBLE.size :]
    if checksum_of(body) != checksum:
        raise InputError(f"{name}: expected its own checksum, found altered bytes")
    return version, body


def split_sections(version: int, body: bytes) -> tuple[dict[str, bytes], bytes]:
    """The sections by name, and the last checksum. Raises ValueError where they do not fill the body."""
    sections, offset = {}, 0
    for section in SECTIONS[version]:
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


def compress_header(header: dict[str, Any]) -> bytes:
    return zlib.compress(json.dumps(header, separators=(",", ":"), sort_keys=True).encode(), 9)


def expand_header(data: bytes) -> Any:
    """The JSON value. Raises ValueError or zlib.error."""
    engine = zlib.decompressobj()
    plain = engine.decompress(data, MAX_HEADER_BYTES)
    if not engine.eof or engine.unused_data:
        raise ValueError("a header that does not end")
    return json.loads(plain)


def compress_tokenizer(serialised: bytes) -> bytes:
    return lzma.compress(serialised, lzma.FORMAT_RAW, filters=LZMA_FILTERS)


def expand_tokenizer(data: bytes) -> bytes:
    """Raises ValueError or lzma.LZMAError."""
    engine = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=LZMA_FILTERS)
    plain = engine.decompress(data, MAX_TOKENIZER_BYTES)
    if not engine.eof or engine.unused_data:
        raise ValueError("a tokenizer that does not end")
    return plain


class Reader:
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
