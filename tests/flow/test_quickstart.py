"""The promise of the README's first command, kept by running it."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

import bytegolf as bg
from bytegolf.recipes import load_recipe
from support.runs import documents, micro, write_texts


@pytest.mark.slow
def test_quickstart_packs_a_useful_model_into_its_budget(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bytegolf", "quickstart", "--out", str(tmp_path), "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env={**os.environ, "HF_HUB_OFFLINE": "1"})
    result = json.loads(done.stdout)
    budget = load_recipe("quickstart").pack.budget
    assert budget == 1_000_000
    assert (tmp_path / "run" / "artifact.bgz").stat().st_size == result["pack"]["bytes"] <= budget
    slow_machine = result["train"]["steps"] < 250  # the clock is 160 s, whatever else runs there
    assert result["pack"]["bpb_after"] <= (2.20 if slow_machine else 1.60)
    assert result["pack"]["bpb_after"] - result["pack"]["bpb_before"] < 0.005
    assert result["proof"]["ok"] and result["proof"]["text_bytes"] == result["data"]["val_bytes"], "all of it"
    assert result["pack"]["bpb_experts"] == result["proof"]["bpb_claimed"] < 0.85 * result["pack"]["bpb_after"]
    assert "<script" in (tmp_path / "run" / "report.html").read_text()
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 4 << 20  # KiB


@pytest.mark.slow
def test_the_full_size_recipe_takes_a_step_on_a_cpu(tmp_path: Path) -> None:
    bytegolf = [sys.executable, "-m", "bytegolf"]
    prepare = [*bytegolf, "prepare", "stdlib", "--recipe", "v10_banked", "--val-docs", "1", "--out", str(tmp_path / "data")]
    subprocess.run(prepare, check=True)
    small = {"batch_tokens": 2048, "micro_batch_tokens": 2048, "max_steps": 1, "max_seconds": 0}
    overrides = [part for key, value in small.items() for part in ("--set", f"train.{key}={value}")]
    train = [*bytegolf, "train", "v10_banked", "--data", str(tmp_path / "data"), "--out", str(tmp_path / "run"), "--json", *overrides]
    done = subprocess.run(train, stdout=subprocess.PIPE, text=True, check=True)
    result = json.loads(done.stdout)
    assert result["parameters"] == 30_404_196
    assert result["steps"] == 1


def test_the_whole_flow_on_a_smaller_corpus_and_recipe(tmp_path: Path) -> None:
    texts = write_texts(tmp_path / "texts", documents())
    for _ in range(2):  # the second time the run is trained anew, the data used again
        result = bg.quickstart(tmp_path / "out", recipe=micro(), sources=[str(texts)])
    folder = tmp_path / "out" / "run"
    assert result.pack.bpb_after is not None and result.pack.bytes == (folder / "artifact.bgz").stat().st_size <= 30_000
    assert result.report == str(folder / "report.html") and "xz -9e" in (folder / "report.html").read_text()
    assert result.half is not None and result.half.bytes == (tmp_path / "out" / "half.bgz").stat().st_size <= 15_000
    assert result.half.bpb_before == result.pack.bpb_before and result.half.bpb_after is not None
    assert len(result.compressors) >= 4 and all(0 < score.primed < score.alone < 8 for score in result.compressors)
    shown = json.loads(json.dumps(result.to_json()))
    assert {"data", "train", "pack", "half", "compressors", "report"} <= set(shown) and shown["train"]["run"] == str(folder)


def test_no_file_of_half_the_bytes(tmp_path: Path) -> None:
    texts = write_texts(tmp_path / "texts", documents())
    whole = bg.quickstart(tmp_path / "out", recipe=micro("pack.budget=5000"), sources=[str(texts)])
    assert whole.pack.bytes <= 5_000 and whole.half is None
    assert not (tmp_path / "out" / "half.bgz").exists()
