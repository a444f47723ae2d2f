"""An artifact file, read once."""

import hashlib
from pathlib import Path

import pytest

from bytegolf.coding.packed_model import PackedModel
from bytegolf.errors import InputError
from support.proofs import artifact_file, own


def test_the_file_is_known_by_its_size_and_hashes(tmp_path: Path) -> None:
    path = artifact_file(tmp_path)
    packed = PackedModel(path)
    assert (packed.path, packed.size) == (path, path.stat().st_size)
    assert packed.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert packed.digest == hashlib.blake2b(path.read_bytes(), digest_size=4).digest()
    assert packed.artifact.tokenizer.sha256 == own().sha256


def test_the_model_is_built_once(tmp_path: Path) -> None:
    packed = PackedModel(artifact_file(tmp_path))
    assert packed.model is packed.model


@pytest.mark.parametrize(("name", "found"), [("nothing", "found nothing"), ("", "found a folder"), ("text", "damaged|found")])
def test_anything_else_is_refused(tmp_path: Path, name: str, found: str) -> None:
    (tmp_path / "text").write_bytes(b"no artifact")
    with pytest.raises(InputError, match=f"expected a.* artifact.*{found}"):
        PackedModel(tmp_path / name)


def test_weights_that_exact_arithmetic_cannot_hold_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is named."""
    monkeypatch.setattr("bytegolf.exact.bounds.LARGEST", 1e-3)
    with pytest.raises(InputError, match=r"model\.bgz: model: expected states below"):
        _ = PackedModel(artifact_file(tmp_path)).model
