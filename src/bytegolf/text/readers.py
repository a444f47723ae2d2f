"""Files to documents, streamed: whole text files, long ones cut into pieces, and records of JSON or parquet.

Every reader takes a `CorpusFile`, the file opened, and the `CorpusReading`; it yields `Document`s. Bad records are for
`CorpusReading.remarks`; an InputError, which names the file and the byte or line, ends a file that cannot be read further.
What holds records is told by a file's content and its suffix together.
"""

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from itertools import chain
from pathlib import Path
from shlex import quote
from typing import BinaryIO

from bytegolf.errors import InputError
from bytegolf.text.decompress import contents, plain_suffix
from bytegolf.text.documents import CorpusFile, CorpusReading, Document, ReadDocuments, decode_text
from bytegolf.text.json_records import first_record, json_records
from bytegolf.text.parquet_records import is_parquet, parquet_records

PIECE_BYTES = 16_384
JSON_LINES = (".jsonl", ".ndjson")
MAYBE_JSON = (".json", "")  # suffixes of files that hold records if they begin with one
LIKE_JSON = "files that look like JSON, read as plain text (for records name them .jsonl, or say which column holds the text of .json)"
TAR_MARK, TAR_MARK_AT = b"ustar", 257


def read_file(file: CorpusFile, raw: BinaryIO, reading: CorpusReading, as_text: ReadDocuments) -> Iterator[Document]:
    """Yield the documents of a file: its records, or what `as_text` makes of a file that holds none."""
    suffix = plain_suffix(file.path)
    if suffix == ".parquet" or is_parquet(raw):
        return parquet_records(file, raw, reading)
    if suffix in JSON_LINES:
        return json_records(file, raw, reading)
    record = first_record(file.path, raw)
    if record is not None:
        if suffix in MAYBE_JSON and (reading.text_column or reading.column in record):
            return json_records(file, raw, reading)
        reading.remarks.note(LIKE_JSON, file.path)
    return as_text(file, raw, reading)


def whole_file(file: CorpusFile, raw: BinaryIO, reading: CorpusReading) -> Iterator[Document]:
    """Yield a text file as one document, or nothing if it is empty."""
    text = decode_text(b"".join(_text(file.path, raw)), file.path)
    if text:
        yield Document(file.name, text)
    else:
        reading.remarks.note("empty files left out", file.path)


def pieces(file: CorpusFile, raw: BinaryIO, reading: CorpusReading) -> Iterator[Document]:
    """Yield documents of at most 16 KiB, cut after the last line that fits, or inside a line that alone is longer."""
    rest, done, index = b"", 0, 0
    for chunk in chain(_text(file.path, raw), [b""]):
        rest += chunk
        while len(rest) > PIECE_BYTES or (rest and not chunk):
            piece = rest[: _cut(rest)]
            yield Document(f"{file.name}#{index}", decode_text(piece, file.path, done))
            rest, done, index = rest[len(piece) :], done + len(piece), index + 1


read_whole, read_in_pieces = partial(read_file, as_text=whole_file), partial(read_file, as_text=pieces)


def python_module(file: CorpusFile, raw: BinaryIO, reading: CorpusReading) -> Iterator[Document]:
    """Yield the file as one document, or nothing if it is empty or not UTF-8."""
    with suppress(UnicodeDecodeError):
        if text := raw.read().decode():
            yield Document(file.name, text)


def _text(path: Path, raw: BinaryIO) -> Iterator[bytes]:
    """Yield the contents of a text file. Raises InputError for an archive of files, whose headers would pass for text."""
    chunks = contents(path, raw)
    beginning = next(chunks, b"")
    if beginning.startswith(TAR_MARK, TAR_MARK_AT):
        raise InputError(f"{path}: expected text, found an archive of files; unpack it: tar -xf {quote(str(path))}")
    yield from (chunk for chunk in chain([beginning], chunks) if chunk)


def _cut(data: bytes) -> int:
    """Return the length of the next piece of `data`."""
    if len(data) <= PIECE_BYTES:
        return len(data)
    if end := data.rfind(b"\n", 0, PIECE_BYTES) + 1:
        return end
    # A UTF-8 character has at most three continuation bytes; more of them fail to decode wherever the cut is.
    return next((at for at in range(PIECE_BYTES, PIECE_BYTES - 4, -1) if data[at] & 0xC0 != 0x80), PIECE_BYTES)
