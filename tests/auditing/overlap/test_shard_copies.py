"""Shards under two names, and the contest's."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np

from bytegolf.auditing.overlap.held_out import read_held_out
from bytegolf.auditing.overlap.shard_copies import find_shard_copies, recognise_contest
from bytegolf.text.dataset import open_data
from support.overlapping import TEXTS, data_folder, dataset


def test_a_shard_under_two_names(tmp_path: Path) -> None:
    data = dataset(tmp_path / "bytes", TEXTS[:20], TEXTS[20:])
    assert find_shard_copies(data.folder) == []
    root = data.folder.root
    shutil.copy(root / "val_000000.bin", root / "train_999999.bin")
    (root / "train_again.bin").symlink_to(root / "train_000001.bin")
    assert find_shard_copies(data.folder) == [["train_000001.bin", "train_again.bin"], ["train_999999.bin", "val_000000.bin"]]


def test_the_contests_shards_are_recognised(tmp_path: Path) -> None:
    assert recognise_contest((plain := dataset(tmp_path / "a", ["x"], TEXTS)).folder, read_held_out(plain)) is None
    root = data_folder(tmp_path / "b", ["x"], TEXTS, shard_tokens=10**6)
    for split in ("train", "val"):
        (root / f"{split}_000000.bin").rename(root / f"fineweb_{split}_000000.bin")
    data = open_data(root, root / "bytes")
    held_out = read_held_out(data)
    told = recognise_contest(data.folder, held_out)
    assert told is not None and "held out are 40 documents" in told and "where the contest has 50,000" in told
    whole = replace(held_out, sizes=np.full(50_000, 151_080_000 // 50_000))
    told = recognise_contest(data.folder, whole)
    assert told is not None and told.endswith("held out are its 50,000 documents")
