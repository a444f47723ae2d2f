"""The list of published data: variants of one text, each with its shards and its tokenizer.

A place on the hub describes what it publishes in a `manifest.json` of the contest's layout.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field, ValidationError

from bytegolf.errors import InputError, ParameterError

MANIFEST = "manifest.json"
MAX_FILES = 100_000  # of a variant
DOCUMENTS = "docs_selected.jsonl"


@dataclass(frozen=True)
class Variant:
    """One tokenisation of the text, say sp1024. File names are relative to the place's folder."""

    name: str
    folder: str
    train: tuple[str, ...]
    val: tuple[str, ...]
    tokenizer: str | None  # None: the raw bytes


class _Stats(BaseModel):
    files_train: Annotated[int, Field(ge=0, le=MAX_FILES)]
    files_val: Annotated[int, Field(ge=0, le=MAX_FILES)]


class _Dataset(BaseModel):
    name: str
    tokenizer_name: str
    path: str | None = None
    stats: _Stats | None = None  # missing where data is planned and not yet published

    @property
    def variant(self) -> str:
        """Return the variant's name: sp1024 for fineweb10B_sp1024."""
        return self.name.partition("_")[2] or self.name


class _Tokenizer(BaseModel):
    name: str
    kind: str = ""
    model_path: str | None = None


class _Published(BaseModel):
    datasets: list[_Dataset]
    tokenizers: list[_Tokenizer]


def choose_variant(manifest: Path, name: str, train_shards: int) -> Variant:
    """Return the variant `name` with its first `train_shards` training shards and all held-out ones.

    Raises InputError if `manifest` is not a list of published data, ParameterError if it does not publish that
    variant or as many shards.
    """
    try:
        published = _Published.model_validate_json(manifest.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(f"{MANIFEST}: expected a list of published data, found {first['msg']} at {first['loc']}") from None
    offered = {dataset.variant: dataset for dataset in published.datasets if dataset.stats}
    if name not in offered:
        raise ParameterError("variant", f"expected one that is published, {' or '.join(offered)}, found {name}")
    dataset = offered[name]
    assert dataset.stats is not None
    if not 0 <= train_shards <= dataset.stats.files_train:
        raise ParameterError("train_shards", f"expected at most {dataset.stats.files_train}, all of {name}, found {train_shards}")
    folder = dataset.path or f"datasets/{dataset.name}"
    return Variant(
        name,
        folder,
        _shards(folder, "train", train_shards),
        _shards(folder, "val", dataset.stats.files_val),
        _tokenizer_model(published, dataset),
    )


def _shards(folder: str, split: str, count: int) -> tuple[str, ...]:
    return tuple(f"{folder}/fineweb_{split}_{index:06d}.bin" for index in range(count))


def _tokenizer_model(published: _Published, dataset: _Dataset) -> str | None:
    """Return the path of the dataset's SentencePiece model, or None if its tokens are raw bytes."""
    tokenizer = next((entry for entry in published.tokenizers if entry.name == dataset.tokenizer_name), None)
    if tokenizer is None or not (tokenizer.model_path or "byte" in tokenizer.kind):
        raise InputError(f"{MANIFEST}: expected the model of tokenizer {dataset.tokenizer_name} of {dataset.name}, found none")
    return tokenizer.model_path
