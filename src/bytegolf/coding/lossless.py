"""Any bytes as tokens, and back. Bytes that a tokenizer would change are spelled: a token for each byte.

Capitals are written as the vocabulary's pieces write them. Of what is written each token stands for the bytes that `Tokenizer.decode`
gives it behind the token before. Nothing is assumed of a tokenizer (it may normalise text, add or drop spaces): what it makes of a
stretch of text is decoded and compared.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from bytegolf.arrays import Tokens
from bytegolf.config import BOS
from bytegolf.text.tokenizer import Tokenizer

STRETCH = 16_384  # characters tokenised at once
UNDECODED = re.compile("([\udc80-\udcff]+)")  # bytes that are no UTF-8, as Python's "surrogateescape" writes them


class Spelling(NamedTuple):
    """Bytes as tokens that follow a BOS, and how many of them had to be spelled.

    Where the tokenizer has no token for some byte, or too many bytes are no text, there are no tokens, and all bytes count as spelled.
    """

    tokens: Tokens
    spelled: int


class Lossless:
    """Turns bytes into the tokens that follow a BOS, and back, by any tokenizer."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer, self.pieces = tokenizer, tokenizer.pieces

    @cached_property
    def byte_tokens(self) -> dict[int, int]:
        """The tokens that stand for one byte each, whatever comes before them, by their byte; nothing that is decoded asks for them."""
        return _byte_tokens(self.pieces)

    def encode(self, data: bytes, most_spelled: float = 1.0) -> Spelling:
        """Return bytes as tokens; `decode` gives them back. Data of which more than a share `most_spelled` is no UTF-8 is not tokenised."""
        written = self.tokenizer.casing.mark(data.decode("utf-8", "surrogateescape"))
        if _undecoded(written) > most_spelled * len(data):
            return Spelling(np.zeros(0, np.uint16), len(data))
        tokens, spelled = [BOS], 0
        try:
            for text in _stretches(written):
                for part in self._spell(text, tokens[-1]):
                    tokens += part.tokens
                    spelled += part.spelled
        except KeyError:  # a byte without a token
            return Spelling(np.zeros(0, np.uint16), len(data))
        return Spelling(np.array(tokens[1:], np.uint16), spelled)

    def decode(self, tokens: Tokens) -> bytes:
        """Return the bytes of tokens that follow a BOS."""
        return self.tokenizer.casing.unmark(self.pieces.decode(np.concatenate(([BOS], tokens))))

    def _spell(self, text: str, before: int) -> Iterator["_Part"]:
        """Yield the tokens of written `text` behind the token `before`.

        They are the tokenizer's of the whole text, with a BOS before it if need be, or else of its halves.
        """
        wanted = text.encode("utf-8", "surrogateescape")
        if UNDECODED.match(text):
            yield self._bytes(wanted)
            return
        tokens = self.pieces.encode(text).tolist()
        for candidate in (tokens, [BOS, *tokens]):
            if candidate and bytes_behind(self.pieces, before, candidate) == wanted:
                yield _Part(candidate, 0)
                return
        if len(text) == 1:
            yield self._bytes(wanted)
            return
        for half in (text[: len(text) // 2], text[len(text) // 2 :]):
            for part in self._spell(half, before):
                yield part
                before = part.tokens[-1]

    def _bytes(self, wanted: bytes) -> "_Part":
        """Return bytes spelled. Raises KeyError for a byte without a token."""
        return _Part([self.byte_tokens[byte] for byte in wanted], len(wanted))


def bytes_behind(tokenizer: Tokenizer, before: int, tokens: Sequence[int]) -> bytes:
    """Return the bytes that tokens stand for behind the token `before`."""
    return tokenizer.decode([before, *tokens])[len(tokenizer.decode([before])) :]


class _Part(NamedTuple):
    """Tokens of a part of a text, and how many of its bytes are spelled."""

    tokens: list[int]
    spelled: int


def _undecoded(text: str) -> int:
    """Return how many bytes are no UTF-8."""
    return sum(map(len, UNDECODED.findall(text)))


def _stretches(text: str) -> Iterator[str]:
    """Yield stretches of characters, and bytes that are no UTF-8 by themselves."""
    for part in UNDECODED.split(text):
        for first in range(0, len(part), STRETCH):
            yield part[first : first + STRETCH]


def _byte_tokens(tokenizer: Tokenizer) -> dict[int, int]:
    """Return the tokens that stand for one byte each, whatever comes before them, by their byte."""
    ids = range(tokenizer.vocab_size)
    alone = [tokenizer.decode([token]) for token in ids]
    anchor = next(token for token in ids if alone[token])
    behind = [tokenizer.decode([anchor, token])[len(alone[anchor]) :] for token in ids]
    tokens: dict[int, int] = {}
    for token in ids:
        if len(alone[token]) == 1 and alone[token] == behind[token]:
            tokens.setdefault(alone[token][0], token)
    return tokens
