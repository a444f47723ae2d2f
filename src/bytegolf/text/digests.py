"""Hashes of many documents in little memory."""

import numpy as np
import numpy.typing as npt


class Digests:
    """Digests of `size` bytes, numbered in the order in which they were given, one after the other, as `digests`.

    Each takes `size` + 8 bytes of memory, where a dict would take hundreds: there may be millions.
    """

    def __init__(self, digests: bytes | bytearray, size: int) -> None:
        given = np.frombuffer(digests, dtype=f"S{size}")
        self._order = np.argsort(given, kind="stable")
        self._sorted = given[self._order]

    def __len__(self) -> int:
        return len(self._sorted)

    def __contains__(self, digest: bytes) -> bool:
        at = int(self._sorted.searchsorted(digest))
        return at < len(self._sorted) and bool(self._sorted[at] == digest.rstrip(b"\0"))  # numpy's strings end before zeros

    def numbers(self, digest: bytes) -> npt.NDArray[np.int64]:
        """Return the numbers of all that are equal to `digest`, ascending, (n,)."""
        begin, end = (self._sorted.searchsorted(digest, side=side) for side in ("left", "right"))
        return self._order[begin:end]
