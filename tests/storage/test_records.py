"""A record is read as what it is said to be, or refused with the first thing that is wrong."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict

from bytegolf.errors import InputError
from bytegolf.storage.records import Count, FileName, read_record


class Shelf(BaseModel):
    """A record with all kinds of values."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    books: Count
    width: float
    list: FileName


@dataclass(frozen=True)
class Book:
    """A record that is a dataclass."""

    title: str


SOUND = {"books": 3, "width": 0.5, "list": "list.txt"}


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "record.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_records_are_read(tmp_path: Path) -> None:
    assert read_record(written(tmp_path, json.dumps(SOUND)), Shelf, "a shelf") == Shelf(books=3, width=0.5, list="list.txt")
    assert read_record(written(tmp_path, '{"books": 3, "width": 2, "list": "a"}'), Shelf, "a shelf").width == 2.0
    assert read_record(written(tmp_path, '[{"title": "a"}]'), list[Book], "books") == [Book("a")]


DAMAGED: dict[str, tuple[str | bytes, str]] = {
    "nothing": ("", "Invalid JSON: EOF"),
    "no JSON": ("{", "Invalid JSON: EOF"),
    "a list": ("[]", "Input should be an object"),
    "a number": ("3", "Input should be an object"),
    "a deep list": ("[" * 100_000, "Invalid JSON: recursion limit exceeded"),
    "not UTF-8": (b'{"books": "\xff"}', "Invalid JSON: invalid unicode"),
    "a key missing": (json.dumps({"books": 3, "width": 0.5}), "list: Field required"),
    "a key too many": (json.dumps({**SOUND, "x" * 5000: 3}), "x" * 200),
    "text for a number": (json.dumps({**SOUND, "books": "3"}), "books: Input should be a valid integer"),
    "a fraction": (json.dumps({**SOUND, "books": 3.5}), "books: Input should be a valid integer"),
    "a negative count": (json.dumps({**SOUND, "books": -1}), "books: Input should be greater than or equal to 0"),
    "a count that no float holds": (json.dumps({**SOUND, "books": 10**30}), "books: Input should be less than or equal to"),
    "a huge number": ('{"books": ' + "9" * 100_000 + "}", "Invalid JSON: number out of range"),
    "a path": (json.dumps({**SOUND, "list": "../list"}), "list: String should match pattern"),
    "a folder": (json.dumps({**SOUND, "list": ".."}), "list: String should match pattern"),
    "a name with a zero in it": (json.dumps({**SOUND, "list": "a\0"}), "list: String should match pattern"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_what_is_none_is_refused(case: str, tmp_path: Path) -> None:
    text, expected = DAMAGED[case]
    with pytest.raises(InputError) as raised:
        read_record(written(tmp_path, text), Shelf, "a shelf")
    assert str(raised.value).startswith(f"{tmp_path / 'record.json'}: expected a shelf, found {expected}")
    assert "\n" not in str(raised.value) and len(str(raised.value)) < 500


def test_no_file(tmp_path: Path) -> None:
    for path, reason in ((tmp_path / "none.json", "No such file or directory"), (tmp_path, "Is a directory")):
        with pytest.raises(InputError, match=f"expected a shelf, found {reason}"):
            read_record(path, Shelf, "a shelf")
