"""The held-out documents of a data folder: where each stands, how many bytes it has, and its hash."""

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bytegolf.arrays import Tokens
from bytegolf.config import BOS
from bytegolf.text.dataset import Dataset
from bytegolf.text.digests import Digests
from bytegolf.text.token_documents import document_blocks

DIGEST_BYTES = 16


@dataclass(frozen=True)
class HeldOut:
    """The held-out documents: `bounds` (n + 1,) in the stream of tokens, `sizes` (n,) in bytes, and a digest of each one's tokens."""

    dataset: Dataset
    bounds: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]
    digests: Digests

    def __len__(self) -> int:
        return len(self.sizes)

    def tokens(self, number: int) -> Tokens:
        """Return the tokens of a document, BOS first."""
        return self.dataset.val[int(self.bounds[number]) : int(self.bounds[number + 1])]

    def copies(self, tokens: Tokens) -> list[int]:
        """Return the numbers of the held-out documents with the same tokens; a document without any is nobody's copy."""
        return [] if is_empty(tokens) else self.digests.numbers(digest(tokens)).tolist()

    def beginning(self, number: int, limit: int = 80) -> str:
        """Return the first characters of a document's text."""
        return self.dataset.tokenizer.decode(self.tokens(number)[:limit]).decode(errors="replace")[:limit]


def read_held_out(dataset: Dataset) -> HeldOut:
    """Read the held-out documents of a data folder. Raises InputError for ids outside the vocabulary."""
    bounds, sizes = [np.zeros(1, dtype=np.int64)], list[npt.NDArray[np.int64]]()
    digests = bytearray()
    for block in document_blocks(dataset.val):
        bounds.append(block.start + block.bounds[1:])
        sizes.append(np.add.reduceat(dataset.tokenizer.byte_counts(block.tokens), block.bounds[:-1]))
        for _, tokens in block:
            digests += digest(tokens)
    return HeldOut(dataset, np.concatenate(bounds), np.concatenate([np.empty(0, np.int64), *sizes]), Digests(digests, DIGEST_BYTES))


def digest(tokens: Tokens) -> bytes:
    """Return a hash of a document. One tokenizer makes the same tokens of the same text, so the text need not be decoded."""
    return hashlib.blake2b(tokens.tobytes(), digest_size=DIGEST_BYTES).digest()


def is_empty(tokens: Tokens) -> bool:
    """Return whether a document has no tokens but BOS."""
    return len(tokens) == 0 or (len(tokens) == 1 and int(tokens[0]) == BOS)
