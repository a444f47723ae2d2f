"""The outside of a `.bgz` file: preamble, checksums and sections, whatever they hold. Byte by byte in docs/artifact.md."""

import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bytegolf.errors import InputError

MAGIC = b"BGZ"
VERSION = 1
PREAMBLE = struct.Struct("<3sBI8s")
LENGTH = struct.Struct("<I")  # before each section
CHECKSUM_BYTES = 8


@dataclass(frozen=True)
class PackedFile:
    """The bytes of an artifact, and how many of them each section takes."""

    data: bytes
    sections: dict[str, int]


def checksum_of(data: bytes) -> bytes:
    """Return the checksum of bytes as files have it."""
    return hashlib.blake2b(data, digest_size=CHECKSUM_BYTES).digest()


def join_sections(sections: Mapping[str, bytes], last: bytes) -> PackedFile:
    """Return a file of sections, in their order, and the checksum that ends it."""
    body = b"".join(LENGTH.pack(len(section)) + section for section in sections.values()) + last
    preamble = PREAMBLE.pack(MAGIC, VERSION, PREAMBLE.size + len(body), checksum_of(body))
    sizes = {name: LENGTH.size + len(section) for name, section in sections.items()}
    return PackedFile(preamble + body, {"container": PREAMBLE.size + CHECKSUM_BYTES, **sizes})


def checked_body(data: bytes, name: str) -> bytes:
    """Return all that follows the preamble. Raises InputError, calling the file `name`, unless it is complete and unaltered."""
    if len(data) < PREAMBLE.size or data[:3] != MAGIC:
        raise InputError(f"{name}: expected a bytegolf artifact, found a file that does not begin like one; pack makes them")
    _, version, length, checksum = PREAMBLE.unpack_from(data)
    if version != VERSION:
        raise InputError(f"{name}: expected artifact version {VERSION}, found version {version}")
    if length != len(data):
        raise InputError(f"{name}: expected {length:,} bytes, found {len(data):,}; the file is cut or padded")
    body = data[PREAMBLE.size :]
    if checksum_of(body) != checksum:
        raise InputError(f"{name}: expected its own checksum, found altered bytes")
    return body


class SectionReader:
    """Takes the sections of a file's body one after the other. Raises ValueError where the body does not hold just them."""

    def __init__(self, body: bytes) -> None:
        self.body, self.offset = body, 0

    def take(self, name: str) -> bytes:
        """Return the next section, which errors call `name`."""
        start = self.offset + LENGTH.size
        if start > len(self.body):
            raise ValueError(f"section {name} is missing")
        (length,) = LENGTH.unpack_from(self.body, self.offset)
        section = self.body[start : start + length]
        if len(section) != length:
            raise ValueError(f"section {name} is cut")
        self.offset = start + length
        return section

    def take_checksum(self) -> bytes:
        """Return the checksum that ends the file."""
        last = self.body[self.offset :]
        if len(last) != CHECKSUM_BYTES:
            raise ValueError("bytes after the last section")
        return last


class ArrayReader:
    """Takes arrays from a section that must be used up exactly and hold finite numbers. Raises ValueError where it does not."""

    def __init__(self, data: bytes, dtype: str) -> None:
        self.values = np.frombuffer(data, dtype)
        if not np.isfinite(self.values).all():
            raise ValueError("numbers that are not finite")

    def take(self, count: int) -> NDArray[np.floating]:
        """Return the next `count` numbers."""
        if count > len(self.values):
            raise ValueError("a section that is too short")
        taken, self.values = self.values[:count].astype(self.values.dtype.newbyteorder("=")), self.values[count:]
        return taken

    def close(self) -> None:
        """Raise ValueError unless everything was taken."""
        if len(self.values):
            raise ValueError("a section that is too long")
