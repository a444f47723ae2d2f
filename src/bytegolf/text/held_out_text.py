"""The held-out text of a data folder, made of the held-out tokens: what they decode to is what is scored."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import zstandard

from bytegolf.arrays import Tokens
from bytegolf.config import BOS
from bytegolf.errors import InputError
from bytegolf.runtime.progress import Progress
from bytegolf.text.shards import TokenStream
from bytegolf.text.tokenizer import Tokenizer

ZSTD_LEVEL = 10
READ_TOKENS = 1_000_000  # at once


def write_held_out_text(path: Path, val: TokenStream, tokenizer: Tokenizer) -> tuple[list[int], int]:
    """Write the text that the held-out tokens decode to; return the offset of each document and the size, in bytes.

    Raises InputError if the tokens do not begin with a document.
    """
    offsets, end = [], 0
    with (
        path.open("wb") as file,
        zstandard.ZstdCompressor(level=ZSTD_LEVEL).stream_writer(file) as out,
        Progress("decode the held-out text", len(val), "tokens") as progress,
    ):
        for tokens in _documents(val):
            text = tokenizer.decode(tokens)
            out.write(text)
            offsets.append(end)
            end += len(text)
            progress.advance(len(tokens))
    return offsets, end


def _documents(stream: TokenStream) -> Iterator[Tokens]:
    """Yield the tokens of each document, BOS first. Raises InputError if the stream does not begin with BOS."""
    rest = stream[:0]
    for start in range(0, len(stream), READ_TOKENS):
        tokens = np.concatenate([rest, stream[start : start + READ_TOKENS]])
        begins = np.flatnonzero(tokens == BOS)
        if start == 0 and tokens[0] != BOS:
            raise InputError(f"held-out shards: expected a document, which begins with token {BOS}, found token {tokens[0]}")
        yield from np.split(tokens, begins[1:])[:-1]
        rest = tokens[begins[-1] :]
    if rest.size:
        yield rest
