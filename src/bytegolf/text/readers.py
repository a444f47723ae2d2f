"""Stream documents from one file: whole text files, long files cut into pieces, JSON lines, and parquet rows.

Every reader takes a `CorpusFile` and its opened bytes and yields `Document`s. It raises InputError naming the file and
the line, row or byte that is invalid. Compressed files are decompressed on the way.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from bytegolf.errors import InputError
from bytegolf.text.decompress import COMPRESSED, DAMAGE, decompressed

CHUNK_BYTES = 1 << 18
PIECE_BYTES = 16_384
ROWS_PER_BATCH = 256


@dataclass(frozen=True)
class Document:
    """A text and its name. A `record` is a line or row of a larger file, whose number may change."""

    name: str
    text: str
    record: bool = False

    @property
    def key(self) -> str:
        """Return the string that decides whether the document is held out; it does not depend on other documents."""
        return self.text if self.record else self.name


@dataclass(frozen=True)
class CorpusFile:
    """A file of the corpus, the name for its documents, and the function that reads it."""

    path: Path
    name: str
    read: "Reader"


Reader = Callable[[CorpusFile, BinaryIO], Iterator[Document]]


def reader_for(path: Path) -> Reader:
    """Return the reader for the suffix of `path`; `whole_file` for unknown suffixes."""
    suffix = (path.with_suffix("") if path.suffix in COMPRESSED else path).suffix
    return {".jsonl": json_lines, ".parquet": parquet_rows}.get(suffix, whole_file)


def whole_file(file: CorpusFile, raw: BinaryIO) -> Iterator[Document]:
    """Yield the file as one document, or nothing if it is empty."""
    text = _decode(b"".join(_chunks(file, raw)), str(file.path), 0)
    if text:
        yield Document(file.name, text)


def python_module(file: CorpusFile, raw: BinaryIO) -> Iterator[Document]:
    """Yield the file as `whole_file` does, but skip it if it is not UTF-8 instead of raising an error."""
    with suppress(UnicodeDecodeError):
        if text := raw.read().decode():
            yield Document(file.name, text)


def pieces(file: CorpusFile, raw: BinaryIO) -> Iterator[Document]:
    """Yield documents of at most 16 KiB, cut after the last line that fits, or within a line that is longer than that."""
    rest, done, index = b"", 0, 0
    for chunk in chain(_chunks(file, raw), [b""]):
        rest += chunk
        while len(rest) > PIECE_BYTES or (rest and not chunk):
            piece = rest[: _cut(rest)]
            yield Document(f"{file.name}#{index}", _decode(piece, str(file.path), done))
            rest, done, index = rest[len(piece) :], done + len(piece), index + 1


def json_lines(file: CorpusFile, raw: BinaryIO) -> Iterator[Document]:
    """Yield the string "text" of the object on each line. Blank lines and empty texts are skipped."""
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
    """Yield one document per row of the string column "text". Empty texts are skipped.

    Raises InputError if pyarrow is not installed.
    """
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
    except DAMAGE as error:
        raise InputError(f"{file.path}: expected {suffix[1:]} data, found {_first_line(error)}") from None


def _lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    begun: list[bytes] = []
    for chunk in chunks:
        end, *others = chunk.split(b"\n")
        begun.append(end)
        for other in others:
            yield b"".join(begun)
            begun = [other]
    if rest := b"".join(begun):
        yield rest


def _cut(data: bytes) -> int:
    """Return the length of the next piece of `data`."""
    if len(data) <= PIECE_BYTES:
        return len(data)
    if end := data.rfind(b"\n", 0, PIECE_BYTES) + 1:
        return end
    # A UTF-8 character has at most three continuation bytes; a longer run is invalid wherever it is cut.
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
