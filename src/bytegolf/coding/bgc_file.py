"""The head of a `.bgc` file, which every kind of it shares; byte by byte in docs/proof.md. Numbers are little-endian."""

import hashlib
import struct
from dataclasses import dataclass
from typing import BinaryIO

from bytegolf.coding.machine import Conditions
from bytegolf.errors import InputError

MAGIC = b"BGC1"
DIGEST_BYTES = 8
SHORT = 4  # bytes of a digest where a proof counts them; its receipt has the whole hash
BLOCKS = 0  # kinds of file: blocks of any file's bytes, or a proof by protocol number kind − 1


class Unreadable(Exception):  # noqa: N818 - not an error until somebody names the file
    """A file that is not what its head says, or ends early."""


@dataclass(frozen=True)
class Head:
    kind: int
    conditions: Conditions
    artifact: bytes  # short digest of the artifact's file

    def to_bytes(self) -> bytes:
        conditions = self.conditions.to_bytes()
        return MAGIC + struct.pack("<BB", self.kind, len(conditions)) + conditions + self.artifact

    @classmethod
    def read(cls, file: BinaryIO) -> "Head":
        """Raises Unreadable."""
        if file.read(len(MAGIC)) != MAGIC:
            raise Unreadable("something else")
        kind, length = struct.unpack("<BB", exactly(file, 2))
        try:
            conditions = Conditions.parse(exactly(file, length))
        except ValueError:
            raise Unreadable("a damaged head") from None
        return cls(kind, conditions, exactly(file, SHORT))

    def require(self, kind: range, conditions: Conditions, artifact: bytes, name: str) -> None:
        """Raises InputError, which names the file `name`, unless it is of such a kind and can be decoded here by this artifact."""
        if self.kind not in kind:
            wanted, found = ("a compressed file", "a proof") if kind == range(1) else ("a proof", "a compressed file")
            raise InputError(f"{name}: expected {wanted}, found {found}")
        if self.artifact != artifact:
            raise InputError(f"{name}: expected the artifact it was made with, {self.artifact.hex()}, found {artifact.hex()}")
        self.conditions.require(conditions, name)


def exactly(file: BinaryIO, size: int) -> bytes:
    """Raises Unreadable where the file ends."""
    data = file.read(size)
    if len(data) != size:
        raise Unreadable("a file that was cut short")
    return data


def digest(data: bytes, size: int = DIGEST_BYTES) -> bytes:
    return hashlib.blake2b(data, digest_size=size).digest()
