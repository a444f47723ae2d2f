"""Files become the documents they should, and what cannot be read is named."""

import json
import sys
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytegolf.errors import InputError
from bytegolf.text.readers import PIECE_BYTES, Document
from support.corpora import read_documents


def test_the_key_of_a_record_is_its_text() -> None:
    assert Document("a.txt", "words").key == "a.txt"
    assert Document("a.jsonl:3", "words", record=True).key == "words"


@given(text=st.text(st.sampled_from("aé\n€😀"), max_size=60))
def test_pieces_of_one_file(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("one") / "book.txt"
    path.write_bytes((text * 3000).encode())
    if not text:
        assert read_documents(path) == []
        return
    found = read_documents(path)
    assert "".join(piece for _, piece in found) == text * 3000
    assert [name for name, _ in found] == [f"book.txt#{i}" for i in range(len(found))]
    sizes = [len(piece.encode()) for _, piece in found]
    assert max(sizes) <= PIECE_BYTES
    assert all(size > PIECE_BYTES - 4 * len(text) - 4 for size in sizes[:-1])
    if "\n" in text:
        assert all(piece.endswith("\n") for _, piece in found[:-1])


def test_parquet(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"id": [1, 2, 3], "text": ["one", "", "drei ä"]}), path)
    assert read_documents(path) == [("a.parquet:1", "one"), ("a.parquet:3", "drei ä")]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"body": ["a"]}, 'string column "text", found body: string'),
        ({"text": [1]}, 'string column "text", found text: int64'),
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


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"{", "expected a JSON object, found"),
        (b"[" * 100_000, "expected a JSON object, found"),
        (b'["text"]', r'string "text", found \["text"\]'),
        (b'{"body": "x"}', 'string "text", found {"body": "x"}'),
        (b'{"text": null}', 'string "text", found {"text": null}'),
        (b'{"text": "\\ud800"}', "lone surrogate"),
        (b'{"text": "\xff"}', "found invalid start byte at byte 10"),
    ],
)
def test_bad_json_lines(tmp_path: Path, line: bytes, expected: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(json.dumps({"text": "fine"}).encode() + b"\n" + line + b"\n")
    with pytest.raises(InputError, match=rf"a\.jsonl: line 2: .*{expected}") as error:
        read_documents(path)
    assert len(str(error.value)) < 400 + len(str(path))


def test_text_that_is_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"line\n" * 4000 + b"\xe9t\xe9")
    (tmp_path / "b.txt").write_bytes(b"")
    for sources in ([tmp_path / "a.txt"], [tmp_path / "b.txt", tmp_path / "a.txt"], [tmp_path]):
        with pytest.raises(InputError, match=r"a\.txt: expected UTF-8 text, found .* at byte 20000"):
            read_documents(*sources)


@given(cut=st.integers(1, 3))
def test_a_character_cut_off_at_the_end(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    path = tmp_path_factory.mktemp("cut") / "a.txt"
    path.write_bytes("😀".encode()[:cut])
    with pytest.raises(InputError, match="at byte 0"):
        read_documents(path)
