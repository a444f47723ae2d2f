"""Token streams on disk in the contest's shard format, and several shards as one array.

A shard is a header of 256 little-endian int32 (magic, version, number of tokens, zeros) and that many
uint16 tokens.
"""

import os
import resource
from collections.abc import Sequence
from functools import lru_cache
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import numpy as np
import numpy.typing as npt

from bytegolf.arrays import Tokens
from bytegolf.errors import InputError

MAGIC, VERSION = 20240520, 1
HEADER_BYTES = 256 * 4
TOKEN_BYTES = 2
MAX_SHARD_TOKENS = 100_000_000


class Shard:
    """One file of tokens: `len(shard)`, and `shard.read(file, start, stop)` for uint16 tokens.

    The file is opened when tokens are read, by `open`: a corpus may have more shards than a process may open files. Tokens
    are read from disk instead of mapped: mapped pages count as the process's memory, which would grow with the corpus.
    Raises InputError if the file is not exactly one shard.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self.open() as file:
            size, header = os.fstat(file.fileno()).st_size, file.read(HEADER_BYTES)
        if size < HEADER_BYTES:
            raise InputError(f"{path}: expected a shard of at least {HEADER_BYTES} bytes, found {size}")
        magic, version, self._length, *rest = np.frombuffer(header, "<i4").tolist()
        if magic != MAGIC:
            raise InputError(f"{path}: expected a shard with magic number {MAGIC}, found {magic}")
        if version != VERSION:
            raise InputError(f"{path}: expected shard version {VERSION}, found {version}")
        if size != HEADER_BYTES + self._length * TOKEN_BYTES:
            raise InputError(f"{path}: expected {HEADER_BYTES + self._length * TOKEN_BYTES} bytes for {self._length} tokens, found {size}")
        if any(rest):
            raise InputError(f"{path}: expected zeros after the token count, found a header that is damaged")

    def __len__(self) -> int:
        return self._length

    def open(self) -> FileIO:
        """Open the file. Raises InputError if that is not possible."""
        try:
            return self.path.open("rb", buffering=0)
        except OSError as error:
            raise InputError(f"{self.path}: expected a shard, found {error.strerror}") from None

    def read(self, file: FileIO, start: int, stop: int) -> Tokens:
        """Return the tokens from `start` on and before `stop`, or the shard's end, of the shard opened as `file`."""
        wanted = (min(stop, self._length) - start) * TOKEN_BYTES
        read = os.pread(file.fileno(), wanted, HEADER_BYTES + start * TOKEN_BYTES)
        if len(read) != wanted:
            raise InputError(f"{self.path}: expected {self._length} tokens as when it was opened; the file was cut since")
        return np.frombuffer(read, "<u2")


class ShardWriter:
    """Writes tokens to `folder/split_000000.bin` and so on, beginning a new shard whenever one is full.

    It is a context manager; `tokens` counts the tokens written. A shard's header is valid once the shard is closed.
    With `tokens` it goes on after that many, which an earlier writer of the same `max_tokens` has synced.
    """

    def __init__(self, folder: Path, split: str, max_tokens: int = MAX_SHARD_TOKENS, *, tokens: int = 0) -> None:
        """Prepare to write. Raises InputError if shards with so many `tokens` are not there."""
        self.folder, self.split, self.max_tokens = folder, split, max_tokens
        self.tokens = tokens
        self._file: BinaryIO | None = None
        self._written: list[Path] = []  # since the last sync; the last one may be open
        self._in_shard = tokens % max_tokens
        self._drop_later()

    def write(self, tokens: npt.ArrayLike) -> None:
        """Append tokens, (n,)."""
        left = np.asarray(tokens, dtype="<u2")
        while left.size:
            if self._file is None or self._in_shard == self.max_tokens:
                self._next_shard()
            assert self._file is not None
            part = left[: self.max_tokens - self._in_shard]
            self._file.write(part.tobytes())
            self._in_shard += part.size
            self.tokens += part.size
            left = left[part.size :]

    def sync(self) -> None:
        """Put all that was written on disk, so that a later writer can go on from here."""
        if self._in_shard == self.max_tokens:
            self.close()  # a later writer does not open a full shard
        elif self._file is not None:
            self._file.flush()
        for path in self._written:
            with path.open("rb") as file:
                os.fsync(file.fileno())
        self._written = self._written[-1:] if self._file is not None else []

    def close(self) -> None:
        """Write the last shard's header and close it."""
        if self._file is not None:
            self._file.seek(0)
            self._file.write(_header(self._in_shard))
            self._file.close()
            self._file = None

    def _path(self, index: int) -> Path:
        return self.folder / f"{self.split}_{index:06d}.bin"

    def _next_shard(self) -> None:
        self.close()
        self._written.append(self._path(self.tokens // self.max_tokens))
        self._file = self._written[-1].open("wb")
        self._file.write(_header(0))
        self._in_shard = 0

    def _drop_later(self) -> None:
        """Cut off what was written after the first `tokens` tokens, and open the shard that these end in."""
        full, begun = divmod(self.tokens, self.max_tokens)
        sizes = [self.max_tokens] * full + [begun] * (begun > 0)
        for index, size in enumerate(sizes):
            path, wanted = self._path(index), HEADER_BYTES + size * TOKEN_BYTES
            there = path.stat().st_size if path.is_file() else 0
            if there < wanted:
                raise InputError(f"{path}: expected {wanted} bytes as they were written, found {there}")
            os.truncate(path, wanted)
        index = len(sizes)
        while (path := self._path(index)).exists():
            path.unlink()
            index += 1
        if begun:
            self._written.append(self._path(full))
            self._file = self._written[-1].open("r+b")
            self._file.seek(0, os.SEEK_END)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class TokenStream:
    """Shards, in order, as one array: `len(stream)`, and `stream[start:stop]` for uint16 tokens.

    A slice reads only its own tokens from disk. The shards read last stay open, a small part of the files that a process
    may open. Raises InputError if a file is not a shard.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._shards = [Shard(path) for path in paths]
        self._opened = lru_cache(_max_open_shards())(Shard.open)  # a file is closed when the last of its readers lets go
        self._ends = np.cumsum([len(shard) for shard in self._shards], dtype=np.int64)

    def __len__(self) -> int:
        return int(self._ends[-1]) if self._shards else 0

    def __getitem__(self, span: slice) -> Tokens:
        start, stop, step = span.indices(len(self))
        if step != 1:
            raise ValueError(f"expected a slice with step 1, found {step}")
        parts = [np.empty(0, dtype=np.uint16)]
        index = int(np.searchsorted(self._ends, start, side="right"))
        while start < stop:
            shard, end = self._shards[index], int(self._ends[index])
            offset = end - len(shard)
            parts.append(shard.read(self._opened(shard), start - offset, stop - offset))
            start, index = end, index + 1
        return np.concatenate(parts)


def _max_open_shards() -> int:
    """Return how many shards a stream may keep open: a quarter of the files that this process may open, and at most 256."""
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 256 if allowed == resource.RLIM_INFINITY else max(1, min(256, allowed // 4))


def _header(count: int) -> bytes:
    header = np.zeros(HEADER_BYTES // 4, dtype="<i4")
    header[:3] = MAGIC, VERSION, count
    return header.tobytes()
