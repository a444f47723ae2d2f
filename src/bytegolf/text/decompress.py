"""Decompression of .gz, .bz2, .xz and .zst streams, chunk by chunk.

One loop serves every format and notices a file that was cut short, which some of the libraries' own readers take
for a complete one.
"""

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

import zstandard

DECOMPRESSION_ERRORS = (EOFError, OSError, zlib.error, lzma.LZMAError, zstandard.ZstdError)  # raised for broken data


class _Frame(Protocol):
    """The interface that the libraries' decompressors share. Past its `eof` a frame leaves the rest as `unused_data`."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


_FRAMES: dict[str, Callable[[], _Frame]] = {
    ".gz": lambda: zlib.decompressobj(wbits=16 + zlib.MAX_WBITS),
    ".bz2": bz2.BZ2Decompressor,
    ".xz": lzma.LZMADecompressor,
    ".zst": lambda: zstandard.ZstdDecompressor().decompressobj(),
}
COMPRESSED = frozenset(_FRAMES)


def decompressed(stored: Iterator[bytes], suffix: str) -> Iterator[bytes]:
    """Yield the contents of a file, given as chunks and decompressed as its suffix says.

    With a suffix that is not in COMPRESSED the chunks are passed through. A file may hold several frames, one after
    the other. Raises one of DECOMPRESSION_ERRORS for broken data.
    """
    if suffix not in _FRAMES:
        yield from stored
        return
    frame = _FRAMES[suffix]()
    for data in stored:
        while data:
            if frame.eof:
                frame = _FRAMES[suffix]()
            yield frame.decompress(data)
            data = frame.unused_data
    if not frame.eof:
        raise EOFError("a file that ends early")
