"""Files as their contents: gzip, bzip2, xz, LZMA and zstd are decompressed chunk by chunk, told by what a file begins with.

One loop serves every compression and notices a file that was cut short, which some of the libraries' own readers take
for a complete one. It reads what the compressors' own tools read: several frames in a row, and zeros after them.
"""

import bz2
import lzma
import re
import zlib
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from shlex import quote
from typing import BinaryIO, NamedTuple, Protocol

import zstandard

from bytegolf.errors import InputError
from bytegolf.text.documents import first_line

CHUNK_BYTES = 1 << 18
HEAD_BYTES = 512
ZSTD_WINDOW = 1 << 31  # bytes, as `zstd --long=31` writes: the most that decompressing may hold, if a file asks for it
BROKEN = (EOFError, OSError, zlib.error, lzma.LZMAError, zstandard.ZstdError, MemoryError)


class _Frame(Protocol):
    """The interface that the libraries' decompressors share. Past its `eof` a frame leaves the rest as `unused_data`."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


class _Compression(NamedTuple):
    """A compression: what its files end with and begin with, and how a frame of it is decompressed."""

    name: str
    suffixes: tuple[str, ...]
    magic: re.Pattern[bytes]
    frame: Callable[[], _Frame]


_COMPRESSIONS = (
    _Compression("gz", (".gz",), re.compile(rb"\x1f\x8b"), lambda: zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)),
    _Compression("bz2", (".bz2",), re.compile(rb"BZh[1-9](1AY&SY|\x17rE8P\x90)"), bz2.BZ2Decompressor),
    _Compression("xz", (".xz", ".lzma"), re.compile(rb"\xfd7zXZ\0"), lzma.LZMADecompressor),
    _Compression(
        "zst", (".zst",), re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18"),
        lambda: zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW).decompressobj(),
    ),
)  # fmt: skip
COMPRESSED = tuple(suffix for compression in _COMPRESSIONS for suffix in compression.suffixes)


def plain_suffix(path: Path) -> str:
    """Return a file's suffix in lower case, without the one that says how it is compressed: ".json" for C4.JSON.gz."""
    name = path.name.lower()
    return Path(next((name.removesuffix(suffix) for suffix in COMPRESSED if name.endswith(suffix)), name)).suffix


def contents(path: Path, raw: BinaryIO) -> Iterator[bytes]:
    """Yield the contents of a file, which is open as `raw`, decompressed.

    The first chunk holds all that a format is told by, HEAD_BYTES or the whole file. Raises InputError for broken data.
    """
    chunks, head = _decompressed(path, raw), b""
    while len(head) < HEAD_BYTES and (chunk := next(chunks, None)) is not None:
        head += chunk
    yield from chain([head], chunks)


def _decompressed(path: Path, raw: BinaryIO) -> Iterator[bytes]:
    """Yield chunks of any size, also empty ones."""
    raw.seek(0)
    chunks = iter(lambda: raw.read(CHUNK_BYTES), b"")
    beginning = next(chunks, b"")
    compression = _compression(path, beginning)
    if compression is None:
        yield from chain([beginning], chunks)
        return
    try:
        frame = compression.frame()
        for chunk in chain([beginning], chunks):
            left = chunk
            while left := left.lstrip(b"\0") if frame.eof else left:
                if frame.eof:
                    frame = compression.frame()
                yield frame.decompress(left)
                left = frame.unused_data
        if not frame.eof:
            raise EOFError("a file that ends early")
    except BROKEN as error:
        raise InputError(f"{path}: expected {compression.name} data, found {first_line(error)}{_advice(path, error)}") from None


def _compression(path: Path, beginning: bytes) -> _Compression | None:
    """Return how a file is compressed: as it begins, or else as its suffix says."""
    by_content = (compression for compression in _COMPRESSIONS if compression.magic.match(beginning))
    by_suffix = (compression for compression in _COMPRESSIONS if path.name.lower().endswith(compression.suffixes))
    return next(by_content, None) or next(by_suffix, None)


def _advice(path: Path, error: BaseException) -> str:
    """Return what to do about a zstd file that takes more memory than there is, or nothing."""
    if isinstance(error, zstandard.ZstdError) and "memory" in str(error):
        return f"; recode it where there is more: zstd -dc --long=31 {quote(str(path))} | zstd -o smaller-window.zst"
    return ""
