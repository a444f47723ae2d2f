"""The head of a `.bgc` file, which every kind of it shares; byte by byte in docs/proof.md. Numbers are little-endian."""

import hashlib
import struct
from typing import BinaryIO, NamedTuple

from bytegolf.errors import InputError

MAGIC = b"BGC1"
DIGEST_BYTES = 8
SHORT_DIGEST_BYTES = 4  # where every byte of a proof counts; its receipt has the whole hash
BLOCKS = 0  # kind of a file that holds blocks of any file's bytes; a proof is 1 + the number of its protocol


class UnreadableError(Exception):
    """A file that is not what its head says, or ends early. Callers that know the file's name turn this into an InputError."""


class Head(NamedTuple):
    """The head of a file: its kind, and the artifact that decodes it."""

    kind: int
    artifact: bytes  # short digest of the artifact's file

    def to_bytes(self) -> bytes:
        """Return the first bytes of the file."""
        return MAGIC + struct.pack("<B", self.kind) + self.artifact

    @classmethod
    def read(cls, file: BinaryIO) -> "Head":
        """Read the first bytes of a file. Raises UnreadableError if they are no head."""
        if file.read(len(MAGIC)) != MAGIC:
            raise UnreadableError("something else")
        (kind,) = struct.unpack("<B", read_exactly(file, 1))
        return cls(kind, read_exactly(file, SHORT_DIGEST_BYTES))

    def require_artifact(self, digest: bytes, name: str) -> None:
        """Raise InputError, which names the file `name`, unless the artifact of this short digest decodes it."""
        if self.artifact != digest:
            raise InputError(f"{name}: expected the artifact it was made with, {self.artifact.hex()}, found {digest.hex()}")


def read_exactly(file: BinaryIO, size: int) -> bytes:
    """Return the next `size` bytes. Raises UnreadableError where the file ends before."""
    data = file.read(size)
    if len(data) != size:
        raise UnreadableError("a file that was cut short")
    return data


def digest(data: bytes, size: int = DIGEST_BYTES) -> bytes:
    """Return the BLAKE2b hash of `data`, `size` bytes long."""
    return hashlib.blake2b(data, digest_size=size).digest()
