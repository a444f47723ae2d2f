"""Parquet rows as documents, streamed: any column that holds strings, however it stores them. Needs pyarrow."""

import re
from collections.abc import Iterator
from typing import BinaryIO

from bytegolf.errors import InputError
from bytegolf.text.documents import CorpusFile, CorpusReading, Document, decode_text, first_line

MARK = b"PAR1"  # begins and ends every file
ROWS_PER_BATCH = 256
STRINGS = frozenset({"string", "large_string", "string_view", "binary", "large_binary", "binary_view"})


def is_parquet(raw: BinaryIO) -> bool:
    """Return whether an open file begins and ends as parquet does."""
    size = raw.seek(0, 2)
    ends = []
    for at in (0, max(0, size - len(MARK))):
        raw.seek(at)
        ends.append(raw.read(len(MARK)))
    return ends == [MARK, MARK]


def parquet_records(file: CorpusFile, raw: BinaryIO, reading: CorpusReading) -> Iterator[Document]:
    """Yield a document for each row whose text is not empty."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise InputError(f"{file.path}: expected pyarrow to read parquet, found it missing; pip install 'bytegolf[parquet]'") from None
    number = 0
    try:
        table = pyarrow.parquet.ParquetFile(raw)
        _require_strings(file, {field.name: str(field.type) for field in table.schema_arrow}, reading.column)
        for batch in table.iter_batches(ROWS_PER_BATCH, columns=[reading.column]):
            for data in batch.column(0).cast(pyarrow.large_binary()).to_pylist():  # of any kind of string, and not yet decoded
                number += 1
                yield from _document(file, number, data, reading)
    except (pyarrow.ArrowException, OSError, ValueError, LookupError) as error:  # damage shows in many ways
        raise InputError(f"{file.path}: expected parquet, found {first_line(error)}") from None


def _require_strings(file: CorpusFile, columns: dict[str, str], name: str) -> None:
    """Raise InputError unless the column of that name is there and holds strings."""
    kind = re.sub(r"^dictionary<values=(\w+),.*", r"\1", columns.get(name, ""))
    if kind not in STRINGS:
        found = ", ".join(f"{column}: {kind}" for column, kind in columns.items()) or "no columns"
        raise InputError(f'{file.path}: expected a string column "{name}" (text_column names another), found {found}')


def _document(file: CorpusFile, number: int, data: bytes | None, reading: CorpusReading) -> Iterator[Document]:
    """Yield a row as a document, unless it is empty or bad and skipped."""
    place = f"{file.path}: row {number}"
    try:
        if data is None:
            raise InputError(f"{place}: expected a text, found null")
        text = decode_text(data, place)
    except InputError as error:
        reading.remarks.skip(error)
    else:
        yield from reading.record(f"{file.name}:{number}", text, place)
