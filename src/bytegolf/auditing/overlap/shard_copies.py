"""Shards that are the same under two names, and shards that are the contest's."""

import re
from collections import defaultdict
from pathlib import Path

from bytegolf.auditing.overlap.held_out import HeldOut
from bytegolf.storage.data_folder import DataFolder
from bytegolf.storage.files import sha256_of

HEAD_BYTES = 1 << 16
CONTEST_NAME = re.compile(r"fineweb_(train|val)_\d{6}\.bin")
CONTEST_DOCUMENTS = 50_000  # held out by the contest
CONTEST_BYTES = 151_080_000  # that they have; its published figures round differently, by less than 1 in 1,000


def find_shard_copies(folder: DataFolder) -> list[list[str]]:
    """Return groups of names under which one shard stands in the folder, training or held out."""
    paths = {path for split in ("train", "val") for path in folder.shards(split)}
    groups: dict[object, list[Path]] = defaultdict(list)
    for path in sorted(paths):
        with path.open("rb") as file:
            groups[path.stat().st_size, file.read(HEAD_BYTES)].append(path)
    same: dict[str, list[str]] = defaultdict(list)
    for alike in groups.values():
        for path in alike if len(alike) > 1 else ():
            same[sha256_of(path)].append(path.name)
    return [names for names in same.values() if len(names) > 1]


def recognise_contest(folder: DataFolder, held_out: HeldOut) -> str | None:
    """Return whether shards that have the contest's names hold its whole held-out split, as a sentence; None for other shards."""
    named = {split: sum(CONTEST_NAME.fullmatch(path.name) is not None for path in folder.shards(split)) for split in ("train", "val")}
    if not named["val"]:
        return None
    documents, size = len(held_out), int(held_out.sizes.sum())
    names = f"{named['train']:,} training and {named['val']:,} held-out shards have the contest's names"
    if documents == CONTEST_DOCUMENTS and abs(size / CONTEST_BYTES - 1) < 0.001:
        return f"{names}; held out are its 50,000 documents"
    return f"{names}; held out are {documents:,} documents of {size:,} bytes, where the contest has 50,000 of about {CONTEST_BYTES:,}"
