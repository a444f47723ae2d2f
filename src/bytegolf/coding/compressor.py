"""Any file to a `.bgc` file and back, by a packed model.

A file is cut into blocks, each compressed by itself, so that memory does not grow with it.
"""

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import zstandard

from bytegolf.coding.bgc_file import BLOCKS, DIGEST_BYTES, Head, UnreadableError, read_exactly
from bytegolf.coding.block_coder import END, LAYOUT, BlockCoder, Layout, read_block
from bytegolf.coding.codec import DamagedError
from bytegolf.coding.packed_model import PackedModel
from bytegolf.coding.proof_file import read_proof, text_of
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
        self.packed, self.blocks, self.block_bytes = packed, BlockCoder(packed, layout), layout.block_bytes

    def compress(self, source: Path, out: Path) -> CompressionResult:
        """Compress a file. Nothing is left behind if that fails."""
        total, whole = 0, hashlib.blake2b(digest_size=DIGEST_BYTES)
        size = source.stat().st_size
        with source.open("rb") as file, atomic_file(out) as coded, Progress("compress", size, "bytes") as progress:
            coded.write(Head(BLOCKS, self.packed.digest).to_bytes())
            while data := file.read(self.block_bytes):
                total += len(data)
                whole.update(data)
                block = self.blocks.encode(data, progress.advance)
                coded.write(block.head(data) + block.data)
            coded.write(bytes([END]) + FILE_END.pack(total, whole.digest()))
            written = coded.tell()
        return CompressionResult(total, written, str(out))

    def decompress(self, source: Path, out: Path) -> CompressionResult:
        """Bring a compressed file back, or the text of a proof. Raises InputError if it is damaged, or was made with another artifact."""
        with source.open("rb") as coded, atomic_file(out) as file:
            try:
                head = Head.read(coded)
                head.require_artifact(self.packed.digest, str(source))
                expand = self._expand_blocks if head.kind == BLOCKS else self._expand_proof
                total = sum(map(file.write, expand(head, coded)))
            except (UnreadableError, DamagedError, zstandard.ZstdError) as error:
                raise InputError(f"{source}: expected a file that bytegolf compressed, found {error}") from None
            return CompressionResult(coded.tell(), total, str(out))

    def _expand_proof(self, head: Head, coded: BinaryIO) -> Iterator[bytes]:
        """Yield the text of a proof."""
        with Progress("decompress", None, "tokens") as progress:
            proved = read_proof(coded, head.kind, self.packed, progress.advance)
        yield text_of(self.packed.artifact.tokenizer, proved.tokens)

    def _expand_blocks(self, _: Head, coded: BinaryIO) -> Iterator[bytes]:
        """Yield the bytes of each block. Raises UnreadableError unless they are those that were compressed."""
        total, whole = 0, hashlib.blake2b(digest_size=DIGEST_BYTES)
        with Progress("decompress", None, "bytes") as progress:
            while (read := read_block(coded, self.block_bytes)) is not None:
                head, block = read
                data = self.blocks.decode(block, progress.advance)
                if block.head(data) != head:
                    raise UnreadableError("a damaged block")
                total += block.size
                whole.update(data)
                yield data
        if FILE_END.unpack(read_exactly(coded, FILE_END.size)) != (total, whole.digest()):
            raise UnreadableError("blocks that are missing or in another order")
        if coded.read(1):
            raise UnreadableError("bytes behind its end")
