"""A data folder is found by the names of its files, and its manifest is checked when it is read."""

import json
from pathlib import Path

import pytest

from bytegolf.errors import InputError
from bytegolf.storage.data_folder import DataFolder, DataManifest
from bytegolf.storage.files import sha256_of, write_json

MANIFEST = {
    "version": 1, "source": "texts", "corpus_sha256": "0" * 64, "split": "first 1 documents",
    "tokenizer": "bytes", "tokenizer_sha256": "1" * 64, "vocab_size": 260,
    "train_documents": 2, "train_bytes": 10, "train_tokens": 12, "val_documents": 1, "val_bytes": 5, "val_tokens": 6,
    "normalised": True, "val_offsets": [0], "files": {"bytes": "1" * 64},
}  # fmt: skip


def test_a_data_manifest(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    assert folder.manifest() is None
    write_json(folder.manifest_path, MANIFEST)
    manifest = folder.manifest()
    assert manifest == DataManifest.model_validate(MANIFEST)
    assert manifest is not None and manifest.to_json() == {key: value for key, value in MANIFEST.items() if key != "val_offsets"}
    write_json(folder.manifest_path, {key: value for key, value in MANIFEST.items() if key != "normalised"})
    older = folder.manifest()
    assert older is not None and not older.normalised


DAMAGED = {
    "not JSON": "{",
    "nothing": "",
    "a list": "[]",
    "a number": "3",
    "no keys": "{}",
    "a key gone": json.dumps({key: value for key, value in MANIFEST.items() if key != "val_bytes"}),
    "a key too many": json.dumps({**MANIFEST, "more": 1}),
    "a tokenizer elsewhere": json.dumps({**MANIFEST, "tokenizer": "../bytes"}),
    "a number below nothing": json.dumps({**MANIFEST, "val_tokens": -1}),
    "a number beyond all": json.dumps({**MANIFEST, "val_bytes": 2**63}),
    "text that its tokenizer made longer": json.dumps({**MANIFEST, "val_original_bytes": 4}),
    "a wrong value": json.dumps({**MANIFEST, "val_bytes": "many"}),
}


@pytest.mark.parametrize("text", DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_data_manifest_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(InputError, match=r"manifest\.json: expected a data manifest, found"):
        DataFolder(tmp_path).manifest()


def test_shards_are_found_by_their_names(tmp_path: Path) -> None:
    for name in ("train_000001.bin", "train_000000.bin", "val_000000.bin", "fineweb_val_000000.bin", "trainer.bin", "other.bin"):
        (tmp_path / name).touch()
    folder = DataFolder(tmp_path)
    assert [path.name for path in folder.shards("train")] == ["train_000000.bin", "train_000001.bin"]
    assert [path.name for path in folder.shards("val")] == ["fineweb_val_000000.bin", "val_000000.bin"]


def test_a_folder_that_is_missing_or_without_shards(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none: expected a data folder, found nothing; make one with: bytegolf prepare SOURCE --out"):
        DataFolder(tmp_path / "none").shards("train")
    with pytest.raises(InputError, match=r"expected shards val_\*\.bin, found none"):
        DataFolder(tmp_path).shards("val")


def test_a_file_that_changed_or_is_gone_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"a")
    (tmp_path / "b.bin").write_bytes(b"b")
    manifest = DataManifest.model_validate({**MANIFEST, "files": {name: sha256_of(tmp_path / name) for name in ("a.bin", "b.bin")}})
    folder = DataFolder(tmp_path)
    assert folder.damaged(manifest) is None
    (tmp_path / "b.bin").write_bytes(b"c")
    assert folder.damaged(manifest) == "b.bin"
    (tmp_path / "a.bin").unlink()
    assert folder.damaged(manifest) == "a.bin"
