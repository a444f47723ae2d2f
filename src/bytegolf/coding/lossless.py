"""Any bytes as tokens and back. What a tokenizer would change is spelled byte by byte.

Each token stands for the bytes that `Tokenizer.decode` gives it behind the token before; nothing is assumed of a tokenizer
(normalisation, spaces it adds or drops): each stretch is decoded and compared.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from bytegolf.coding.predictor import Lane
from bytegolf.config import BOS
from bytegolf.text.tokenizer import Tokenizer

STRETCH = 16_384  # characters tokenised at once
UNDECODED = re.compile("([\udc80-\udcff]+)")  # bytes that are no UTF-8, as Python's "surrogateescape" writes them


class Spelling(NamedTuple):
    tokens: Lane  # that follow a BOS
    spelled: int  # bytes that had to be spelled; all of them where the tokenizer has no tokens for some, and `tokens` are none then


class Lossless:
    """Bytes to the tokens that follow a BOS, and back."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self.byte_tokens = _byte_tokens(tokenizer)

    def encode(self, data: bytes) -> Spelling:
        tokens, spelled = [BOS], 0
        try:
            for text in _stretches(data):
                for part in self._spell(text, tokens[-1]):
                    tokens += part.tokens
                    spelled += part.spelled
        except KeyError:  # a byte without a token
            return Spelling(np.zeros(0, np.uint16), len(data))
        return Spelling(np.array(tokens[1:], np.uint16), spelled)

    def decode(self, tokens: Lane) -> bytes:
        return self.tokenizer.decode(np.concatenate(([BOS], tokens)))

    def _spell(self, text: str, before: int) -> Iterator["_Part"]:
        """Tokens of `text` behind the token `before`: of the whole, behind a document's start if need be, or of its halves."""
        wanted = text.encode("utf-8", "surrogateescape")
        if UNDECODED.match(text):
            yield self._bytes(wanted)
            return
        tokens = self.tokenizer.encode(text).tolist()
        for candidate in (tokens, [BOS, *tokens]):
            if candidate and self._bytes_behind(before, candidate) == wanted:
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
        return _Part([self.byte_tokens[byte] for byte in wanted], len(wanted))

    def _bytes_behind(self, before: int, tokens: Sequence[int]) -> bytes:
        return self.tokenizer.decode([before, *tokens])[len(self.tokenizer.decode([before])) :]


class _Part(NamedTuple):
    tokens: list[int]
    spelled: int


def _stretches(data: bytes) -> Iterator[str]:
    for part in UNDECODED.split(data.decode("utf-8", "surrogateescape")):
        for first in range(0, len(part), STRETCH):
            yield part[first : first + STRETCH]


def _byte_tokens(tokenizer: Tokenizer) -> dict[int, int]:
    """Tokens that stand for one byte each wherever they stand."""
    ids = range(tokenizer.vocab_size)
    alone = [tokenizer.decode([token]) for token in ids]
    anchor = next(token for token in ids if alone[token])
    behind = [tokenizer.decode([anchor, token])[len(alone[anchor]) :] for token in ids]
    found: dict[int, int] = {}
    for token in ids:
        if len(alone[token]) == 1 and alone[token] == behind[token]:
            found.setdefault(alone[token][0], token)
    return found
