"""JSON as documents, streamed: an object per line, an array of objects, or objects that take several lines each."""

import codecs
import json
import re
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO

from bytegolf.errors import InputError
from bytegolf.text.decompress import contents
from bytegolf.text.documents import CorpusFile, CorpusReading, Document, decode_text

FIRST_CHUNKS = 256  # of a file that is none: more are not read to find the end of a first record
SHOWN_COLUMNS, SHOWN_CHARACTERS = 8, 40
KINDS = {str: "string", bool: "boolean", int: "number", float: "number", list: "array", dict: "object", type(None): "null"}

_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()
_NOT_JSON = (ValueError, RecursionError)
_TOKEN = 16  # characters: more than an escape or a word of JSON has


def json_records(file: CorpusFile, raw: BinaryIO, reading: CorpusReading) -> Iterator[Document]:
    """Yield a document for each object that has a text in the column to read."""
    one_a_line = _has_a_value_per_line(_unmarked(file.path, raw))
    chunks = _unmarked(file.path, raw)
    for number, place, value in (_values_of_lines if one_a_line else _values_across_lines)(file.path, chunks, reading):
        text = value.get(reading.column) if isinstance(value, dict) else None
        if isinstance(text, str):
            yield from reading.record(f"{file.name}:{number}", text, place)
        else:
            problem = f'expected an object with a string "{reading.column}" (text_column names another), found {_shape(value)}'
            reading.remarks.skip(InputError(f"{place}: {problem}"))


def first_record(path: Path, raw: BinaryIO) -> dict[str, Any] | None:
    """Return the object that a file of JSON records begins with, or None if the file holds anything else."""
    buffer = _Buffer(_decoded(islice(_unmarked(path, raw), FIRST_CHUNKS)))
    try:
        if buffer.peek() == "[":
            buffer.at += 1
        value = buffer.value() if buffer.peek() == "{" else None
    except _NOT_JSON:
        return None
    return value


def _unmarked(path: Path, raw: BinaryIO) -> Iterator[bytes]:
    """Yield a file's contents without a byte-order mark."""
    chunks = contents(path, raw)
    yield next(chunks, b"").removeprefix(codecs.BOM_UTF8)
    yield from chunks


def _has_a_value_per_line(chunks: Iterator[bytes]) -> bool:
    """Return whether the first line is a whole value, or a broken one, and not the beginning of a longer value."""
    beginning = next((text for chunk in chunks if (text := chunk.lstrip())), b"")
    if beginning.startswith(b"["):
        return False
    line = next(_lines(chain([beginning], chunks)), b"").rstrip()
    try:
        json.loads(line)
    except json.JSONDecodeError as error:
        return error.pos < len(error.doc) - 1
    except _NOT_JSON:
        return True
    return True


def _values_of_lines(path: Path, chunks: Iterator[bytes], reading: CorpusReading) -> Iterator[tuple[int, str, Any]]:
    """Yield (number, place, value) of every line that is not blank."""
    for number, line in enumerate(_lines(chunks), start=1):
        place = f"{path}: line {number}"
        try:
            if source := decode_text(line, place).strip():
                yield number, place, json.loads(source)
        except _NOT_JSON as error:
            reading.remarks.skip(InputError(f"{place}: expected a JSON object, found {error}"))
        except InputError as error:
            reading.remarks.skip(error)


def _values_across_lines(path: Path, chunks: Iterator[bytes], reading: CorpusReading) -> Iterator[tuple[int, str, Any]]:
    """Yield (number, place, value) of every value of an array, or of values one after the other.

    Raises InputError where the text is no JSON: what follows cannot be told apart.
    """
    number = 0
    try:
        for value in _values(_Buffer(_decoded(chunks))):
            number += 1
            yield number, f"{path}: record {number}", value
    except _NOT_JSON as error:
        raise InputError(f"{path}: record {number + 1}: expected a JSON object, found {error}") from None


def _values(buffer: "_Buffer") -> Iterator[Any]:
    if buffer.peek() != "[":
        while buffer.peek():
            yield buffer.value()
        return
    buffer.at += 1
    while buffer.peek() != "]":
        yield buffer.value()
        if buffer.peek() == ",":
            buffer.at += 1
        elif buffer.peek() != "]":
            raise ValueError("no comma after it" if buffer.peek() else "an array that ends early")
    buffer.at += 1
    if buffer.peek():
        raise ValueError("more after the end of the array")


class _Buffer:
    """Text that arrives in chunks and is parsed value by value. It holds no more than a value and a chunk at a time."""

    def __init__(self, chunks: Iterator[str]) -> None:
        self._chunks, self._text = chunks, ""
        self.at = 0

    def peek(self) -> str:
        """Return the next character that is no white space, and go there, or return nothing at the end."""
        while True:
            space = _SPACE.match(self._text, self.at)
            self.at = space.end() if space else self.at
            if self.at < len(self._text) or not self._grow():
                return self._text[self.at : self.at + 1]

    def value(self) -> Any:
        """Return the next value. Raises ValueError if there is none."""
        while True:
            try:
                value, self.at = _DECODER.raw_decode(self._text, self.at)
            except json.JSONDecodeError as error:
                cut = error.pos >= len(self._text) - _TOKEN or error.msg.startswith("Unterminated string")
                if not (cut and self._grow()):
                    raise ValueError(error.msg) from None
            else:
                return value

    def _grow(self) -> bool:
        """Read on, at least as much as is not parsed yet: so a value of many chunks takes linear time."""
        parts, size = [self._text[self.at :]], 0
        while size <= len(parts[0]) and (chunk := next(self._chunks, "")):
            parts.append(chunk)
            size += len(chunk)
        self._text, self.at = "".join(parts), 0
        return size > 0


def _decoded(chunks: Iterator[bytes]) -> Iterator[str]:
    """Yield chunks as text that is not empty. Raises UnicodeDecodeError, a ValueError."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    for chunk in chunks:
        if text := decoder.decode(chunk):
            yield text
    decoder.decode(b"", final=True)


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


def _shape(value: Any) -> str:
    """Return what kind of value it is, of an object its columns."""
    if not isinstance(value, dict) or not value:
        return f"an empty {KINDS[type(value)]}" if value in ({}, [], "") else f"a value of kind {KINDS[type(value)]}"
    columns = [f"{key[:SHOWN_CHARACTERS]}: {KINDS[type(part)]}" for key, part in list(value.items())[:SHOWN_COLUMNS]]
    return ", ".join(columns) + ("…" if len(value) > SHOWN_COLUMNS else "")
