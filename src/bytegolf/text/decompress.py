"""Decompress streams chunk by chunk; the file suffix tells the format.

One loop serves all formats and detects truncated files, which some of the libraries' own readers accept as complete.
"""

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

import zstandard

DAMAGE = (EOFError, OSError, zlib.error, lzma.LZMAError, zstandard.ZstdError)  # exceptions that broken data raises


class _Frame(Protocol):
    """The common interface of the libraries' decompressors. After `eof`, remaining input is in `unused_data`."""

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
    """Yield the decompressed content of a file's chunks; `suffix` tells the format.

    Chunks pass unchanged if the suffix is not in COMPRESSED. Raises one of DAMAGE for broken data.
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
