"""Compressed files are read as what is in them, and damage is named."""

import bz2
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from bytegolf.errors import InputError
from bytegolf.text.decompress import COMPRESSED, decompressed
from support.corpora import read_documents

COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": zstandard.ZstdCompressor().compress,
}  # fmt: skip


def test_every_suffix_is_tried() -> None:
    assert set(COMPRESSORS) == COMPRESSED


def test_other_files_pass_through() -> None:
    assert list(decompressed(iter([b"one", b"two"]), ".txt")) == [b"one", b"two"]


@pytest.mark.parametrize("suffix", COMPRESSORS)
def test_compressed_files(tmp_path: Path, suffix: str) -> None:
    lines = b'{"text": "one"}\n\n{"text": "two\\n", "more": 1}\r\n{"text": "\xc3\xa4"}'
    path = tmp_path / f"a.jsonl{suffix}"
    compress = COMPRESSORS[suffix]
    path.write_bytes(compress(lines[:20]) + compress(lines[20:]))
    assert read_documents(path) == [(f"{path.name}:1", "one"), (f"{path.name}:3", "two\n"), (f"{path.name}:4", "ä")]
    (tmp_path / f"b.txt{suffix}").write_bytes(compress(b"text"))
    assert read_documents(tmp_path / f"b.txt{suffix}") == [(f"b.txt{suffix}#0", "text")]


@pytest.mark.parametrize("suffix", COMPRESSORS)
def test_a_corrupt_compressed_file(tmp_path: Path, suffix: str) -> None:
    whole = COMPRESSORS[suffix](bytes(range(65, 91)) * 100)
    path = tmp_path / f"a.txt{suffix}"
    for data in (b"", b"not compressed", whole[:-9], whole[: len(whole) // 2]):
        path.write_bytes(data)
        with pytest.raises(InputError, match=rf"a\.txt{suffix}: expected {suffix[1:]} data, found"):
            read_documents(path)
