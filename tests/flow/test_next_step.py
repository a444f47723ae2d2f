"""The next command fits what a folder holds, and can be given as it stands."""

import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest

from bytegolf.config import TextConfig
from bytegolf.flow.next_step import next_step
from bytegolf.recipes import load_recipe
from bytegolf.text.prepare import prepare_text
from support.corpora import write_texts
from support.runs import documents, finished


def data_in(folder: Path) -> Path:
    prepare_text([str(write_texts(folder.with_name(f"{folder.name} texts"), documents()))], folder, text=TextConfig(tokenizer="bytes"))
    return folder


def test_an_empty_folder(tmp_path: Path) -> None:
    step = next_step(tmp_path)
    assert (step.found, step.command) == ([], "bytegolf quickstart --out runs/quickstart")


def test_data_and_no_run(tmp_path: Path) -> None:
    data_in(tmp_path / "my data")
    step = next_step(tmp_path)
    assert step.found == ["data in my data"]
    assert step.command == "bytegolf train tiny --data 'my data' --out runs/tiny --set model.vocab_size=260"
    manifest = tmp_path / "my data" / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"vocab_size": 260', f'"vocab_size": {load_recipe("tiny").model.vocab_size}'))
    assert next_step(tmp_path).command == "bytegolf train tiny --data 'my data' --out runs/tiny"


def test_an_interrupted_preparation(tmp_path: Path) -> None:
    (tmp_path / ".data.unfinished").mkdir()
    (tmp_path / ".data.unfinished" / "record.json").touch()
    step = next_step(tmp_path)
    assert step.found == ["a preparation that was interrupted, of data"] and "again" in step.command


def test_a_run_from_stage_to_stage(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    run, later = tmp_path / "runs" / "a", tmp_path / "data"
    shutil.copytree(finished(tmp_path_factory), run)
    for kept in ("artifact.bgz", "receipt.json", *(path.name for path in run.glob("score-*.json"))):
        (run / kept).unlink(missing_ok=True)
    data_in(later)
    stages = [
        ("trained", "bytegolf pack runs/a --data data", "artifact.bgz"),
        ("packed", "bytegolf score runs/a/artifact.bgz --data data --protocol sliding", "score-sliding.json"),
        ("packed and scored", "bytegolf prove runs/a/artifact.bgz --data data", "receipt.json"),
        ("proved", "bytegolf report runs/a --out report.html", "manifest.json"),
    ]
    for reached, command, made in stages:
        step = next_step(tmp_path)
        assert (step.why, step.command) == (f"runs/a is {reached}", command) and f"run runs/a: {reached}" in step.found
        (run / made).touch()
    (run / "manifest.json").unlink()
    assert next_step(tmp_path).command == "bytegolf train runs/a/recipe.toml --data data --out runs/a --resume"


def test_the_newest_run_and_its_own_data(tmp_path: Path) -> None:
    for name, time in (("old", 1000), ("new", 2000), ("older", 500)):
        (tmp_path / name).mkdir()
        for file in ("recipe.toml", "manifest.json"):
            (tmp_path / name / file).write_text("")
            os.utime(tmp_path / name / file, (time, time))
    data_in(tmp_path / "data")
    shutil.copytree(tmp_path / "data", tmp_path / "zz")
    manifest = tmp_path / "zz" / "manifest.json"
    manifest.write_text(manifest.read_text().replace("data texts", "others"))
    own = json.dumps({"data_sha256": hashlib.sha256(manifest.read_bytes()).hexdigest()})
    (tmp_path / "new" / "manifest.json").write_text(own)
    assert next_step(tmp_path).command == "bytegolf pack new --data zz"


def test_a_run_without_data(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "recipe.toml").touch()
    assert next_step(tmp_path).command == "bytegolf train run/recipe.toml --data DATA --out run --resume"
