"""Documents, the files they come from, and what one pass over a corpus remarks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, NamedTuple

from bytegolf.errors import InputError

LISTED = 1000  # bad records and files that are named; more are only counted


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


class Note(NamedTuple):
    """How often something was noted, and where first."""

    times: int
    first: str


@dataclass
class Remarks:
    """What a user should be told of a pass over a corpus: bad records and files that were skipped, and what else was left out.

    Unless `skip_bad`, the first bad one ends the pass.
    """

    skip_bad: bool = False
    num_bad: int = 0
    bad: list[str] = field(default_factory=list)  # the first of them, each with its reason
    notes: dict[str, Note] = field(default_factory=dict)  # by what was noted

    def skip(self, error: InputError) -> None:
        """Count and list a bad record or file. Raises the error unless bad ones are skipped."""
        if not self.skip_bad:
            raise error
        self.num_bad += 1
        if len(self.bad) < LISTED:
            self.bad.append(str(error))

    def note(self, what: str, place: object) -> None:
        """Remember that something which is no mistake was left out, or read in another way than may be expected."""
        times, first = self.notes.get(what, Note(0, str(place)))
        self.notes[what] = Note(times + 1, first)

    def lines(self) -> Iterator[str]:
        """Yield a line for each kind of remark: how often, and where first."""
        if self.num_bad:
            yield f"bad records and files skipped: {self.num_bad:,}, the first {self.bad[0]}"
        for what, note in self.notes.items():
            yield f"{what}: {note.times:,}, the first {note.first}"


@dataclass(frozen=True)
class CorpusReading:
    """One pass over a corpus: the column of a record that holds its text, "text" if none is named, and the remarks so far."""

    text_column: str | None
    remarks: Remarks

    @property
    def column(self) -> str:
        """Return the name of the column to read."""
        return self.text_column or "text"

    def record(self, name: str, text: str, place: str) -> Iterator[Document]:
        """Yield a record as a document, unless it is empty or skipped because UTF-8 cannot hold it."""
        if not text:
            self.remarks.note("empty texts left out", place)
        elif surrogate := _lone_surrogate(text):
            self.remarks.skip(InputError(f"{place}: expected Unicode text, found the lone surrogate {surrogate!r}"))
        else:
            yield Document(name, text, record=True)


@dataclass(frozen=True)
class CorpusFile:
    """A file of the corpus, the name its documents get, and how to read them."""

    path: Path
    name: str
    read: "ReadDocuments"


ReadDocuments = Callable[[CorpusFile, BinaryIO, CorpusReading], Iterator[Document]]


def decode_text(data: bytes, place: object, offset: int = 0) -> str:
    """Return UTF-8 bytes as text. Raises InputError that names `place` and the byte, counted from `offset`."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        advice = "; recode it: iconv -f UTF-16 -t UTF-8" if offset == 0 and data.startswith((b"\xff\xfe", b"\xfe\xff")) else ""
        raise InputError(f"{place}: expected UTF-8 text, found {error.reason} at byte {offset + error.start}{advice}") from None


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def _lone_surrogate(text: str) -> str:
    """Return the first lone surrogate of a text, or nothing."""
    try:
        if not text.isascii():
            text.encode()
    except UnicodeEncodeError as error:
        return text[error.start]
    return ""
