"""Describe the data folder: shards of tokens, their tokenizer, the exact held-out text, and a manifest."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, model_validator

from bytegolf.errors import InputError
from bytegolf.storage.files import sha256_of, write_json
from bytegolf.storage.records import Count, FileName, read_record

TokenizerFile = Literal["tokenizer.model", "bytes"]


class SkippedRecords(BaseModel):
    """The bad records and files of a corpus that were left out: how many, and the first of them with their reasons."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    count: Count
    first: list[str]


class DataManifest(BaseModel):
    """The `manifest.json` of a data folder: the source of its text, its sizes, and a hash of each file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = 1
    source: str
    corpus_sha256: str  # over every document's name and text in order; lets a second preparation reuse the folder
    split: str  # how documents were held out
    tokenizer: TokenizerFile
    tokenizer_sha256: str
    vocab_size: Count
    train_documents: Count
    train_bytes: Count
    train_tokens: Count
    val_documents: Count
    val_bytes: Count
    val_tokens: Count
    normalised: bool = False  # byte counts and val.txt are of the decoded tokens, which may differ from the documents
    copies_left_out: Count | None = None  # training documents that were exact copies of held-out ones, if text was prepared here
    val_original_bytes: Count | None = None  # of the held-out documents themselves, if normalised and they were at hand
    skipped: SkippedRecords | None = None
    val_offsets: list[Count]  # start of each held-out document in val.txt, in bytes
    files: dict[FileName, str]  # name -> sha256

    @model_validator(mode="after")
    def _never_longer_than_the_text(self) -> Self:
        if self.val_original_bytes is not None and self.val_original_bytes < self.val_bytes:
            raise ValueError(f"more held-out bytes, {self.val_bytes}, than the documents have, {self.val_original_bytes}")
        return self

    def to_json(self) -> dict[str, Any]:
        """Return the manifest as an object for JSON, without the long list of offsets."""
        return self.model_dump(exclude={"val_offsets"}, exclude_none=True)


@dataclass(frozen=True)
class DataFolder:
    """A folder of token shards, their tokenizer and the exact held-out text. Folders of bare contest shards have no manifest."""

    root: Path

    @property
    def manifest_path(self) -> Path:
        """Return the path of the manifest."""
        return self.root / "manifest.json"

    @property
    def val_text(self) -> Path:
        """Return the path of the compressed held-out text."""
        return self.root / "val.txt.zst"

    @property
    def compressors(self) -> Path:
        """Return the path of the cached sizes of the held-out text under general-purpose compressors."""
        return self.root / "compressors.json"

    @property
    def overlap(self) -> Path:
        """Return the path of what the last audit of the data found in training and in held-out text alike."""
        return self.root / "overlap.json"

    def shards(self, split: str) -> list[Path]:
        """Return the shard files of `train` or `val` in order. Raises InputError if there are none."""
        if not self.root.is_dir():
            raise InputError(
                f"{self.root}: expected a data folder, found nothing; make one with: bytegolf prepare SOURCE --out {self.root}"
            )
        paths = sorted(path for path in self.root.glob("*.bin") if path.name.startswith(f"{split}_") or f"_{split}_" in path.name)
        if not paths:
            advice = f"give a folder that prepare made, or finish making it with: bytegolf prepare SOURCE --out {self.root}"
            raise InputError(f"{self.root}: expected shards {split}_*.bin, found none; {advice}")
        return paths

    def manifest(self) -> DataManifest | None:
        """Return the manifest, or None in a foreign folder. Raises InputError if it is damaged."""
        if not self.manifest_path.exists():
            return None
        return read_record(self.manifest_path, DataManifest, "a data manifest")

    def write_manifest(self, manifest: DataManifest) -> None:
        """Write the manifest, completely or not at all."""
        write_json(self.manifest_path, manifest.model_dump(exclude_none=True))

    def damaged(self, manifest: DataManifest) -> str | None:
        """Return the name of the first file that is missing or differs from the manifest, or None."""
        held = ((self.root / name, sha256) for name, sha256 in manifest.files.items())
        return next((path.name for path, sha256 in held if not path.is_file() or sha256_of(path) != sha256), None)
