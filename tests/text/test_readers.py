"""Files become the documents they should, told by what is in them, and what cannot be read is named."""

import json
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytegolf.errors import InputError
from bytegolf.text.documents import Remarks
from bytegolf.text.readers import LIKE_JSON, PIECE_BYTES
from support.corpora import read_documents

RECORDS = b'{"text": "one", "id": 1}\n{"text": "two", "id": 2}\n'


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


@pytest.mark.parametrize("name", ["c4.json", "x.ndjson", "UP.JSONL", "x.Json", "dump", "a.jsonl"])
@pytest.mark.parametrize("data", [RECORDS, b"\xef\xbb\xbf" + RECORDS, json.dumps([{"text": "one"}, {"text": "two"}], indent=1).encode()])
def test_records_by_content_and_suffix(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    remarks = Remarks()
    assert [text for _, text in read_documents(tmp_path / name, remarks=remarks)] == ["one", "two"]
    assert not remarks.notes


@pytest.mark.parametrize(("name", "data"), [("a.txt", RECORDS), ("package.json", b'{"name": "x"}\n'), ("a.md", b'[{"text": "one"}]')])
def test_text_that_looks_like_json_is_remarked_on(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    remarks = Remarks()
    assert read_documents(tmp_path, remarks=remarks) == [(name, data.decode())]
    assert remarks.notes == {LIKE_JSON: (1, str(tmp_path / name))}


@pytest.mark.parametrize("data", [b"[1] a note\n", b"{% template %}", b"{}{", b'["a"]', b"[", b"{", b"", b"\xef\xbb\xbfplain"])
def test_text_that_does_not_look_like_json(tmp_path: Path, data: bytes) -> None:
    for name in ("a", "a.json", "a.txt"):
        (tmp_path / name).write_bytes(data)
        remarks = Remarks()
        assert "".join(text for _, text in read_documents(tmp_path / name, remarks=remarks)) == data.decode()
        assert LIKE_JSON not in remarks.notes or data == b"{}{"


def test_a_named_column_is_required_of_json(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(RECORDS)
    with pytest.raises(InputError, match=r'a\.json: line 1: expected an object with a string "body" .*, found text: string, id: number'):
        read_documents(tmp_path, text_column="body")
    (tmp_path / "a.json").write_bytes(RECORDS.replace(b"text", b"body"))
    assert [text for _, text in read_documents(tmp_path, text_column="body")] == ["one", "two"]


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz", "a"])
def test_an_archive(tmp_path: Path, name: str) -> None:
    (tmp_path / "letter.txt").write_text("all of it is UTF-8")
    with tarfile.open(tmp_path / name, "w:gz" if name.endswith("gz") else "w") as archive:
        archive.add(tmp_path / "letter.txt")
    with pytest.raises(InputError, match=f"expected text, found an archive of files; unpack it: tar -xf {tmp_path / name}"):
        read_documents(tmp_path / name)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le"])
def test_utf16(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.txt").write_bytes("é".encode(encoding))
    advice = "; recode it: iconv -f UTF-16 -t UTF-8" if encoding == "utf-16" else ""
    with pytest.raises(InputError, match=rf"a\.txt: expected UTF-8 text, found .* at byte 0{advice}; the option skip_bad leaves out what"):
        read_documents(tmp_path / "a.txt")
