"""Tokenizers, lossless byte for byte: SentencePiece BPE, of text as it is or with its capitals marked, or the raw bytes.

Every vocabulary begins with pad, bos, eos and unk. In a stream of tokens a document is BOS and its tokens;
there is no EOS.
"""

import hashlib
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import sentencepiece

from bytegolf.arrays import Tokens
from bytegolf.config import BOS, MAX_VOCAB_SIZE
from bytegolf.errors import InputError
from bytegolf.names import TokenizerName
from bytegolf.storage.data_folder import TokenizerFile
from bytegolf.text.bytetable import ByteTable
from bytegolf.text.casing import Casing, Marked
from bytegolf.text.documents import first_line
from bytegolf.text.sentencepiece_bytes import SPACE_MARK, require_agreement, require_no_growth, table_of

NUM_SPECIALS = 4
SERIALISED_BYTES = b"bytes260"
SERIALISED_CAPITALS = b"capitals\n"  # and the SentencePiece model of the marked text


class Tokenizer(Protocol):
    """The interface of a tokenizer for the rest of the package."""

    @property
    def kind(self) -> TokenizerName:
        """Return "bpe", "capitals" or "bytes"."""

    @property
    def name(self) -> str:
        """Return a short name for people: "bpe 1024"."""

    @property
    def vocab_size(self) -> int:
        """Return the number of tokens."""

    @property
    def file_name(self) -> TokenizerFile:
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
        """Return the tokens of each text.

        With `normalised` a tokenizer that changes text may do so: nothing is done to keep characters that it rewrites.
        """

    def decode(self, ids: npt.ArrayLike) -> bytes:
        """Return the UTF-8 bytes of a stream of tokens; special ids have none."""

    def byte_counts(self, ids: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Return how many bytes each of n tokens adds to the decoded text, (n,); the first stands at a document's start."""

    def total_bytes(self, ids: npt.ArrayLike) -> int:
        """Return the sum of `byte_counts`, computed faster."""

    @property
    def pieces(self) -> "Tokenizer":
        """Return the tokenizer of text as `casing` writes it: itself, where that is as it is."""

    @property
    def casing(self) -> Casing:
        """Return how the pieces write capitals."""

    def require_agreement(self, ids: npt.ArrayLike) -> None:
        """Raise InputError unless `decode` gives the text that the tokenizer's own library makes of these tokens."""


class _TableTokenizer:
    """The half of a tokenizer that decodes, by a `ByteTable`."""

    casing = Casing()

    def __init__(self, kind: TokenizerName, serialised: bytes, table: ByteTable) -> None:
        self.kind: TokenizerName = kind
        self.serialised = serialised
        self.sha256 = hashlib.sha256(serialised).hexdigest()
        self.vocab_size = table.vocab_size
        self.name = f"{kind} {table.vocab_size}"
        self.file_name: TokenizerFile = "bytes" if kind == "bytes" else "tokenizer.model"
        self.table = table

    def decode(self, ids: npt.ArrayLike) -> bytes:
        """See `Tokenizer`."""
        return self.table.decode(ids)

    def byte_counts(self, ids: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """See `Tokenizer`."""
        return self.table.byte_counts(ids)

    def total_bytes(self, ids: npt.ArrayLike) -> int:
        """See `Tokenizer`."""
        return self.table.total_bytes(ids)


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

    @property
    def pieces(self) -> "BytesTokenizer":
        """See `Tokenizer`."""
        return self

    def require_agreement(self, ids: npt.ArrayLike) -> None:
        """See `Tokenizer`: there is no other decoder to compare with."""


class BpeTokenizer(_TableTokenizer):
    """A SentencePiece model, trained here or by others.

    Raises InputError if the bytes are not a SentencePiece model, its BOS is not id 1, its ids do not fit uint16, or its
    tokens stand for more bytes than plain text has.
    """

    def __init__(self, model: bytes) -> None:
        if not model:  # SentencePiece takes this for "load later"
            raise InputError("tokenizer: expected a SentencePiece model, found an empty file")
        try:
            self._processor = sentencepiece.SentencePieceProcessor(model_proto=model)
            table = table_of(self._processor)
        except (RuntimeError, ValueError) as error:  # ValueError: pieces, or pieces quoted in a message, that are not UTF-8
            problem = f"expected a SentencePiece model, found {len(model)} bytes of something else ({first_line(error)})"
            raise InputError(f"tokenizer: {problem}") from None
        size, bos = self._processor.vocab_size(), self._processor.bos_id()
        if bos != BOS:
            raise InputError(f"tokenizer: expected BOS to be id {BOS}, found {bos if bos >= 0 else 'no BOS'}")
        if size > MAX_VOCAB_SIZE:
            raise InputError(f"tokenizer: expected at most {MAX_VOCAB_SIZE} pieces, found {size}")
        require_no_growth(self._processor, table)
        self._mark_ids = [self._processor.piece_to_id(f"<0x{byte:02X}>") for byte in SPACE_MARK.encode()]
        super().__init__("bpe", model, table)

    def encode(self, text: str) -> Tokens:
        """See `Tokenizer`."""
        return self._joined(map(self._processor.encode, _parts(text)))  # a call for many texts starts threads, which takes longer

    def encode_batch(self, texts: Sequence[str], normalised: bool = False) -> list[Tokens]:
        """See `Tokenizer`."""
        split = [[text] if normalised else _parts(text) for text in texts]
        encoded = iter(self._processor.encode([part for parts in split for part in parts], num_threads=1))
        return [self._joined(islice(encoded, len(parts))) for parts in split]

    @property
    def pieces(self) -> "BpeTokenizer":
        """See `Tokenizer`."""
        return self

    def _joined(self, parts: Iterable[list[int]]) -> Tokens:
        """Return the tokens of a text from those of its parts, (n,)."""
        ids: list[int] = []
        for number, part in enumerate(parts):
            ids += self._mark_ids if number else []
            ids += part
        return np.array(ids, dtype=np.uint16)

    def require_agreement(self, ids: npt.ArrayLike) -> None:
        """See `Tokenizer`."""
        require_agreement(self._processor, self.table, np.asarray(ids))


class CapitalsTokenizer(_TableTokenizer):
    """A tokenizer of text with its capitals marked (see `Marked`), by the pieces of a SentencePiece model."""

    casing = Marked()

    def __init__(self, pieces: BpeTokenizer) -> None:
        self.pieces = pieces
        super().__init__("capitals", SERIALISED_CAPITALS + pieces.serialised, pieces.table.not_counting(self.casing.marks))

    def encode(self, text: str) -> Tokens:
        """See `Tokenizer`."""
        return self.pieces.encode(self.casing.mark(text))

    def encode_batch(self, texts: Sequence[str], normalised: bool = False) -> list[Tokens]:
        """See `Tokenizer`."""
        return self.pieces.encode_batch([self.casing.mark(text) for text in texts], normalised)

    def decode(self, ids: npt.ArrayLike) -> bytes:
        """See `Tokenizer`. No mark reaches beyond its document."""
        return b"".join(map(self.casing.unmark, self.table.decode_documents(ids)))

    def require_agreement(self, ids: npt.ArrayLike) -> None:
        """See `Tokenizer`."""
        self.pieces.require_agreement(ids)


def tokenizer_from(kind: TokenizerName, serialised: bytes) -> Tokenizer:
    """Return the tokenizer with these `serialised` bytes. Raises InputError if they are damaged."""
    if kind == "bpe":
        return BpeTokenizer(serialised)
    if kind_of(serialised) != kind:
        raise InputError(f"tokenizer: expected {kind}, found {serialised[:20]!r}")
    return BytesTokenizer() if kind == "bytes" else CapitalsTokenizer(BpeTokenizer(serialised.removeprefix(SERIALISED_CAPITALS)))


def kind_of(serialised: bytes) -> TokenizerName:
    """Return the kind of the tokenizer with these `serialised` bytes."""
    return "bytes" if serialised == SERIALISED_BYTES else "capitals" if serialised.startswith(SERIALISED_CAPITALS) else "bpe"


def load_tokenizer(path: Path) -> Tokenizer:
    """Load a SentencePiece `.model` file, the tokenizer of a data folder, or that of bytes by just the word `bytes`.

    Raises InputError if there is no such file or it is not a tokenizer.
    """
    if path == Path("bytes") and not path.exists():
        return BytesTokenizer()
    try:
        data = path.read_bytes()
        return tokenizer_from("bytes" if path.name == "bytes" else kind_of(data), data)
    except OSError as error:
        raise InputError(f"{path}: expected a tokenizer, found {error.strerror}") from None
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _parts(text: str) -> list[str]:
    """Return the parts between characters U+2581: SentencePiece writes spaces so and cannot tell, so these are encoded as their bytes."""
    return text.split(SPACE_MARK)
