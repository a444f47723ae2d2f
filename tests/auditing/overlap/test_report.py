"""The whole comparison: counts, bytes, examples and verdict."""

import json
from pathlib import Path

import pytest

import bytegolf as bg
from bytegolf.auditing.overlap.report import EXAMPLES, compare_documents
from bytegolf.errors import InputError
from support.overlapping import TEXTS, data_folder, dataset, edited


def test_each_held_out_document_counts_once(tmp_path: Path) -> None:
    """One has an exact copy and a near one, one has two near ones, one has a copy twice, one has none."""
    val = TEXTS[:4]
    train = [val[0], edited(val[0]), edited(val[1]), edited(val[1], 60), val[2], val[2], *TEXTS[10:]]
    report = compare_documents(dataset(tmp_path / "bytes", train, val))
    assert (report.exact_duplicates, report.near_duplicates, report.copies) == (2, 1, 3) and not report.ok
    assert report.overlap_bytes == sum(map(len, val[:3])) and report.val_bytes == sum(map(len, val))
    assert (report.val_documents, report.train_documents) == (4, len(train))
    shown = json.loads(json.dumps(report.to_json()))
    assert shown["overlap_share"] == report.overlap_share == pytest.approx(0.75, abs=0.02)
    assert [(example["held_out"], example["training"]) for example in shown["examples"]] == [(0, 0), (2, 4), (1, 2)]
    assert val[0].startswith(shown["examples"][0]["beginning"]) and 0.7 < shown["examples"][2]["similarity"] < 1


def test_all_of_the_held_out_text_in_training(tmp_path: Path) -> None:
    report = compare_documents(dataset(tmp_path / "bytes", TEXTS, TEXTS[:30]))
    assert report.exact_duplicates == 30 and report.near_duplicates == 0 and report.overlap_share == 1.0
    assert len(report.examples) == EXAMPLES


def test_clean_data(tmp_path: Path) -> None:
    report = compare_documents(dataset(tmp_path / "bytes", TEXTS[10:], TEXTS[:10]))
    assert report.ok and report.overlap_share == 0 and report.examples == []


def test_a_shard_twice_is_no_clean_data(tmp_path: Path) -> None:
    folder = data_folder(tmp_path / "bytes", TEXTS[10:], TEXTS[:10])
    (folder / "train_copy.bin").write_bytes((folder / "train_000001.bin").read_bytes())
    report = bg.audit_data(folder, tokenizer=Path("bytes"))
    assert report.same_shards == [["train_000001.bin", "train_copy.bin"]] and not report.ok and report.overlap_share == 0


def test_a_folder_without_training_shards(tmp_path: Path) -> None:
    folder = data_folder(tmp_path / "bytes", [], TEXTS[:3])
    with pytest.raises(InputError, match=r"expected shards train_\*.bin, found none"):
        bg.audit_data(folder, tokenizer=Path("bytes"))
