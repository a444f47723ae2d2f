"""Runs and artifacts as files of other tools."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file

import bytegolf as bg
from bytegolf.text.tokenizer import load_tokenizer


@pytest.mark.parametrize("source", [".", "artifact.bgz"])
def test_safetensors_hold_the_weights_and_what_they_belong_to(run: Path, tmp_path: Path, source: str) -> None:
    result = bg.export(run / source, tmp_path / "out", "safetensors")
    assert result.files == ["bytes", "config.json", "model.safetensors"] == sorted(path.name for path in (tmp_path / "out").iterdir())
    assert result.bytes == sum(path.stat().st_size for path in (tmp_path / "out").iterdir())
    expected, written = bg.load_model(run / source), load_file(tmp_path / "out" / "model.safetensors")
    assert written.keys() == expected.weights.keys()
    for name, values in expected.weights.items():
        np.testing.assert_array_equal(written[name], values)
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert config["model"] == expected.config.model_dump() and config["score"] == expected.score.model_dump()
    with safe_open(tmp_path / "out" / "model.safetensors", "np") as file:
        assert json.loads(file.metadata()["config"]) == config
    tokenizer = load_tokenizer(tmp_path / "out" / config["tokenizer"]["file"])
    assert tokenizer.sha256 == config["tokenizer"]["sha256"] == expected.tokenizer.sha256


def test_what_was_exported_can_be_imported(run: Path, tmp_path: Path) -> None:
    bg.export(run, tmp_path / "out", "safetensors")
    recipe = bg.load_recipe(str(run / "recipe.toml"))
    bg.import_checkpoint(tmp_path / "out" / "model.safetensors", tmp_path / "again", recipe=recipe, tokenizer=tmp_path / "out" / "bytes")
    assert (tmp_path / "again" / "weights.safetensors").read_bytes() == (run / "weights.safetensors").read_bytes()


def test_the_same_model_gives_the_same_files(run: Path, tmp_path: Path) -> None:
    first, second = (bg.export(run, tmp_path / name, "hf") for name in ("first", "second"))
    assert first.files == second.files
    for name in first.files:
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


def test_an_export_replaces_the_one_before(run: Path, tmp_path: Path) -> None:
    bg.export(run, tmp_path / "out", "hf")
    shutil.copy(run / "recipe.toml", tmp_path / "out" / "stray")
    bg.export(run, tmp_path / "out", "safetensors")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["bytes", "config.json", "model.safetensors"]


@pytest.mark.parametrize(("to", "words"), [("gguf", "llama.cpp has no such architecture"), ("onnx", "safetensors or hf, found 'onnx'")])
def test_other_formats_are_refused(run: Path, tmp_path: Path, to: str, words: str) -> None:
    with pytest.raises(bg.InputError, match=f"^to: expected safetensors or hf, found .*{words}" if to == "gguf" else words):
        bg.export(run, tmp_path / "out", to)
    assert list(tmp_path.iterdir()) == []
