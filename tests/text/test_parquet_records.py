"""Rows of parquet become the documents they should, however the strings are stored."""

import sys
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from bytegolf.errors import InputError
from bytegolf.text.documents import Remarks
from support.corpora import read_documents

TEXTS = ["one", "", "drei ä", None, "five"]
STRINGS = [pyarrow.string(), pyarrow.large_string(), pyarrow.string_view(), pyarrow.binary(), pyarrow.large_binary(), pyarrow.binary_view()]


def test_parquet(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"id": [1, 2, 3], "text": ["one", "", "drei ä"]}), path)
    assert read_documents(path) == [("a.parquet:1", "one"), ("a.parquet:3", "drei ä")]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"body": ["a"]}, 'string column "text" .*, found body: string'),
        ({"text": [1]}, 'string column "text" .*, found text: int64'),
        ({"text": ["a", None]}, "row 2: expected a text, found null"),
    ],
)
def test_parquet_without_texts(tmp_path: Path, columns: dict[str, list[object]], expected: str) -> None:
    pyarrow.parquet.write_table(pyarrow.table(columns), tmp_path / "a.parquet")
    with pytest.raises(InputError, match=rf"a\.parquet: .*{expected}"):
        read_documents(tmp_path / "a.parquet")


def test_corrupt_parquet(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"text": ["one"] * 99}), path)
    for data in (b"", b"PAR1 nothing PAR1", path.read_bytes()[:-20]):
        path.write_bytes(data)
        with pytest.raises(InputError, match=r"a\.parquet: expected parquet, found"):
            read_documents(path)


def test_parquet_without_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputError, match=r"a\.parquet: .*bytegolf\[parquet\]"):
        read_documents(tmp_path / "a.parquet")


@pytest.mark.parametrize("kind", STRINGS, ids=str)
@pytest.mark.parametrize("by_dictionary", [False, True])
def test_strings_of_every_kind(tmp_path: Path, kind: pyarrow.DataType, by_dictionary: bool) -> None:
    column = pyarrow.array(TEXTS, pyarrow.string()).cast(kind)
    if by_dictionary:
        column = column.cast(pyarrow.binary() if "binary" in str(kind) else pyarrow.string()).dictionary_encode()
    pyarrow.parquet.write_table(pyarrow.table({"id": [1, 2, 3, 4, 5], "body": column}), tmp_path / "A.PARQUET")
    (tmp_path / "A.PARQUET").rename(tmp_path / "any.name")
    remarks = Remarks(skip_bad=True)
    found = read_documents(tmp_path / "any.name", text_column="body", remarks=remarks)
    assert found == [("any.name:1", "one"), ("any.name:3", "drei ä"), ("any.name:5", "five")]
    assert remarks.bad == [f"{tmp_path / 'any.name'}: row 4: expected a text, found null"]
    assert remarks.notes == {"empty texts left out": (1, f"{tmp_path / 'any.name'}: row 2")}


def test_a_row_that_is_not_utf8(tmp_path: Path) -> None:
    pyarrow.parquet.write_table(pyarrow.table({"text": [b"one", b"tw\xff", b"three"]}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"a\.parquet: row 2: expected UTF-8 text, found invalid start byte at byte 2"):
        read_documents(tmp_path / "a.parquet")
    assert read_documents(tmp_path / "a.parquet", remarks=Remarks(skip_bad=True)) == [("a.parquet:1", "one"), ("a.parquet:3", "three")]
