"""Files to documents, streamed: whole text files, long ones cut into pieces, JSON lines and parquet rows.

Every reader takes a `CorpusFile` and the file opened, yields `Document`s, and raises an InputError that names the file
and the line, row or byte that cannot be read. Compressed files are decompressed on the way.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from bytegolf.errors import InputError
from bytegolf.text.decompress import COMPRESSED, DECOMPRESSION_ERRORS, decompressed

CHUNK_BYTES = 1 << 18
PIECE_BYTES = 16_384
ROWS_PER_BATCH = 256


@dataclass(frozen=True)
class Document:
    """A text and its name. A `record` is a line or row of a larger file, and its number may change as others come and go."""

    name: str
    text: str
    record: bool = False

    @property
    def key(self) -> str:
        """Return what decides whether the document is held out; it stays the same when other documents come or go."""
        return self.text if self.record else self.name


@dataclass(frozen=True)
class CorpusFile:
    """A file of the corpus, the name its documents get, and how to read them."""

    path: Path
    name: str
    read: "ReadDocuments"


ReadDocuments = Callable[[CorpusFile, BinaryIO], Iterator[Document]]


def reader_for(path: Path) -> ReadDocuments:
    """Return the reader for the path's suffix, that of whole text files if the suffix says nothing."""
    suffix = (path.with_suffix("") if path.suffix in COMPRESSED else path).suffix
    return {".jsonl": json_lines, ".parquet": parquet_rows}.get(suffix, whole_file)


def whole_file(file: CorpusFile, raw: BinaryIO) -> Iterator[Document]:
    """Yield the file as one document, or nothing if it is empty."""
    text = _decode(b"".join(_chunks(file, raw)), str(file.path), 0)
    if text:
        yield Document(file.name, text)


def python_module(file: CorpusFile, raw: BinaryIO) -> Iterator[Document]:
    """Yield the file as one document, or nothing if it is empty or not UTF-8."""
    with suppress(UnicodeDecodeError):
        if text := raw.read().decode():
            yield Document(file.name, text)


def pieces(file: CorpusFile, raw: BinaryIO) -> Iterator[Document]:
    """Yield documents of at most 16 KiB, cut after the last line that fits, or inside a line that alone is longer."""
    rest, done, index = b"", 0, 0
    for chunk in chain(_chunks(file, raw), [b""]):
        rest += chunk
        while len(rest) > PIECE_BYTES or (rest and not chunk):
            piece = rest[: _cut(rest)]
            yield Document(f"{file.name}#{index}", _decode(piece, str(file.path), done))
            rest, done, index = rest[len(piece) :], done + len(piece), index + 1


def json_lines(file: CorpusFile, raw: BinaryIO) -> Iterator[Document]:
    """Yield a document for each line, a JSON object with a string "text"; skip blank lines and empty texts."""
    for number, line in enumerate(_lines(_chunks(file, raw)), start=1):
        place = f"{file.path}: line {number}"
        source = _decode(line, place, 0)
        if not source.strip():
            continue
        try:
            value = json.loads(source)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{place}: expected a JSON object, found {error}") from None
        text = value.get("text") if isinstance(value, dict) else None
        if not isinstance(text, str):
            raise InputError(f'{place}: expected an object with a string "text", found {_shortened(source)}')
        if not text.isascii():
            _require_encodable(text, place)
        if text:
            yield Document(f"{file.name}:{number}", text, record=True)


def parquet_rows(file: CorpusFile, raw: BinaryIO) -> Iterator[Document]:
    """Yield a document for each row of the string column "text"; skip empty texts. Needs pyarrow."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise InputError(f"{file.path}: expected pyarrow to read parquet, found it missing; pip install 'bytegolf[parquet]'") from None
    try:
        table = pyarrow.parquet.ParquetFile(raw)
        columns = {field.name: str(field.type) for field in table.schema_arrow}
        if columns.get("text") not in ("string", "large_string", "string_view"):
            found = ", ".join(f"{name}: {kind}" for name, kind in columns.items()) or "no columns"
            raise InputError(f'{file.path}: expected a string column "text", found {found}')
        number = 0
        for batch in table.iter_batches(ROWS_PER_BATCH, columns=["text"]):
            for text in batch.column(0).to_pylist():
                number += 1
                if text is None:
                    raise InputError(f"{file.path}: row {number}: expected a text, found null")
                if text:
                    yield Document(f"{file.name}:{number}", text, record=True)
    except UnicodeDecodeError as error:
        raise InputError(f"{file.path}: a row from {number + 1} on: expected UTF-8, found {error.reason} at byte {error.start}") from None
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(f"{file.path}: expected parquet, found {_first_line(error)}") from None


def _chunks(file: CorpusFile, raw: BinaryIO) -> Iterator[bytes]:
    """Yield the file's bytes, decompressed."""
    suffix = file.path.suffix
    try:
        yield from decompressed(iter(lambda: raw.read(CHUNK_BYTES), b""), suffix)
    except DECOMPRESSION_ERRORS as error:
        raise InputError(f"{file.path}: expected {suffix[1:]} data, found {_first_line(error)}") from None


def _lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield lines without their line ends; keeping a list of parts takes linear time for a line of many chunks."""
    parts: list[bytes] = []
    for chunk in chunks:
        end, *others = chunk.split(b"\n")
        parts.append(end)
        for other in others:
            yield b"".join(parts)
            parts = [other]
    if rest := b"".join(parts):
        yield rest


def _cut(data: bytes) -> int:
    """Return the length of the next piece of `data`."""
    if len(data) <= PIECE_BYTES:
        return len(data)
    if end := data.rfind(b"\n", 0, PIECE_BYTES) + 1:
        return end
    # A UTF-8 character has at most three continuation bytes; more of them fail to decode wherever the cut is.
    return next((at for at in range(PIECE_BYTES, PIECE_BYTES - 4, -1) if data[at] & 0xC0 != 0x80), PIECE_BYTES)


def _decode(data: bytes, place: str, offset: int) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise InputError(f"{place}: expected UTF-8 text, found {error.reason} at byte {offset + error.start}") from None


def _require_encodable(text: str, place: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"{place}: expected Unicode text, found the lone surrogate {text[error.start]!r}") from None


def _shortened(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:60]}…"


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
