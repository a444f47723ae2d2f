"""The bytes of text that each token stands for, alone and right after a document's start.

Everything that turns tokens into bytes or counts them reads this one table, so that the denominator of
bits per byte cannot disagree with the decoded text. Where capitals are marked it decodes the marks, and counts them as none.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bytegolf.errors import InputError


class ByteTable:
    """A decoder as a table: the bytes of every token, inside a document and at its start.

    `inside[id]` and `at_start[id]` are the bytes of token `id`; they differ where a decoder drops a leading space.
    `control[id]` marks ids that stand for no text. A token is at the start of a document if it comes first or
    follows a control id. Bytes in `marks` are decoded, but not counted.
    """

    def __init__(self, inside: Sequence[bytes], at_start: Sequence[bytes], control: Sequence[bool], marks: bytes = b"") -> None:
        self.vocab_size = len(inside)
        self._pieces = [*inside, *at_start]
        self._lengths = np.array([len(piece.translate(None, marks)) for piece in self._pieces], dtype=np.int64)
        self._dropped = self._lengths[: self.vocab_size] - self._lengths[self.vocab_size :]  # bytes that a token lacks at a start
        self._control = np.array(control, dtype=np.bool_)

    def not_counting(self, marks: bytes) -> "ByteTable":
        """Return a table of the same tokens that does not count these bytes."""
        size = self.vocab_size
        return ByteTable(self._pieces[:size], self._pieces[size:], self._control.tolist(), marks)

    def decode(self, ids: npt.ArrayLike) -> bytes:
        """Return the bytes of a stream of tokens. Raises InputError for an id outside the vocabulary."""
        return b"".join(map(self._pieces.__getitem__, self._rows(ids).tolist()))

    def decode_documents(self, ids: npt.ArrayLike) -> Iterator[bytes]:
        """Yield the bytes of the tokens between control ids. Raises InputError for an id outside the vocabulary."""
        rows = self._rows(ids)
        starts = np.flatnonzero(self._control[rows % self.vocab_size])
        for span in np.split(rows, starts):
            yield b"".join(map(self._pieces.__getitem__, span.tolist()))

    def byte_counts(self, ids: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Return how many bytes each of n tokens adds, (n,). Raises InputError for an id outside the vocabulary."""
        counts: npt.NDArray[np.int64] = self._lengths[self._rows(ids)]
        return counts

    def total_bytes(self, ids: npt.ArrayLike) -> int:
        """Return the sum of `byte_counts`, several times faster. Raises InputError for an id outside the vocabulary."""
        tokens = np.asarray(ids)
        if not tokens.size:
            return 0
        self._require_known(tokens)
        starting = tokens[1:][self._control[tokens[:-1]]]
        everywhere = np.bincount(tokens, minlength=self.vocab_size) @ self._lengths[: self.vocab_size]
        return int(everywhere - self._dropped[starting].sum() - self._dropped[tokens[0]])

    def _rows(self, ids: npt.ArrayLike) -> npt.NDArray[np.intp]:
        """Return the index into `_pieces` of each token, (n,)."""
        rows = np.array(ids, dtype=np.intp).reshape(-1)
        if rows.size:
            self._require_known(rows)
        starts = np.ones(rows.size, dtype=np.bool_)
        starts[1:] = self._control[rows[:-1]]
        rows[starts] += self.vocab_size
        return rows

    def _require_known(self, ids: npt.NDArray[np.integer[Any]]) -> None:
        lowest, highest = ids.min(), ids.max()
        if not 0 <= lowest <= highest < self.vocab_size:
            wrong = highest if highest >= self.vocab_size else lowest
            raise InputError(f"tokens: expected ids below the vocabulary size {self.vocab_size}, found {wrong}")
