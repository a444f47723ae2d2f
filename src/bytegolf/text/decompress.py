"""Compressed streams, chunk by chunk, told apart by suffix.

One loop serves every format, and notices a file that was cut short: some of the libraries' own readers
take it for one that ends there.
"""

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

import zstandard

DAMAGE = (EOFError, OSError, zlib.error, lzma.LZMAError, zstandard.ZstdError)  # what broken data raises


class _Frame(Protocol):
    """What the libraries' decompressors have in common. Past its `eof` a frame leaves the rest as `unused_data`."""

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
    """What the chunks of a file with this suffix hold; just them if it is none of COMPRESSED. Raises one of DAMAGE."""
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
