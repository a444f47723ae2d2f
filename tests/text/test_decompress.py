"""Compressed files are read as what is in them, whatever their names say, and damage is named."""

import bz2
import gzip
import lzma
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path
from shutil import which

import pytest
import zstandard

from bytegolf.errors import InputError
from bytegolf.text.decompress import COMPRESSED, contents, plain_suffix
from support.corpora import read_documents

COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": zstandard.ZstdCompressor().compress,
    ".lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
}  # fmt: skip
TOOLS = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".zst": "zstd", ".lzma": "xz"}
SKIPPABLE = struct.pack("<II", 0x184D2A53, 300_000) + bytes(300_000)  # a zstd frame without data, longer than a chunk


def read(path: Path) -> bytes:
    with path.open("rb") as raw:
        return b"".join(contents(path, raw))


def test_every_suffix_is_tried() -> None:
    assert set(COMPRESSORS) == set(COMPRESSED)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("C4.JSON.GZ", ".json"), ("a.jsonl", ".jsonl"), ("RC_2019-04.zst", ""), ("a.txt.gz.bz2", ".gz"), ("notes", "")],
)
def test_the_suffix_of_what_is_compressed(name: str, expected: str) -> None:
    assert plain_suffix(Path("folder.d") / name) == expected


def test_other_files_pass_through(tmp_path: Path) -> None:
    for data in (b"", b"text", b"BZh9 is how bzip2 files begin", bytes(range(256)) * 3000):
        (tmp_path / "a.txt").write_bytes(data)
        assert read(tmp_path / "a.txt") == data


@pytest.mark.parametrize("suffix", COMPRESSORS)
def test_compressed_files(tmp_path: Path, suffix: str) -> None:
    lines = b'{"text": "one"}\n\n{"text": "two\\n", "more": 1}\r\n{"text": "\xc3\xa4"}'
    path = tmp_path / f"a.jsonl{suffix}"
    path.write_bytes(COMPRESSORS[suffix](lines))
    assert read_documents(path) == [(f"{path.name}:1", "one"), (f"{path.name}:3", "two\n"), (f"{path.name}:4", "ä")]
    (tmp_path / f"b.txt{suffix}").write_bytes(COMPRESSORS[suffix](b"text"))
    assert read_documents(tmp_path / f"b.txt{suffix}") == [(f"b.txt{suffix}#0", "text")]


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz", ".zst"])
@pytest.mark.parametrize("name", ["a.txt", "A.TXT.GZ", "a.ZST", "a"])
def test_content_says_how_it_is_compressed(tmp_path: Path, suffix: str, name: str) -> None:
    data = bytes(range(256)) * 5000
    (tmp_path / name).write_bytes(COMPRESSORS[suffix](data))
    assert read(tmp_path / name) == data


@pytest.mark.parametrize(
    ("suffix", "layout"),
    [
        *((suffix, "{one}{two}") for suffix in (".gz", ".bz2", ".xz", ".zst")),
        *((suffix, "{one}{two}{zeros}") for suffix in (".gz", ".bz2", ".xz")),
        (".xz", "{one}{zeros}{two}"),
        (".zst", "{skip}{one}{skip}{two}{skip}"),
    ],
)
def test_what_the_tools_accept(tmp_path: Path, suffix: str, layout: str) -> None:
    """Members and frames one after the other, zeros after them, and frames to skip."""
    compress, path = COMPRESSORS[suffix], tmp_path / f"a{suffix}"
    parts = {"one": compress(b"one, "), "two": compress(b"two"), "zeros": bytes(512), "skip": SKIPPABLE}
    path.write_bytes(b"".join(parts[name.rstrip("}")] for name in layout.split("{") if name))
    assert read(path) == b"one, two"
    if tool := which(TOOLS[suffix]):
        assert subprocess.run([tool, "-dc", path], capture_output=True, check=True).stdout == b"one, two"


def test_a_window_of_two_gibibytes(tmp_path: Path) -> None:
    """As `zstd --long=31` writes a stream whose size it does not know."""
    parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=20, write_content_size=0)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    data = bytearray(compressor.compress(b"text" * 9999) + compressor.flush())
    data[5] = (31 - 10) << 3
    (tmp_path / "a.zst").write_bytes(data)
    assert zstandard.get_frame_parameters(bytes(data)).window_size == 1 << 31
    assert read(tmp_path / "a.zst") == b"text" * 9999
    data[5] = (32 - 10) << 3
    (tmp_path / "a.zst").write_bytes(data)
    with pytest.raises(
        InputError, match=r"a\.zst: expected zst data, found .* too much memory .*; recode it .*: zstd -dc --long=31 /.*a\.zst"
    ):
        read(tmp_path / "a.zst")


@pytest.mark.parametrize("suffix", COMPRESSORS)
def test_a_corrupt_compressed_file(tmp_path: Path, suffix: str) -> None:
    whole = COMPRESSORS[suffix](bytes(range(65, 91)) * 100)
    path = tmp_path / f"a.txt{suffix}"
    name = "xz" if suffix == ".lzma" else suffix[1:]
    for data in (b"", b"not compressed", whole[:-9], whole[: len(whole) // 2], whole + b"garbage"):
        path.write_bytes(data)
        with pytest.raises(InputError, match=rf"a\.txt{suffix}: expected {name} data, found"):
            read_documents(path)
