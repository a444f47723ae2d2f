"""Shards, tokenizers, corpora and data folders with bytes changed, lost and added: read, or refused in one line."""

import bz2
import gzip
import io
import json
import lzma
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
import zstandard

from bytegolf.config import TextConfig
from bytegolf.text.dataset import open_data
from bytegolf.text.prepare import prepare_text
from bytegolf.text.published import choose_variant
from bytegolf.text.shards import ShardWriter, TokenStream
from bytegolf.text.tokenizer import BpeTokenizer, CapitalsTokenizer, load_tokenizer
from support.corpora import SOURCE, read_documents, write_texts
from support.fuzz import amounts, mutations, require_read_or_refused
from support.published_shards import MANIFEST

TEXT = SOURCE[:3000]
RECORDS = [{"id": number, "text": TEXT[number * 99 :][:99]} for number in range(20)]


def parquet(kind: pyarrow.DataType, **options: object) -> bytes:
    column = pyarrow.array([record["text"] for record in RECORDS], pyarrow.string()).cast(kind)
    stored = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table({"id": range(len(RECORDS)), "text": column}), stored, **options)
    return stored.getvalue()


CORPORA: dict[str, Callable[[], bytes]] = {
    "a.jsonl": lambda: "".join(json.dumps(record) + "\n" for record in RECORDS).encode(),
    "a.json": lambda: json.dumps(RECORDS, indent=1).encode(),
    "a.txt": TEXT.encode,
    "a.txt.gz": lambda: gzip.compress(TEXT.encode()),
    "a.txt.bz2": lambda: bz2.compress(TEXT.encode()),
    "a.txt.xz": lambda: lzma.compress(TEXT.encode()),
    "a.txt.lzma": lambda: lzma.compress(TEXT.encode(), lzma.FORMAT_ALONE),
    "a.jsonl.zst": lambda: zstandard.compress(CORPORA["a.jsonl"]()),
    "strings.parquet": lambda: parquet(pyarrow.string(), compression="none", use_dictionary=False),
    "views.parquet": lambda: parquet(pyarrow.binary_view(), compression="zstd", data_page_version="2.0"),
}
CHECKED = (".gz", ".bz2", ".xz")  # by a checksum of their own: what can be read is right


@amounts
@pytest.mark.parametrize("name", CORPORA)
def test_corpora(tmp_path: Path, name: str, count: int) -> None:
    path = tmp_path / name

    def read(data: bytes) -> None:
        path.write_bytes(data)
        text = "".join(text for _, text in read_documents(path))
        assert path.suffix not in CHECKED or text in (TEXT, TEXT * 2, TEXT * 4)  # or repeated as a whole

    require_read_or_refused(read, mutations(CORPORA[name](), count))


@amounts
def test_shards(tmp_path: Path, count: int) -> None:
    with ShardWriter(tmp_path, "val") as writer:
        writer.write(np.arange(500))
    (path,) = tmp_path.iterdir()

    def read(data: bytes) -> None:
        path.write_bytes(data)
        stream = TokenStream([path])
        assert len(stream[:]) == len(stream)

    require_read_or_refused(read, mutations(path.read_bytes(), count))


@amounts
@pytest.mark.parametrize("kind", ["bpe", "capitals", "normalising"])
def test_tokenizers(tmp_path: Path, bpe: BpeTokenizer, normalising: bytes, kind: str, count: int) -> None:
    serialised = {"bpe": bpe.serialised, "capitals": CapitalsTokenizer(bpe).serialised, "normalising": normalising}[kind]
    path = tmp_path / "any.model"

    def read(data: bytes) -> None:
        path.write_bytes(data)
        tokenizer = load_tokenizer(path)
        ids = tokenizer.encode(TEXT + "é½ ㍿\u2581 😀")
        assert tokenizer.total_bytes(ids) == tokenizer.byte_counts(ids).sum() == len(tokenizer.decode(ids))

    require_read_or_refused(read, mutations(serialised, count))


@amounts
@pytest.mark.parametrize("name", ["manifest.json", "val.txt.zst"])
def test_data_folders(tmp_path: Path, name: str, count: int) -> None:
    prepare_text(
        [str(write_texts(tmp_path / "texts", [TEXT, TEXT[:99]]))], tmp_path / "data", text=TextConfig(tokenizer="bytes"), val_docs=1
    )
    valid = (tmp_path / "data" / name).read_bytes()

    def read(data: bytes) -> None:
        (tmp_path / "data" / name).write_bytes(data)
        opened = open_data(tmp_path / "data")
        assert opened.manifest is None or opened.val_bytes == opened.manifest.val_bytes == len(opened.val_text() or b"")

    require_read_or_refused(read, mutations(valid, count))


@amounts
def test_lists_of_published_data(tmp_path: Path, published: dict[str, bytes], count: int) -> None:
    path = tmp_path / "published.json"

    def read(data: bytes) -> None:
        path.write_bytes(data)
        choose_variant(path, "sp512", 1)

    require_read_or_refused(read, mutations(published[MANIFEST], count))
