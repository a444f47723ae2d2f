"""Read the `manifest.json` of a place on the hub: its tokenised variants of one text."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ValidationError

from bytegolf.errors import InputError

MANIFEST = "manifest.json"
DOCUMENTS = "docs_selected.jsonl"


@dataclass(frozen=True)
class Variant:
    """One tokenisation of the text. Names are paths of files in the place's folder."""

    name: str
    folder: str
    train: tuple[str, ...]
    val: tuple[str, ...]
    tokenizer: str | None  # None for the byte vocabulary


class _Stats(BaseModel):
    files_train: int
    files_val: int


class _Dataset(BaseModel):
    name: str
    tokenizer_name: str
    path: str | None = None
    stats: _Stats | None = None  # absent for data that is planned but not yet published

    @property
    def variant(self) -> str:
        """Return the name of the variant: sp1024 for fineweb10B_sp1024."""
        return self.name.partition("_")[2] or self.name


class _Tokenizer(BaseModel):
    name: str
    kind: str = ""
    model_path: str | None = None


class _Published(BaseModel):
    datasets: list[_Dataset]
    tokenizers: list[_Tokenizer]


def choose_variant(manifest: Path, name: str, train_shards: int) -> Variant:
    """Return a variant with its first `train_shards` training shards and all held-out ones.

    Raises InputError if the manifest is invalid, or does not list that variant or that many shards.
    """
    try:
        published = _Published.model_validate_json(manifest.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(f"{MANIFEST}: expected a list of published data, found {first['msg']} at {first['loc']}") from None
    offered = {dataset.variant: dataset for dataset in published.datasets if dataset.stats}
    if name not in offered:
        raise InputError(f"--variant: expected one that is published, {' or '.join(offered)}, found {name}")
    dataset = offered[name]
    assert dataset.stats is not None
    if not 0 <= train_shards <= dataset.stats.files_train:
        raise InputError(f"--train-shards: expected at most {dataset.stats.files_train}, all of {name}, found {train_shards}")
    folder = dataset.path or f"datasets/{dataset.name}"
    return Variant(
        name,
        folder,
        _shards(folder, "train", train_shards),
        _shards(folder, "val", dataset.stats.files_val),
        _model(published, dataset),
    )


def _shards(folder: str, split: str, count: int) -> tuple[str, ...]:
    return tuple(f"{folder}/fineweb_{split}_{index:06d}.bin" for index in range(count))


def _model(published: _Published, dataset: _Dataset) -> str | None:
    tokenizer = next((one for one in published.tokenizers if one.name == dataset.tokenizer_name), None)
    if tokenizer is None or not (tokenizer.model_path or "byte" in tokenizer.kind):
        raise InputError(f"{MANIFEST}: expected the model of tokenizer {dataset.tokenizer_name} of {dataset.name}, found none")
    return tokenizer.model_path
