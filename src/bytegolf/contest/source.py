"""Source files as syntax trees, in the syntax of any Python that a contestant may use."""

import ast
import re
import warnings
from dataclasses import dataclass
from pathlib import Path

from bytegolf.contest.newer_syntax import in_older_syntax
from bytegolf.errors import InputError

DECLARATION = re.compile(rb"[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")  # PEP 263
ENCODINGS = {
    **dict.fromkeys(("utf-8", "utf8", "utf-8-sig", "utf_8", "ascii", "us-ascii"), "utf-8-sig"),
    **dict.fromkeys(("latin-1", "latin1", "latin_1", "iso-8859-1", "iso8859-1"), "latin-1"),
}
MAX_SOURCE_BYTES = 8_000_000  # scripts of the contest stay below 0.3 MB


@dataclass(frozen=True)
class ScriptSource:
    """The text of a file, or of a layer that was packed inside one, and its syntax tree.

    Lines are those of `text`. `name` is the file's, and for the packed layer i of it `train_gpt.py, layer i`.
    """

    name: str
    text: str
    tree: ast.Module

    def line(self, number: int) -> str:
        """Return a line without its indentation, cut to 160 characters."""
        lines = self.text.split("\n")
        return lines[number - 1].strip()[:160] if 0 < number <= len(lines) else ""


def read_source(path: Path) -> ScriptSource:
    """Read a Python file. Raises InputError if it is missing, too large, no text or no Python."""
    if path.exists() and not path.is_file():
        raise InputError(f"{path}: expected a Python file, found something that is no file")
    try:
        with path.open("rb") as file:
            data = file.read(MAX_SOURCE_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: expected a Python file, found {error.strerror or error}") from None
    if len(data) > MAX_SOURCE_BYTES:
        raise InputError(f"{path}: expected a script of at most {MAX_SOURCE_BYTES:,} bytes, found more")
    return source_of(decoded(data, str(path)), path.name, str(path))


def decoded(data: bytes, place: str) -> str:
    """Return the text of a source file, in the encoding that its first lines declare. Raises InputError if it is none."""
    declared = next((found for line in data.split(b"\n", 2)[:2] if (found := DECLARATION.match(line))), None)
    encoding = declared[1].decode().lower() if declared else "utf-8"
    if encoding not in ENCODINGS:
        raise InputError(f"{place}: expected Python in UTF-8 or Latin-1, found {encoding}")
    try:
        text = data.decode(ENCODINGS[encoding])
    except UnicodeDecodeError as error:
        raise InputError(f"{place}: expected Python in UTF-8, found byte {data[error.start]:#04x} at {error.start}") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def source_of(text: str, name: str, place: str) -> ScriptSource:
    """Parse a text. Raises InputError, naming `place`, if it is not Python."""
    if "\0" in text:
        raise InputError(f"{place}: expected Python, found a zero byte")
    try:
        return ScriptSource(name, text, _parse(text))
    except SyntaxError as error:
        problem = error
    except (RecursionError, MemoryError, ValueError):
        raise InputError(f"{place}: expected Python, found an expression too deep to parse") from None
    try:
        return ScriptSource(name, text, _parse(in_older_syntax(text)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise InputError(f"{place}: expected Python, found {problem.msg} in line {problem.lineno}") from None


def _parse(text: str) -> ast.Module:
    """Return the syntax tree, without the warnings that a contestant's literals cause."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text)
