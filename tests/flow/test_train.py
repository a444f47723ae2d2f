"""The verb train: what a run leaves, and what it depends on."""

import re
import shutil
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

import bytegolf as bg
from bytegolf.recipes import load_recipe
from bytegolf.storage.run_folder import RunFolder
from bytegolf.text.dataset import open_data
from support.records import read_json
from support.runs import micro, sha256, untimed

LOG_EVENTS = {
    "step": {"step", "loss", "lr_scale", "progress", "qat", "seconds", "step_ms", "tokens_per_second", "peak_memory_mb"},
    "qat": {"step", "bits"},
    "validate": {"step", "bpb", "artifact_bytes"},
    "done": {"step", "seconds"},
}


@pytest.mark.parametrize("init", ["orthogonal", "uniform"])
def test_a_run_begins_as_its_recipe_says(data: Path, tmp_path: Path, init: str) -> None:
    """Seen where nothing is learned."""
    still = [f"optim.{rate}_lr=0.0" for rate in ("matrix", "embed", "head", "projection", "scalar")]
    recipe = micro(f"train.init={init}", "train.max_steps=1", *still)
    bg.train(recipe, data, tmp_path / "run")
    keys = load_file(tmp_path / "run" / "weights.safetensors")["banks.kv"][0]
    orthogonal = torch.allclose(keys @ keys.T, torch.eye(len(keys)), atol=1e-5)
    narrow = bool(keys.abs().max() <= keys.shape[1] ** -0.5)
    assert (orthogonal, narrow) == (init == "orthogonal", init == "uniform")


def test_a_run_folder(run: Path) -> None:
    assert {path.name for path in run.iterdir()} == {
        "recipe.toml", "bytes", "log.jsonl", "train.log", "checkpoints", "weights.safetensors", "manifest.json",
        "pack.json", "pack-rate-30000.json", "artifact.bgz", "score-sliding.json", "bits-sliding.json", "report.html",
    }  # fmt: skip
    assert load_recipe(run / "recipe.toml") == micro()
    assert [path.name for path in sorted((run / "checkpoints").iterdir())] == ["step-00000010", "step-00000020"]
    for event in RunFolder(run).events():
        assert set(event) - {"event"} == LOG_EVENTS[event["event"]]
    assert len((run / "train.log").read_text().splitlines()) == len(RunFolder(run).events()) == 30 + 3
    assert "micro" in (run / "report.html").read_text()


def test_the_manifest_names_all_that_the_run_depended_on(run: Path, data: Path) -> None:
    manifest = read_json(run / "manifest.json")
    assert manifest["data_sha256"] == sha256(data / "manifest.json") == open_data(data).sha256
    assert manifest["tokenizer_sha256"] == sha256(run / "bytes") == open_data(data).tokenizer.sha256
    assert re.fullmatch("[0-9a-f]{64}", manifest["code_sha256"])
    assert (manifest["recipe"], manifest["steps"]) == ("micro", 30)
    assert manifest["torch"] == torch.__version__
    assert manifest["bytes_per_token"] == open_data(data).bytes_per_token
    assert manifest["parameters"] == sum(weight.numel() for weight in load_file(run / "weights.safetensors").values())
    assert manifest["tokens_per_second"] == pytest.approx(30 * 256 / manifest["seconds"])


def test_the_weights_tell_no_time_and_no_place(run: Path, data: Path, tmp_path: Path) -> None:
    """The same recipe on the same text, elsewhere and later, gives the same file."""
    moved = shutil.copytree(data, tmp_path / "moved")
    bg.train(micro(), moved, tmp_path / "another" / "place")
    again = tmp_path / "another" / "place" / "weights.safetensors"
    assert again.read_bytes() == (run / "weights.safetensors").read_bytes()
    with safe_open(again, "pt") as file:
        assert not file.metadata()
    assert untimed(tmp_path / "another" / "place") == untimed(run)


def test_the_weights_are_float32_and_the_models_own(run: Path) -> None:
    weights = load_file(run / "weights.safetensors")
    assert {weight.dtype for weight in weights.values()} == {torch.float32}
    model = bg.load_model(run).model()
    assert set(weights) == set(dict(model.named_parameters()))
    assert all(torch.equal(weights[name], parameter) for name, parameter in model.named_parameters())


def test_the_result_is_the_manifests(run: Path, data: Path) -> None:
    """--resume on a finished run trains nothing."""
    before = sha256(run / "log.jsonl")
    result = bg.train(micro(), data, run, resume=True)
    manifest = read_json(run / "manifest.json")
    assert result.to_json() == {
        "run": str(run),
        **{key: manifest[key] for key in ("steps", "seconds", "tokens_per_second", "val_bpb", "parameters")},
    }
    assert sha256(run / "log.jsonl") == before
