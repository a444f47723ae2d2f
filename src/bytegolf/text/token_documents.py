"""A stream of tokens as documents: each begins with BOS and ends before the next one."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bytegolf.arrays import Tokens
from bytegolf.config import BOS
from bytegolf.text.shards import TokenStream

READ_TOKENS = 4_000_000  # at once; a document of more is taken as several


@dataclass(frozen=True)
class DocumentBlock:
    """Consecutive documents: their tokens one after the other, and where in these each begins, with the end of the last."""

    first: int  # number of the first document in its stream
    start: int  # place in the stream of the first token
    tokens: Tokens
    bounds: npt.NDArray[np.int64]  # (documents + 1,)

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def __iter__(self) -> Iterator[tuple[int, Tokens]]:
        """Yield the number of each document and its tokens, BOS first."""
        for number, (begin, end) in enumerate(zip(self.bounds[:-1].tolist(), self.bounds[1:].tolist(), strict=True), self.first):
            yield number, self.tokens[begin:end]


def document_blocks(stream: TokenStream, read_tokens: int = READ_TOKENS) -> Iterator[DocumentBlock]:
    """Yield all documents of a stream in blocks, holding no more than twice `read_tokens` tokens in memory."""
    first, start, rest = 0, 0, np.empty(0, dtype=np.uint16)
    for place in range(0, len(stream), read_tokens):
        tokens = np.concatenate((rest, stream[place : place + read_tokens]))
        begins = np.flatnonzero(tokens == BOS).astype(np.int64)
        if not begins.size or begins[0]:  # the end of a document that was cut, or of one without BOS
            begins = np.concatenate((np.zeros(1, dtype=np.int64), begins))
        last = place + read_tokens >= len(stream) or (len(begins) == 1 and len(tokens) >= read_tokens)
        bounds = np.append(begins, len(tokens)) if last else begins
        rest = tokens[bounds[-1] :]
        if len(bounds) > 1:
            yield DocumentBlock(first, start, tokens[: bounds[-1]], bounds)
            first, start = first + len(bounds) - 1, start + int(bounds[-1])
