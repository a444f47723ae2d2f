"""Data folders, prepared here or by the contest, open to what they say they hold."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from bytegolf.config import BOS, TextConfig
from bytegolf.errors import InputError
from bytegolf.text import dataset
from bytegolf.text.dataset import count_bytes, open_data
from bytegolf.text.prepare import prepare_text
from bytegolf.text.shards import ShardWriter
from bytegolf.text.tokenizer import BpeTokenizer, Tokenizer
from support.corpora import SOURCE, TEXTS, contest_folder, foreign_model, put, write_jsonl


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    prepare_text([str(write_jsonl(tmp_path / "a.jsonl", [*TEXTS, SOURCE]))], tmp_path / "data", vocab_size=400, val_docs=len(TEXTS))
    return tmp_path / "data"


def test_a_prepared_folder(prepared: Path) -> None:
    data = open_data(prepared)
    assert data.manifest is not None and data.folder.root == prepared
    assert (data.val_bytes, data.val_text()) == (len("".join(TEXTS)), "".join(TEXTS).encode())
    assert data.sha256 == open_data(prepared).sha256
    assert data.bytes_per_token == len(SOURCE) / len(data.train)
    (prepared / "train_000000.bin").unlink()
    assert len(open_data(prepared).val) == data.manifest.val_tokens  # scoring needs no training shards
    with pytest.raises(InputError, match=r"data: expected shards train_\*\.bin, found none"):
        _ = open_data(prepared).train


@pytest.mark.parametrize("split", ["train", "val"])
def test_shards_that_disagree_with_the_manifest(prepared: Path, split: str) -> None:
    with ShardWriter(prepared, split) as writer:
        writer.write([BOS, 300])
    with pytest.raises(InputError, match=rf"data: expected \d+ {split} tokens as its manifest says, found 2"):
        _ = open_data(prepared).train


def test_a_tokenizer_that_disagrees_with_the_manifest(prepared: Path, bpe: BpeTokenizer) -> None:
    given = put(prepared.parent / "given.model", bpe.serialised)
    with pytest.raises(InputError, match=r"given\.model: expected sha256 .* as in .*manifest\.json, found"):
        open_data(prepared, given)
    put(prepared / "tokenizer.model", bpe.serialised)
    with pytest.raises(InputError, match=r"tokenizer\.model: expected sha256"):
        open_data(prepared)


@pytest.mark.parametrize("damage", [lambda path: os.truncate(path, 12), lambda path: path.write_bytes(b"x" * 40), Path.unlink])
def test_damaged_text(prepared: Path, damage: Callable[[Path], object]) -> None:
    damage(prepared / "val.txt.zst")
    with pytest.raises(InputError, match=r"val\.txt\.zst: expected .*, found"):
        open_data(prepared).val_text()


def test_a_damaged_manifest(prepared: Path) -> None:
    (prepared / "manifest.json").write_text("{}")
    with pytest.raises(InputError, match=r"manifest\.json: expected a data manifest"):
        open_data(prepared)


def test_a_manifest_that_claims_other_bytes_than_the_tokens_have(prepared: Path) -> None:
    """More bytes would lower every score."""
    path = prepared / "manifest.json"
    path.write_text(path.read_text().replace('"val_bytes": 27', '"val_bytes": 54'))
    with pytest.raises(InputError, match=r"manifest\.json: expected the 27 held-out bytes that its tokens stand for, found 54"):
        _ = open_data(prepared).val_bytes


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none: expected a data folder, found nothing"):
        open_data(tmp_path / "none")


def test_the_identity_of_a_contest_folder(tmp_path: Path, bpe: BpeTokenizer) -> None:
    folder = contest_folder(tmp_path / "root", "words", bpe)
    given, other = put(folder / "a.model", bpe.serialised), put(folder / "b.model", foreign_model())
    before = open_data(folder, given).sha256
    assert open_data(folder, given).sha256 == before != open_data(folder, other).sha256
    with ShardWriter(folder, "fineweb_val", max_tokens=20) as writer:
        writer.write([BOS, 300])
    assert open_data(folder, given).sha256 != before


def test_bytes_are_counted_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, normalising: bytes) -> None:
    """A token's bytes depend on its predecessor, also where a part begins."""
    tokenizer = BpeTokenizer(normalising)
    data = open_data(contest_folder(tmp_path, "words", tokenizer), put(tmp_path / "a.model", normalising))
    whole = int(tokenizer.byte_counts(data.val[:]).sum())
    assert whole == len("first textindentedthird")
    for size in range(1, 12):
        monkeypatch.setattr(dataset, "COUNT_TOKENS", size)
        assert count_bytes(data.val, tokenizer) == whole


def test_the_beginning_of_the_held_out_text(tmp_path: Path, tokenizer: Tokenizer) -> None:
    data = open_data(contest_folder(tmp_path, "words", tokenizer), put(tmp_path / tokenizer.kind, tokenizer.serialised))
    for limit in range(2, data.val_bytes):
        tokens, num_bytes = data.held_out(limit)
        longer = int(tokenizer.byte_counts(data.val[: len(tokens) + 1]).sum())
        assert num_bytes == tokenizer.byte_counts(tokens[:]).sum() <= limit < longer
    for limit in (0, data.val_bytes, data.val_bytes + 1):
        assert data.held_out(limit) == (data.val, data.val_bytes)


def test_the_beginning_of_documents_of_a_capital_each(tmp_path: Path) -> None:
    """Three tokens for each byte: the document's, the mark's and the letter's."""
    texts = write_jsonl(tmp_path / "a.jsonl", [chr(ord("A") + i % 26) + " " * (i // 26) for i in range(60)] + [SOURCE])
    prepare_text([str(texts)], tmp_path / "data", text=TextConfig(tokenizer="capitals"), vocab_size=400, val_docs=20)
    assert open_data(tmp_path / "data").held_out(15)[1] == 15


def test_the_end_of_the_training_text(prepared: Path) -> None:
    data = open_data(prepared)
    assert data.train_text(1000) == SOURCE.encode()[-1000:]
    assert data.train_text(10**9) == SOURCE.encode()


def test_tokens_of_another_vocabulary(tmp_path: Path, bpe: BpeTokenizer) -> None:
    folder = contest_folder(tmp_path / "root", "words", bpe)
    with pytest.raises(InputError, match="tokens: expected ids below the vocabulary size 260, found"):
        _ = open_data(folder, Path("bytes")).val_bytes
