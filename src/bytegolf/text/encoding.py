"""Batches of documents to tokens, each checked to decode to what it was: the work of `prepare` that other processes can do."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from bytegolf.arrays import Tokens
from bytegolf.config import BOS
from bytegolf.errors import InputError
from bytegolf.names import TokenizerName
from bytegolf.text.documents import Document
from bytegolf.text.tokenizer import Tokenizer, tokenizer_from

BATCH_DOCUMENTS, BATCH_CHARACTERS = 1000, 1_000_000  # encoded at once
START = np.array([BOS], dtype=np.uint16)  # of each document


@dataclass(frozen=True)
class Encoding:
    """How documents are encoded: the tokenizer, as its kind and bytes, and whether it may change the text."""

    kind: TokenizerName
    serialised: bytes
    normalised: bool


@dataclass(frozen=True)
class DocumentBatch:
    """Consecutive documents, which of them are held out, and how far into the corpus their end is, in bytes read from disk."""

    encoding: Encoding
    documents: list[Document]
    held_out: list[bool]
    read: int

    def __str__(self) -> str:
        first, last = self.documents[0].name, self.documents[-1].name
        return first if first == last else f"{first} to {last}"


@dataclass(frozen=True)
class EncodedPart:
    """The documents of a batch that go to one split: their tokens, (n,), each document after BOS, and how much they are.

    `bytes` are of the text that the tokens decode to, `original_bytes` of the documents.
    """

    tokens: Tokens
    documents: int
    bytes: int
    original_bytes: int


@dataclass(frozen=True)
class EncodedBatch:
    """A batch encoded, apart by split, and where its end is in the corpus."""

    train: EncodedPart
    val: EncodedPart
    read: int


def batches(divided: Iterable[tuple[Document, bool]], encoding: Encoding, position: Callable[[], int]) -> Iterator[DocumentBatch]:
    """Yield documents in batches. `position` tells how far the corpus has been read, in bytes."""
    documents, held_out = list[Document](), list[bool]()
    characters = 0
    for document, is_held_out in divided:
        documents.append(document)
        held_out.append(is_held_out)
        characters += len(document.text)
        if len(documents) == BATCH_DOCUMENTS or characters >= BATCH_CHARACTERS:
            yield DocumentBatch(encoding, documents, held_out, position())
            documents, held_out, characters = [], [], 0
    if documents:
        yield DocumentBatch(encoding, documents, held_out, position())


def encode_batch(batch: DocumentBatch) -> EncodedBatch:
    """Return a batch encoded. Raises InputError for a document that does not decode to itself, unless it may be changed."""
    tokenizer, normalised = _tokenizer(batch.encoding.kind, batch.encoding.serialised), batch.encoding.normalised
    encoded = tokenizer.encode_batch([document.text for document in batch.documents], normalised)
    checked = [_checked(*pair, tokenizer, normalised) for pair in zip(batch.documents, encoded, strict=True)]

    def part(of_held_out: bool) -> EncodedPart:
        own = [one for one, held_out in zip(checked, batch.held_out, strict=True) if held_out is of_held_out]
        tokens = np.concatenate([np.empty(0, dtype=np.uint16), *(array for one in own for array in (START, one.tokens))])
        return EncodedPart(tokens, len(own), sum(one.bytes for one in own), sum(one.original_bytes for one in own))

    return EncodedBatch(part(False), part(True), batch.read)


class _Checked(NamedTuple):
    """A document's tokens without BOS, the number of bytes that they decode to, and that of the document itself."""

    tokens: Tokens
    bytes: int
    original_bytes: int


def _checked(document: Document, tokens: Tokens, tokenizer: Tokenizer, normalised: bool) -> _Checked:
    text, original = tokenizer.decode(tokens), document.text.encode()
    if not normalised and text != original:
        raise InputError(f"{document.name}: {_difference(document.text, text, tokenizer)}")
    return _Checked(tokens, len(text), len(original))


@lru_cache(1)
def _tokenizer(kind: TokenizerName, serialised: bytes) -> Tokenizer:
    """Return the tokenizer with these bytes, which a process makes once."""
    return tokenizer_from(kind, serialised)


def _difference(text: str, decoded: bytes, tokenizer: Tokenizer) -> str:
    """Return a sentence about the first character at which the decoded text differs."""
    other = decoded.decode(errors="replace")
    at = next((i for i, (a, b) in enumerate(zip(text, other, strict=False)) if a != b), min(len(text), len(other)))
    return (
        f"expected tokenizer {tokenizer.name} to give the text back unchanged, "
        f"found {other[at : at + 1]!r} instead of {text[at : at + 1]!r} at character {at}; "
        "the option normalised keeps text as its tokenizer changes it"
    )
