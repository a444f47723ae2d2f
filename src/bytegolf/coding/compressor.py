"""Any file to a `.bgc` file and back, by a packed model.

A file is cut into blocks, each compressed by itself, so that memory does not grow with it. Each block is decoded again
before the next is begun.
"""

import hashlib
import struct
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import torch
import zstandard

from bytegolf.coding.bgc_file import BLOCKS, DIGEST_BYTES, Head, UnreadableError, read_exactly
from bytegolf.coding.block_coder import END, LAYOUT, BlockCoder, Layout, read_block
from bytegolf.coding.codec import DamagedError
from bytegolf.coding.machine import Conditions
from bytegolf.coding.packed_model import PackedModel
from bytegolf.errors import InputError
from bytegolf.runtime.progress import Progress
from bytegolf.storage.files import atomic_file

FILE_END = struct.Struct(f"<Q{DIGEST_BYTES}s")  # bytes of the whole file and their digest


@dataclass(frozen=True)
class CompressionResult:
    """A file that was written: `out`, of `bytes_out` bytes, made of a file of `bytes_in` bytes."""

    bytes_in: int
    bytes_out: int
    out: str

    def to_json(self) -> dict[str, object]:
        """Return the result as an object for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.out}: {self.bytes_out:,} bytes from {self.bytes_in:,}"


class Compressor:
    """A packed model that compresses files. A file written with a non-default layout can only be read with that same layout."""

    def __init__(self, packed: PackedModel, layout: Layout = LAYOUT) -> None:
        self.blocks, self.block_bytes, self.identity = BlockCoder(packed, layout), layout.block_bytes, packed.digest

    def compress(self, source: Path, out: Path) -> CompressionResult:
        """Compress a file. Raises InputError if a block does not decode here, and leaves nothing behind then."""
        total, whole = 0, hashlib.blake2b(digest_size=DIGEST_BYTES)
        size = source.stat().st_size
        with source.open("rb") as file, atomic_file(out) as coded, Progress("compress", 2 * size, "bytes") as progress:
            coded.write(Head(BLOCKS, _conditions(), self.identity).to_bytes())
            while data := file.read(self.block_bytes):
                total += len(data)
                whole.update(data)
                block = self.blocks.encode(data, progress.advance)
                coded.write(block.head(data) + block.data)
                if not self.blocks.decodes_to(block, data, progress.advance):
                    raise InputError(f"{source}: what was just coded does not decode; this machine does not compute the same twice")
            coded.write(bytes([END]) + FILE_END.pack(total, whole.digest()))
            written = coded.tell()
        return CompressionResult(total, written, str(out))

    def decompress(self, source: Path, out: Path) -> CompressionResult:
        """Bring a compressed file back. Raises InputError if it is damaged, or cannot be decoded by this artifact or here."""
        size = source.stat().st_size
        with source.open("rb") as coded, atomic_file(out) as file, Progress("decompress", size, "bytes") as progress:
            try:
                head = Head.read(coded)
                head.require(range(BLOCKS, BLOCKS + 1), _conditions(), self.identity, str(source))
                total = sum(file.write(data) for data in self._expanded(coded, progress.advance))
            except (UnreadableError, DamagedError, zstandard.ZstdError) as error:
                raise InputError(f"{source}: expected a file that bytegolf compressed, found {error}") from None
        return CompressionResult(size, total, str(out))

    def _expanded(self, coded: BinaryIO, advance: Callable[[float], None]) -> Iterator[bytes]:
        """Yield the bytes of each block. Raises UnreadableError unless they are those that were compressed."""
        total, whole = 0, hashlib.blake2b(digest_size=DIGEST_BYTES)
        while (read := read_block(coded, self.block_bytes)) is not None:
            head, block = read
            data = self.blocks.decode(block, _scaled(advance, len(block.data) / block.size))
            if block.head(data) != head:
                raise UnreadableError("a damaged block, or one from a machine that computes otherwise")
            total += block.size
            whole.update(data)
            yield data
        if FILE_END.unpack(read_exactly(coded, FILE_END.size)) != (total, whole.digest()):
            raise UnreadableError("blocks that are missing or in another order")
        if coded.read(1):
            raise UnreadableError("bytes behind its end")


def _scaled(advance: Callable[[float], None], share: float) -> Callable[[float], None]:
    """Return a callback that takes expanded bytes and reports them to `advance` as compressed bytes."""
    return lambda done: advance(done * share)


def _conditions() -> Conditions:
    return Conditions.here(torch.device("cpu"))
