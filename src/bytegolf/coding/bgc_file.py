"""The head of a `.bgc` file, which every kind of it shares; byte by byte in docs/proof.md. Numbers are little-endian."""

import hashlib
import struct
from dataclasses import dataclass
from typing import BinaryIO

from bytegolf.coding.machine import Conditions
from bytegolf.errors import InputError

MAGIC = b"BGC1"
DIGEST_BYTES = 8
SHORT_DIGEST_BYTES = 4  # where every byte of a proof counts; its receipt has the whole hash
BLOCKS = 0  # kind of a file that holds blocks of any file's bytes; a proof is 1 + the number of its protocol


class UnreadableError(Exception):
    """A file that is not what its head says, or ends early. Callers that know the file's name turn this into an InputError."""


@dataclass(frozen=True)
class Head:
    """The head of a file: its kind, and what it takes to decode it."""

    kind: int
    conditions: Conditions
    artifact: bytes  # short digest of the artifact's file

    def to_bytes(self) -> bytes:
        """Return the first bytes of the file."""
        conditions = self.conditions.to_bytes()
        return MAGIC + struct.pack("<BB", self.kind, len(conditions)) + conditions + self.artifact

    @classmethod
    def read(cls, file: BinaryIO) -> "Head":
        """Read the first bytes of a file. Raises UnreadableError if they are no head."""
        if file.read(len(MAGIC)) != MAGIC:
            raise UnreadableError("something else")
        kind, length = struct.unpack("<BB", read_exactly(file, 2))
        try:
            conditions = Conditions.parse(read_exactly(file, length))
        except ValueError:
            raise UnreadableError("a damaged head") from None
        return cls(kind, conditions, read_exactly(file, SHORT_DIGEST_BYTES))

    def require(self, kinds: range, conditions: Conditions, artifact: bytes, name: str) -> None:
        """Raise InputError, which names the file `name`, unless it is of such a kind and this artifact decodes it here."""
        if self.kind not in kinds:
            wanted, found = ("a compressed file", "a proof") if BLOCKS in kinds else ("a proof", "a compressed file")
            raise InputError(f"{name}: expected {wanted}, found {found}")
        if self.artifact != artifact:
            raise InputError(f"{name}: expected the artifact it was made with, {self.artifact.hex()}, found {artifact.hex()}")
        self.conditions.require(conditions, name)


def read_exactly(file: BinaryIO, size: int) -> bytes:
    """Return the next `size` bytes. Raises UnreadableError where the file ends before."""
    data = file.read(size)
    if len(data) != size:
        raise UnreadableError("a file that was cut short")
    return data


def digest(data: bytes, size: int = DIGEST_BYTES) -> bytes:
    """Return the BLAKE2b hash of `data`, `size` bytes long."""
    return hashlib.blake2b(data, digest_size=size).digest()
