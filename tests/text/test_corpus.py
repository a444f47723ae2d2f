"""Sources become the documents they should, and what cannot be read is named."""

import bz2
import gzip
import hashlib
import json
import lzma
import platform
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from bytegolf.errors import InputError
from bytegolf.text.corpus import open_corpus
from bytegolf.text.readers import PIECE_BYTES
from support.corpora import write_jsonl

COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": zstandard.ZstdCompressor().compress,
}  # fmt: skip


def documents(*sources: Path | str, exclude: Path | None = None) -> list[tuple[str, str]]:
    corpus = open_corpus([str(source) for source in sources], exclude)
    found = [(document.name, document.text) for document in corpus]
    assert found == [(document.name, document.text) for document in corpus], "a corpus can be read again"
    return found


@pytest.mark.skipif(platform.python_version() != "3.11.7", reason="the numbers are those of one release")
def test_the_stdlib_corpus() -> None:
    found = documents("stdlib")
    assert (len(found), sum(len(text.encode()) for _, text in found)) == (731, 12_118_641)
    assert [name for name, _ in found] == sorted(name for name, _ in found)
    held_out = [text for name, text in found if int(hashlib.sha256(name.encode()).hexdigest(), 16) % 20 == 0]
    assert (len(held_out), sum(len(text.encode()) for text in held_out)) == (39, 655_776)


def test_the_stdlib_corpus_leaves_out_tests() -> None:
    names = [name for name, _ in documents("stdlib")]
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
    assert documents(tmp_path, exclude=tmp_path / "out") == [
        ("a-b.txt", "x"), ("a/z.md", "ä"), ("b.txt", "bee\r\n"), ("c.jsonl:1", "one"), ("c.jsonl:3", "two"),
    ]  # fmt: skip


def test_several_sources_in_the_order_given(tmp_path: Path) -> None:
    (tmp_path / "b").write_text("bee")
    (tmp_path / "a").write_text("ay")
    assert documents(tmp_path / "b", tmp_path / "a") == [("b", "bee"), ("a", "ay")]


@pytest.mark.parametrize("suffix", COMPRESSORS)
def test_compressed_files(tmp_path: Path, suffix: str) -> None:
    lines = b'{"text": "one"}\n\n{"text": "two\\n", "more": 1}\r\n{"text": "\xc3\xa4"}'
    path = tmp_path / f"a.jsonl{suffix}"
    compress = COMPRESSORS[suffix]
    path.write_bytes(compress(lines[:20]) + compress(lines[20:]))
    assert documents(path) == [(f"{path.name}:1", "one"), (f"{path.name}:3", "two\n"), (f"{path.name}:4", "ä")]
    (tmp_path / f"b.txt{suffix}").write_bytes(compress(b"text"))
    assert documents(tmp_path / f"b.txt{suffix}") == [(f"b.txt{suffix}#0", "text")]


@pytest.mark.parametrize("suffix", COMPRESSORS)
def test_a_corrupt_compressed_file(tmp_path: Path, suffix: str) -> None:
    whole = COMPRESSORS[suffix](bytes(range(65, 91)) * 100)
    path = tmp_path / f"a.txt{suffix}"
    for data in (b"", b"not compressed", whole[:-9], whole[: len(whole) // 2]):
        path.write_bytes(data)
        with pytest.raises(InputError, match=rf"a\.txt{suffix}: expected {suffix[1:]} data, found"):
            documents(path)


@given(text=st.text(st.sampled_from("aé\n€😀"), max_size=60))
def test_pieces_of_one_file(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("one") / "book.txt"
    path.write_bytes((text * 3000).encode())
    if not text:
        assert documents(path) == []
        return
    found = documents(path)
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
    assert documents(path) == [("a.parquet:1", "one"), ("a.parquet:3", "drei ä")]


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
        documents(tmp_path / "a.parquet")


def test_corrupt_parquet(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"text": ["one"] * 99}), path)
    for data in (b"", b"PAR1 nothing PAR1", path.read_bytes()[:-20]):
        path.write_bytes(data)
        with pytest.raises(InputError, match=r"a\.parquet: expected parquet, found"):
            documents(path)


def test_parquet_without_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputError, match=r"a\.parquet: .*bytegolf\[parquet\]"):
        documents(tmp_path / "a.parquet")


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
        documents(path)
    assert len(str(error.value)) < 400 + len(str(path))


def test_text_that_is_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"line\n" * 4000 + b"\xe9t\xe9")
    (tmp_path / "b.txt").write_bytes(b"")
    for sources in ([tmp_path / "a.txt"], [tmp_path / "b.txt", tmp_path / "a.txt"], [tmp_path]):
        with pytest.raises(InputError, match=r"a\.txt: expected UTF-8 text, found .* at byte 20000"):
            documents(*sources)


@given(cut=st.integers(1, 3))
def test_a_character_cut_off_at_the_end(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    path = tmp_path_factory.mktemp("cut") / "a.txt"
    path.write_bytes("😀".encode()[:cut])
    with pytest.raises(InputError, match="at byte 0"):
        documents(path)


def test_missing_sources(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere: expected stdlib, or a file or folder of text, found nothing"):
        open_corpus([str(tmp_path / "nowhere")])
    with pytest.raises(InputError, match=r"expected files of text, found none"):
        open_corpus([str(tmp_path)])
    with pytest.raises(InputError, match="source: expected files of text, found none"):
        open_corpus([])
    with pytest.raises(InputError, match=r"/dev/null: .* found no regular file"):
        open_corpus(["/dev/null"])
