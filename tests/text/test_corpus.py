"""Sources become the documents they should, in a fixed order, and what is no text is named."""

import hashlib
import platform
from pathlib import Path

import pytest

from bytegolf.errors import InputError
from bytegolf.text.corpus import open_corpus
from bytegolf.text.documents import Remarks
from support.corpora import read_documents, write_jsonl


@pytest.mark.skipif(platform.python_version() != "3.11.7", reason="the numbers are those of one release")
def test_the_stdlib_corpus() -> None:
    found = read_documents("stdlib")
    assert (len(found), sum(len(text.encode()) for _, text in found)) == (731, 12_118_641)
    assert [name for name, _ in found] == sorted(name for name, _ in found)
    held_out = [text for name, text in found if int(hashlib.sha256(name.encode()).hexdigest(), 16) % 20 == 0]
    assert (len(held_out), sum(len(text.encode()) for text in held_out)) == (39, 655_776)


def test_the_stdlib_corpus_leaves_out_tests() -> None:
    names = [name for name, _ in read_documents("stdlib")]
    assert "argparse.py" in names and "json/decoder.py" in names
    assert not any(set(name.split("/")[:-1]) & {"site-packages", "test", "tests", "idle_test"} for name in names)


def test_a_folder(tmp_path: Path) -> None:
    for name, data in {
        "b.txt": b"bee\r\n", "a/z.md": "ä".encode(), "a-b.txt": b"x", "empty.txt": b"", ".hidden": b"\xff", ".git/config": b"\xff",
        "out/train.bin": b"\xff",
    }.items():  # fmt: skip
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    write_jsonl(tmp_path / "c.jsonl", ["one", "", "two"])
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    (tmp_path / "again").symlink_to(tmp_path / "a")
    remarks = Remarks()
    assert read_documents(tmp_path, exclude=tmp_path / "out", remarks=remarks) == [
        ("a-b.txt", "x"), ("a/z.md", "ä"), ("b.txt", "bee\r\n"), ("c.jsonl:1", "one"), ("c.jsonl:3", "two"),
    ]  # fmt: skip
    assert remarks.notes == {
        "hidden folders left out": (1, f"{tmp_path}/.git"),
        "hidden files left out": (1, f"{tmp_path}/.hidden"),
        "links to folders left out": (1, f"{tmp_path}/again"),
        "links to nothing and special files left out": (1, f"{tmp_path}/gone"),
        "empty texts left out": (1, f"{tmp_path}/c.jsonl: line 2"),
        "empty files left out": (1, f"{tmp_path}/empty.txt"),
    }


def test_bad_files_are_skipped_and_listed(tmp_path: Path) -> None:
    for name, data in {
        "a.png": b"\x89PNG\r\n",
        "b.txt": b"bee",
        "c.gz": b"no gzip",
        "d.parquet": b"",
        "e.txt": "é".encode("utf-16"),
    }.items():
        (tmp_path / name).write_bytes(data)
    remarks = Remarks(skip_bad=True)
    assert read_documents(tmp_path, remarks=remarks) == [("b.txt", "bee")]
    assert remarks.num_bad == 4 and [Path(line.split(":")[0]).name for line in remarks.bad] == ["a.png", "c.gz", "d.parquet", "e.txt"]


def test_several_sources_in_the_order_given(tmp_path: Path) -> None:
    (tmp_path / "b").write_text("bee")
    (tmp_path / "a").write_text("ay")
    assert read_documents(tmp_path / "b", tmp_path / "a") == [("b", "bee"), ("a", "ay")]


def test_missing_sources(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere: expected stdlib, or a file or folder of text, found nothing"):
        open_corpus([str(tmp_path / "nowhere")])
    with pytest.raises(InputError, match=r"expected files of text, found none"):
        open_corpus([str(tmp_path)])
    with pytest.raises(InputError, match="source: expected files of text, found none"):
        open_corpus([])
    with pytest.raises(InputError, match=r"/dev/null: .* found no regular file"):
        open_corpus(["/dev/null"])
