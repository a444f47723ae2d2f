"""Held-out documents that training has nearly: found by MinHash and banding (LSH), then measured exactly.

A document is the set of its shingles, the runs of tokens of about `SHINGLE_BYTES` bytes; two are near duplicates when the
Jaccard index of their sets, shared over all, is at least `THRESHOLD`. MinHash by the library datasketch proposes pairs from the
shingles with the lowest hashes, one for about `SKETCHED_BYTES` bytes: of long documents at the threshold about 1 pair in 80 is
missed, at 0.8 fewer than 1 in 3,000, of short ones more. None is reported that is not one.
"""

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from bytegolf.arrays import Tokens
from bytegolf.auditing.overlap.held_out import HeldOut
from bytegolf.errors import InputError
from bytegolf.text.token_documents import DocumentBlock

THRESHOLD = 0.7
SHINGLE_BYTES = 16
SKETCHED_BYTES = 4
BANDS, ROWS = 16, 4
HASHED_AT_ONCE = 4096  # shingles; more leave the cache of the processor

Shingles = npt.NDArray[np.uint32]


class NearDuplicates:
    """Collects, for each held-out document that has one, its first near duplicate in training, and how near that is."""

    def __init__(self, held_out: HeldOut) -> None:
        self._held_out = held_out
        tokens, size = int(held_out.bounds[-1]), int(held_out.sizes.sum())
        self.width = max(2, round(SHINGLE_BYTES * tokens / size)) if size else 2  # tokens in a shingle
        self._highest_sketched = (1 << 32) // max(1, round(SKETCHED_BYTES * tokens / size)) - 1 if size else 0
        self._sketch, self._index = _minhash()
        self._of_held_out = lru_cache(1000)(self._read_shingles)
        for number in range(len(held_out)):
            shingles = self._of_held_out(number)
            if shingles.size:
                self._index.insert(number, self._sketched(shingles))
        self.first_near: dict[int, tuple[int, float]] = {}  # by held-out document: training document, Jaccard index

    def look_at(self, block: DocumentBlock) -> None:
        """Compare training documents with the held-out ones."""
        hashes = shingle_hashes(block.tokens, self.width)
        for number, (begin, end) in enumerate(zip(block.bounds[:-1].tolist(), block.bounds[1:].tolist(), strict=True), block.first):
            shingles = hashes[begin + 1 : max(begin + 1, end - self.width + 1)]  # within the document, BOS left out
            if shingles.size:
                self._compare(number, shingles)

    def _compare(self, number: int, shingles: Shingles) -> None:
        own: Shingles | None = None
        for candidate in self._index.query(self._sketched(shingles)):
            if candidate in self.first_near:  # one is enough: a template may have thousands
                continue
            own = np.unique(shingles) if own is None else own
            index = jaccard(own, self._of_held_out(candidate))
            if index >= THRESHOLD:
                self.first_near[candidate] = number, index

    def _read_shingles(self, number: int) -> Shingles:
        """Return the distinct shingles of a held-out document."""
        return np.unique(shingle_hashes(self._held_out.tokens(number)[1:], self.width))

    def _sketched(self, shingles: Shingles) -> Any:
        sketch, lowest = self._sketch.copy(), shingles[shingles <= self._highest_sketched]
        for start in range(0, len(lowest), HASHED_AT_ONCE):
            sketch.update_batch(lowest[start : start + HASHED_AT_ONCE].tolist())
        return sketch


def shingle_hashes(tokens: Tokens, width: int) -> Shingles:
    """Return a hash of every run of `width` tokens, (n − width + 1,), or of none if there are fewer tokens."""
    count = len(tokens) - width + 1
    hashes = np.zeros(max(0, count), dtype=np.uint32)
    wide = tokens.astype(np.uint32) + np.uint32(1)
    for offset in range(width if count > 0 else 0):
        hashes = (hashes ^ (hashes >> np.uint32(15))) * np.uint32(0x2C1B3C6D) + wide[offset : offset + count] * np.uint32(0x9E3779B1)
    return hashes


def jaccard(a: Shingles, b: Shingles) -> float:
    """Return the share of elements that two sorted sets have in common, of all that either has."""
    shared = len(np.intersect1d(a, b, assume_unique=True))
    return shared / (len(a) + len(b) - shared)


def _minhash() -> tuple[Any, Any]:
    """Return an empty sketch and an empty index of sketches. Raises InputError if the library is not installed."""
    try:
        from datasketch import MinHash, MinHashLSH
    except ModuleNotFoundError as error:
        raise InputError(f"expected the package {error.name}, found it missing; pip install datasketch") from None
    return MinHash(BANDS * ROWS, hashfunc=_itself), MinHashLSH(num_perm=BANDS * ROWS, params=(BANDS, ROWS))


def _itself(number: int) -> int:
    return number
