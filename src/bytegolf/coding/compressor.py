"""Any file to a `.bgc` file and back, by a model that reads many lanes side by side.

A file is cut into blocks, each compressed by itself, so that memory does not grow with it. A block whose bytes are no text
is stored by zstd, as is one that the model would make larger. Each block is decoded again before the next is begun.
"""

import hashlib
import struct
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import torch
import zstandard

from bytegolf.artifact.container import read_artifact
from bytegolf.coding.bgc_file import BLOCKS, DIGEST_BYTES, SHORT, Head, Unreadable, digest, exactly
from bytegolf.coding.codec import DamagedError, decode, encode, segments
from bytegolf.coding.lane_predictor import LanePredictor
from bytegolf.coding.lossless import Lossless
from bytegolf.coding.machine import Conditions
from bytegolf.errors import InputError
from bytegolf.model.gpt import GPT
from bytegolf.runtime.progress import Progress
from bytegolf.storage.files import atomic_file

BLOCK_BYTES = 1 << 20
LANES = 64  # at most: more are faster and know less of their past
LANE_TOKENS = 512  # at least, where there are several lanes
WINDOW = 512  # at most: 64 lanes of a window of a 27 M parameter model take 0.7 GB
MOST_SPELLED = 0.25  # share of bytes that no text token stands for, in a block that is worth the model's time
END, CODED, STORED = 0, 1, 2  # kinds of block
BLOCK_HEAD = struct.Struct(f"<III{DIGEST_BYTES}s")  # behind the kind: bytes, tokens, bytes coded, digest
FILE_END = struct.Struct(f"<Q{DIGEST_BYTES}s")  # bytes of the whole file and their digest


@dataclass(frozen=True)
class FileResult:
    bytes_in: int
    bytes_out: int
    out: str

    def to_json(self) -> dict[str, object]:
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.out}: {self.bytes_out:,} bytes from {self.bytes_in:,}"


class Block(NamedTuple):
    kind: int
    tokens: int
    data: bytes

    def head(self, expanded: bytes) -> bytes:
        """What stands before the block in a file; its digest is of all that it says."""
        sizes = struct.pack("<BIII", self.kind, len(expanded), self.tokens, len(self.data))
        return sizes + digest(sizes + self.data + expanded)


@dataclass(frozen=True)
class Compressor:
    """A model that compresses. `identity` is its artifact's."""

    model: GPT
    text: Lossless
    window: int
    identity: bytes

    @classmethod
    def of(cls, artifact: Path) -> "Compressor":
        """Raises InputError for anything but an artifact."""
        data = artifact.read_bytes()
        read = read_artifact(data, str(artifact))
        return cls(read.model(), Lossless(read.tokenizer), min(read.score.window, WINDOW), digest(data, SHORT))

    def compress(self, source: Path, out: Path) -> FileResult:
        """Raises InputError if the blocks do not decode here, and leaves nothing behind then."""
        size, whole = source.stat().st_size, hashlib.blake2b(digest_size=DIGEST_BYTES)
        with source.open("rb") as file, atomic_file(out) as coded, Progress("compress", 2 * size, "bytes") as progress:
            coded.write(Head(BLOCKS, self._conditions(), self.identity).to_bytes())
            total = 0
            while data := file.read(BLOCK_BYTES):
                total += len(data)
                whole.update(data)
                block = self._coded(data, progress.advance)
                coded.write(block.head(data) + block.data)
                if not self._gives(block, data, progress.advance):
                    raise InputError(
                        f"{source}: expected to decode what was just coded, found other bytes; this machine does not compute the same twice"
                    )
            coded.write(struct.pack("<B", END) + FILE_END.pack(total, whole.digest()))
            written = coded.tell()
        return FileResult(total, written, str(out))

    def decompress(self, source: Path, out: Path) -> FileResult:
        """Raises InputError for a file that is damaged, or cannot be decoded by this artifact or here."""
        size = source.stat().st_size
        with source.open("rb") as coded, atomic_file(out) as file, Progress("decompress", size, "bytes") as progress:
            try:
                head = Head.read(coded)
                head.require(range(1), self._conditions(), self.identity, str(source))
                total = sum(file.write(data) for data in self._blocks(coded, progress.advance))
            except (Unreadable, DamagedError, zstandard.ZstdError) as error:
                raise InputError(f"{source}: expected a file that bytegolf compressed, found {error}") from None
        return FileResult(size, total, str(out))

    def _blocks(self, coded: BinaryIO, advance: Callable[[float], None]) -> Iterator[bytes]:
        total, whole = 0, hashlib.blake2b(digest_size=DIGEST_BYTES)
        while (kind := exactly(coded, 1)[0]) != END:
            rest = exactly(coded, BLOCK_HEAD.size)
            size, tokens, length, _ = BLOCK_HEAD.unpack(rest)
            if kind not in (CODED, STORED) or not 0 < size <= BLOCK_BYTES or tokens > 2 * size or length > 2 * BLOCK_BYTES:
                raise Unreadable("a damaged block")
            block = Block(kind, tokens, exactly(coded, length))
            data = self._expanded(block, size, lambda done, share=length / size: advance(done * share))  # type: ignore[misc]
            if block.head(data) != bytes([kind]) + rest:
                raise Unreadable("a damaged block, or one from a machine that computes otherwise")
            total += size
            whole.update(data)
            yield data
        if FILE_END.unpack(exactly(coded, FILE_END.size)) != (total, whole.digest()):
            raise Unreadable("blocks that are missing or in another order")
        if coded.read(1):
            raise Unreadable("bytes behind its end")

    def _coded(self, data: bytes, advance: Callable[[float], None]) -> Block:
        stored = Block(STORED, 0, zstandard.ZstdCompressor(level=19, write_content_size=False).compress(data))
        tokens, spelled = self.text.encode(data)
        if spelled > MOST_SPELLED * len(data):
            advance(len(data))
            return stored
        parts = np.split(tokens, np.cumsum(self._lengths(len(tokens)))[:-1])
        each = len(data) / len(tokens)
        coded = Block(CODED, len(tokens), encode(self._predictor(len(parts)), parts, lambda count: advance(count * each)))
        return _smaller(coded, stored)

    def _expanded(self, block: Block, size: int, advance: Callable[[float], None]) -> bytes:
        if block.kind == STORED:
            advance(size)
            return zstandard.ZstdDecompressor().stream_reader(block.data).read(size + 1)
        lengths = self._lengths(block.tokens)
        parts = decode(self._predictor(len(lengths)), lengths, block.data, lambda count: advance(count * size / block.tokens))
        return self.text.decode(np.concatenate(parts))

    def _gives(self, block: Block, data: bytes, advance: Callable[[float], None]) -> bool:
        try:
            return self._expanded(block, len(data), advance) == data
        except (DamagedError, InputError):  # InputError: tokens that the tokenizer does not know
            return False

    def _lengths(self, tokens: int) -> list[int]:
        return segments(tokens, max(1, min(LANES, tokens // LANE_TOKENS)))

    def _predictor(self, lanes: int) -> LanePredictor:
        return LanePredictor(self.model, lanes, self.window)

    def _conditions(self) -> Conditions:
        return Conditions.here(torch.device("cpu"))


def _smaller(coded: Block, stored: Block) -> Block:
    return coded if len(coded.data) < len(stored.data) else stored
