"""Tokenizers, lossless byte for byte: SentencePiece BPE, or the raw bytes.

Every vocabulary begins with pad, bos, eos and unk. In a stream of tokens a document is BOS and its tokens;
there is no EOS.
"""

import hashlib
import io
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt
import sentencepiece

from bytegolf.arrays import Tokens
from bytegolf.config import BOS, MAX_VOCAB_SIZE
from bytegolf.errors import InputError
from bytegolf.text.bytetable import ByteTable

NUM_SPECIALS = 4
SERIALISED_BYTES = b"bytes260"
SPACE_MARK = "\u2581"  # what SentencePiece writes for a space
SENTENCE_CHARACTERS = 4000

Kind = Literal["bpe", "bytes"]


class Tokenizer(Protocol):
    """The interface of a tokenizer for the rest of the package."""

    @property
    def kind(self) -> Kind:
        """Return "bpe" or "bytes"."""

    @property
    def name(self) -> str:
        """Return a short name for people: "bpe 1024"."""

    @property
    def vocab_size(self) -> int:
        """Return the number of tokens."""

    @property
    def file_name(self) -> str:
        """Return the name of the tokenizer's file in a data or run folder."""

    @property
    def serialised(self) -> bytes:
        """Return the bytes that `tokenizer_from` makes the same tokenizer from."""

    @property
    def sha256(self) -> str:
        """Return the SHA-256 of `serialised`, in hexadecimal."""

    def encode(self, text: str) -> Tokens:
        """Return the tokens of one document, without BOS, (n,)."""

    def encode_batch(self, texts: Sequence[str], normalised: bool = False) -> list[Tokens]:
        """Return the tokens of each text, encoded on all cores.

        With `normalised` a tokenizer that changes text may do so: nothing is done to keep characters that it rewrites.
        """

    def decode(self, ids: npt.ArrayLike) -> bytes:
        """Return the UTF-8 bytes of a stream of tokens; special ids have none."""

    def byte_counts(self, ids: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Return how many bytes each of n tokens adds to the decoded text, (n,); the first stands at a document's start."""

    def total_bytes(self, ids: npt.ArrayLike) -> int:
        """Return the sum of `byte_counts`, computed faster."""


class _TableTokenizer:
    """The half of a tokenizer that decodes, by a `ByteTable`."""

    def __init__(self, kind: Kind, serialised: bytes, table: ByteTable) -> None:
        self.kind: Kind = kind
        self.serialised = serialised
        self.sha256 = hashlib.sha256(serialised).hexdigest()
        self.vocab_size = table.vocab_size
        self.name = f"{kind} {table.vocab_size}"
        self.file_name = "bytes" if kind == "bytes" else "tokenizer.model"
        self._table = table

    def decode(self, ids: npt.ArrayLike) -> bytes:
        """See `Tokenizer`."""
        return self._table.decode(ids)

    def byte_counts(self, ids: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """See `Tokenizer`."""
        return self._table.byte_counts(ids)

    def total_bytes(self, ids: npt.ArrayLike) -> int:
        """See `Tokenizer`."""
        return self._table.total_bytes(ids)


class BytesTokenizer(_TableTokenizer):
    """A vocabulary of the four special tokens and the 256 bytes: token = byte + 4."""

    def __init__(self) -> None:
        pieces = [b""] * NUM_SPECIALS + [bytes([value]) for value in range(256)]
        super().__init__("bytes", SERIALISED_BYTES, ByteTable(pieces, pieces, [not piece for piece in pieces]))

    def encode(self, text: str) -> Tokens:
        """See `Tokenizer`."""
        return np.frombuffer(text.encode(), dtype=np.uint8).astype(np.uint16) + np.uint16(NUM_SPECIALS)

    def encode_batch(self, texts: Sequence[str], normalised: bool = False) -> list[Tokens]:
        """See `Tokenizer`."""
        return [self.encode(text) for text in texts]


class BpeTokenizer(_TableTokenizer):
    """A SentencePiece model, trained here or by others.

    Raises InputError if the bytes are not a SentencePiece model, its BOS is not id 1, or its ids do not fit uint16.
    """

    def __init__(self, model: bytes) -> None:
        if not model:  # SentencePiece takes this for "load later"
            raise InputError("tokenizer: expected a SentencePiece model, found an empty file")
        try:
            self._processor = sentencepiece.SentencePieceProcessor(model_proto=model)
            table = _table_of(self._processor)
        except (RuntimeError, ValueError):  # ValueError: pieces, or pieces quoted in a message, that are not UTF-8
            raise InputError(f"tokenizer: expected a SentencePiece model, found {len(model)} bytes of something else") from None
        size, bos = self._processor.vocab_size(), self._processor.bos_id()
        if bos != BOS:
            raise InputError(f"tokenizer: expected BOS to be id {BOS}, found {bos if bos >= 0 else 'no BOS'}")
        if size > MAX_VOCAB_SIZE:
            raise InputError(f"tokenizer: expected at most {MAX_VOCAB_SIZE} pieces, found {size}")
        self._mark_ids = [self._processor.piece_to_id(f"<0x{byte:02X}>") for byte in SPACE_MARK.encode()]
        super().__init__("bpe", model, table)

    def encode(self, text: str) -> Tokens:
        """See `Tokenizer`."""
        return self._joined(map(self._processor.encode, _parts(text)))  # a call for many texts starts threads, which takes longer

    def encode_batch(self, texts: Sequence[str], normalised: bool = False) -> list[Tokens]:
        """See `Tokenizer`."""
        split = [[text] if normalised else _parts(text) for text in texts]
        encoded = iter(self._processor.encode([part for parts in split for part in parts], num_threads=os.cpu_count() or 1))
        return [self._joined(islice(encoded, len(parts))) for parts in split]

    def _joined(self, parts: Iterable[list[int]]) -> Tokens:
        """Return the tokens of a text from those of its parts, (n,)."""
        ids: list[int] = []
        for number, part in enumerate(parts):
            ids += self._mark_ids if number else []
            ids += part
        return np.array(ids, dtype=np.uint16)


def train_bpe(texts: Iterable[str], vocab_size: int, across_words: bool = False) -> BpeTokenizer:
    """Train a lossless BPE tokenizer of `vocab_size` pieces. The same texts give the same tokenizer, byte for byte.

    `across_words` lets pieces span words and the spaces between them (as in SuperBPE, arXiv 2503.13423).

    Raises InputError if the texts have too few pieces to fill the vocabulary, or more characters than it holds.
    """
    if not NUM_SPECIALS + 256 < vocab_size <= MAX_VOCAB_SIZE:
        raise InputError(f"vocab_size: expected {NUM_SPECIALS + 256 + 1} to {MAX_VOCAB_SIZE} for BPE, found {vocab_size}")
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=_sentences(texts), model_writer=model, model_type="bpe", vocab_size=vocab_size,
            max_sentence_length=4 * SENTENCE_CHARACTERS, character_coverage=0.999, byte_fallback=True, split_digits=True,
            split_by_whitespace=not across_words, allow_whitespace_only_pieces=True,
            normalization_rule_name="identity", add_dummy_prefix=False, remove_extra_whitespaces=False,
            pad_id=0, bos_id=BOS, eos_id=2, unk_id=3, minloglevel=2,
        )  # fmt: skip
    except RuntimeError as error:
        raise InputError(f"vocab_size: expected {_possible_sizes(str(error))}, found {vocab_size}") from None
    return BpeTokenizer(model.getvalue())


def tokenizer_from(kind: Kind, serialised: bytes) -> Tokenizer:
    """Return the tokenizer with these `serialised` bytes. Raises InputError if they are damaged."""
    if kind == "bpe":
        return BpeTokenizer(serialised)
    if serialised != SERIALISED_BYTES:
        raise InputError(f"tokenizer: expected {SERIALISED_BYTES!r}, found {serialised[:20]!r}")
    return BytesTokenizer()


def load_tokenizer(path: Path) -> Tokenizer:
    """Load a SentencePiece `.model` file, or the byte tokenizer from a data folder's file `bytes` or just that word.

    Raises InputError if there is no such file or it is not a tokenizer.
    """
    if path == Path("bytes") and not path.exists():
        return BytesTokenizer()
    try:
        return tokenizer_from("bytes" if path.name == "bytes" else "bpe", path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: expected a tokenizer, found {error.strerror}") from None
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _parts(text: str) -> list[str]:
    """Return the parts between characters U+2581: SentencePiece writes spaces so and cannot tell, so these are encoded as their bytes."""
    return text.split(SPACE_MARK)


def _sentences(texts: Iterable[str]) -> Iterator[str]:
    """Yield texts in stretches that keep their line ends, so that pieces with line ends in them are learned."""
    for text in texts:
        for start in range(0, len(text), SENTENCE_CHARACTERS):
            yield text[start : start + SENTENCE_CHARACTERS]


def _possible_sizes(message: str) -> str:
    """Return what SentencePiece's trainer asks for in its error message."""
    if match := re.search(r"value <= (\d+)", message):
        return f"at most {match[1]} pieces for so little text"
    if match := re.search(r"required_chars\. \d+ vs (\d+)", message):
        return f"at least {match[1]} pieces for the characters of this text"
    return "text to train a tokenizer on"


def _table_of(processor: sentencepiece.SentencePieceProcessor) -> ByteTable:
    """Return the text that the model's own decoder makes of each piece, first in a document and after other text."""
    ids = range(processor.vocab_size())
    pieces = {i: bytes([int(processor.id_to_piece(i)[3:5], 16)]) for i in ids if processor.is_byte(i)}
    control = [processor.is_control(i) for i in ids]
    silent = {i for i in ids if control[i] or processor.is_unknown(i) or processor.is_unused(i)}
    texts = [i for i in ids if i not in pieces and i not in silent]
    at_start = dict(zip(texts, processor.decode([[i] for i in texts]), strict=True))
    anchor = next((i for i in texts if at_start[i]), None)
    if anchor is None:
        raise InputError("tokenizer: expected pieces of text, found none")
    after_anchor = processor.decode([[anchor, i] for i in texts])
    inside = {i: text[len(at_start[anchor]) :] for i, text in zip(texts, after_anchor, strict=True)}
    return ByteTable(
        [pieces[i] if i in pieces else inside.get(i, "").encode() for i in ids],
        [pieces[i] if i in pieces else at_start.get(i, "").encode() for i in ids],
        control,
    )
