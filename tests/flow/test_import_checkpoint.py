"""`bytegolf import` makes a run of a foreign checkpoint; it packs, scores and reports like any other."""

import io
import json
import shutil
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import bytegolf as bg
from bytegolf.cli import app as cli
from bytegolf.errors import InputError
from bytegolf.model.gpt import GPT
from bytegolf.text.tokenizer_training import train_bpe
from support.baseline_files import banked, exported, per_layer, torch_bytes
from support.records import read_json
from support.runs import MICRO, documents, micro

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def desk(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the finished run's weights as the baseline's scripts would have saved them."""
    model = GPT(micro().model)
    model.load_state_dict(load_file(run / "weights.safetensors"))
    torch.save(banked(model), tmp_path / "final_model.pt")
    torch.save(per_layer(model), tmp_path / "layers.pt")
    (tmp_path / "final_model.int8.ptz").write_bytes(torch_bytes(exported(per_layer(model), 5)[0]))
    shutil.copy(run / "weights.safetensors", tmp_path)
    shutil.copy(run / "bytes", tmp_path)
    shutil.copy(MICRO, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def bytegolf(monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["bytegolf", *map(str, arguments)])
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
            cli.main()
        return int(ended.value.code or 0), out.getvalue(), err.getvalue()

    return call


@pytest.mark.parametrize("checkpoint", ["final_model.pt", "layers.pt", "weights.safetensors"])
def test_the_run_is_the_model(bytegolf: Command, desk: Path, run: Path, data: Path, checkpoint: str) -> None:
    """The same weights give the same score and the same artifact as the run that trained them."""
    status, out, _ = bytegolf("import", checkpoint, "--recipe", "micro.toml", "--tokenizer", "bytes", "--out", "new", "--json")
    assert status == 0
    assert json.loads(out) == {"run": "new", "checkpoint": checkpoint, "recipe": "micro", "parameters": 26_727}
    assert {path.name for path in (desk / "new").iterdir()} == {"recipe.toml", "bytes", "log.jsonl", "weights.safetensors", "manifest.json"}
    assert (desk / "new" / "weights.safetensors").read_bytes() == (run / "weights.safetensors").read_bytes()
    bg.pack(Path("new"), data=data)
    assert (desk / "new" / "artifact.bgz").read_bytes() == (run / "artifact.bgz").read_bytes()
    assert read_json(desk / "new" / "pack.json")["bpb_before"] == read_json(run / "pack.json")["bpb_before"]


def test_a_quantised_export(bytegolf: Command, desk: Path, run: Path, data: Path) -> None:
    status, _, err = bytegolf("import", "final_model.int8.ptz", "--recipe", "micro.toml", "--tokenizer", "bytes", "--out", "new")
    assert status == 0, err
    exact, rounded = (bg.score(source, data, "standard", limit_bytes=1000).bpb for source in (run, desk / "new"))
    assert 0 < abs(rounded - exact) < 0.1


def test_what_is_not_known_is_null(desk: Path) -> None:
    bg.import_checkpoint(Path("final_model.pt"), Path("new"), recipe=micro(), tokenizer=Path("bytes"))
    manifest = read_json(Path("new/manifest.json"))
    assert [manifest[key] for key in ("val_bpb", "seconds", "tokens_per_second", "data_sha256")] == [None] * 4
    assert manifest["imported"]["checkpoint"] == "final_model.pt" and len(manifest["imported"]["sha256"]) == 64


def test_it_is_reported_beside_others(bytegolf: Command, desk: Path, run: Path) -> None:
    bg.import_checkpoint(Path("final_model.pt"), Path("new"), recipe=micro(), tokenizer=Path("bytes"))
    status, _, err = bytegolf("report", "new", run, "--out", "page.html")
    assert status == 0, err
    page = (desk / "page.html").read_text()
    assert "no step in the log, as it was imported" in page


def test_it_is_a_finished_run(bytegolf: Command, desk: Path, data: Path) -> None:
    bg.import_checkpoint(Path("final_model.pt"), Path("new"), recipe=micro(), tokenizer=Path("bytes"))
    status, out, err = bytegolf("train", "micro.toml", "--data", data, "--out", "new", "--resume")
    assert status == 0 and "already finished" in err and "by another program" in out
    with pytest.raises(InputError, match="expected the data of new"):
        bg.train(micro(), data, Path("again"), replay=Path("new"))


def test_mistakes(bytegolf: Command, desk: Path) -> None:
    """One line each, and no folder left behind."""
    (desk / "text.pt").write_text("words")
    (desk / "other.model").write_bytes(train_bpe(documents(), 300).serialised)
    tail = ("--tokenizer", "bytes", "--out", "new")
    mistakes = {
        ("none.pt", "--recipe", "micro.toml", *tail): "none.pt: expected a checkpoint, found No such file",
        ("text.pt", "--recipe", "micro.toml", *tail): "text.pt: expected a checkpoint of tensors, found something else",
        ("final_model.pt", "--recipe", "tiny", *tail): "expected the recipe's model.vocab_size 1024 in bytes, found 260",
        ("final_model.pt", "--recipe", "none", *tail): "none",
        ("final_model.pt", "--recipe", "micro.toml", "--tokenizer", "other.model", "--out", "new"): "260 in other.model, found 300",
        ("final_model.pt", "--recipe", "micro.toml", "--set", "model.num_layers=3", *tail): "model.num_layers = 2, the recipe has 3",
    }  # fmt: skip
    for arguments, expected in mistakes.items():
        status, out, err = bytegolf("import", *arguments)
        assert (status, out) == (2, "") and err.startswith("error: ") and err.count("\n") == 1 and expected in err, (arguments, err)
        assert not (desk / "new").exists()
    (desk / "taken").mkdir()
    (desk / "taken" / "notes").write_text("of somebody")
    status, _, err = bytegolf("import", "final_model.pt", "--recipe", "micro.toml", "--tokenizer", "bytes", "--out", "taken")
    assert status == 2 and "expected a new folder or an empty one, found something in taken" in err
    assert [path.name for path in (desk / "taken").iterdir()] == ["notes"]
