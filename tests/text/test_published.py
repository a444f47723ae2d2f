"""A variant is chosen from what a place lists, and nothing that it does not list."""

from pathlib import Path

import pytest

from bytegolf.errors import InputError
from bytegolf.text.published import choose_variant
from support.published_shards import MANIFEST, TRAIN_0, TRAIN_1, TRAIN_SHARDS, in_place


@pytest.fixture
def listing(published: dict[str, bytes], tmp_path: Path) -> Path:
    path = tmp_path / "published.json"
    path.write_bytes(published[MANIFEST])
    return path


def test_the_first_training_shards_and_all_held_out_ones(listing: Path) -> None:
    variant = choose_variant(listing, "sp512", 2)
    assert (variant.name, variant.folder) == ("sp512", "datasets/fineweb10B_sp512")
    assert variant.train == (in_place(TRAIN_0), in_place(TRAIN_1))
    assert len(variant.val) > 1 and all("fineweb_val_" in name for name in variant.val)
    assert variant.tokenizer == "tokenizers/fineweb_512_bpe.model"
    assert choose_variant(listing, "sp512", 0).train == ()


def test_raw_bytes_have_no_tokenizer_file(listing: Path) -> None:
    assert choose_variant(listing, "byte260", 1).tokenizer is None


def test_what_is_not_published(listing: Path) -> None:
    with pytest.raises(InputError, match="variant: expected one that is published, sp512 or byte260, found sp4096"):
        choose_variant(listing, "sp4096", 1)
    for count in (TRAIN_SHARDS + 1, -1):
        with pytest.raises(InputError, match=rf"train_shards: expected at most {TRAIN_SHARDS}, all of sp512, found {count}"):
            choose_variant(listing, "sp512", count)


@pytest.mark.parametrize(
    "damaged",
    [b"{}", b"nonsense", b'{"datasets": [{"name": "a_sp512", "tokenizer_name": "t", "stats": {}}], "tokenizers": []}',
     b'{"datasets": [{"name": "a_sp512", "tokenizer_name": "t", "stats": {"files_train": 2, "files_val": 1}}], "tokenizers": []}'],
)  # fmt: skip
def test_a_damaged_list(tmp_path: Path, damaged: bytes) -> None:
    (tmp_path / "published.json").write_bytes(damaged)
    with pytest.raises(InputError, match=r"manifest\.json: expected .*, found"):
        choose_variant(tmp_path / "published.json", "sp512", 2)
