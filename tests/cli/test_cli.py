"""The command line: what each verb prints, its exit status, and one clear line for every mistake."""

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bytegolf import api
from bytegolf.cli import app as cli
from bytegolf.config import TextConfig
from bytegolf.flow.quickstart import quickstart
from bytegolf.recipes import load_recipe, recipe_names
from bytegolf.storage.files import read_json
from bytegolf.storage.run_folder import RunFolder
from bytegolf.text.prepare import prepare
from bytegolf.text.shards import MAGIC
from bytegolf.training import checkpoint
from support.runs import MICRO, documents, environment, finished, micro, prepared, small_disk, untimed, write_texts

VERBS = (
    *("quickstart", "recipes", "plan", "prepare", "train", "import", "pack", "score", "report"),
    *("prove", "verify", "audit", "compress", "decompress", "bench"),
)


@dataclass(frozen=True)
class Result:
    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one object on stdout."""
        assert self.status == 0, self.err
        assert self.out.count("\n") == 1 and self.out.endswith("\n")
        value = json.loads(self.out)
        assert isinstance(value, dict)
        return value

    @property
    def error(self) -> str:
        """The one line of a mistake."""
        assert self.status == 2, (self.status, self.out, self.err)
        assert self.out == "" and "Traceback" not in self.err
        (line,) = [line for line in self.err.splitlines() if "error" in line.lower()]
        assert line.startswith("error: ") and self.err.endswith(line + "\n")
        return line


@pytest.fixture
def run_cli(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """The command, in this process. What it raises beside SystemExit would be a traceback, and fails the test."""
    monkeypatch.setenv("GOMP_SPINCOUNT", os.environ.get("GOMP_SPINCOUNT", "0"))
    monkeypatch.setenv("COLUMNS", "200")  # typer breaks the lines of a usage error

    def run(*arguments: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["bytegolf", *map(str, arguments)])
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
            cli.main()
        return Result(int(ended.value.code or 0), out.getvalue(), err.getvalue())

    return run


def tree(folder: Path) -> dict[str, bytes | None]:
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def overwrite(path: Path, position: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(position, os.SEEK_END if position < 0 else os.SEEK_SET)
        file.write(data)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with everything good and bad that a user may name. Nothing in it may ever change."""
    root = tmp_path_factory.mktemp("world")
    shutil.copytree(prepared(tmp_path_factory), root / "data")
    shutil.copytree(finished(tmp_path_factory), root / "run", ignore=shutil.ignore_patterns("report.html"))  # it has 5 MB of plotly
    shutil.copy(MICRO, root / "micro.toml")
    (root / "wrong.toml").write_text("[model\n")
    write_texts(root / "texts", documents(count=30))
    prepare([str(root / "texts")], root / "other", vocab_size=300, val_docs=3)
    prepare([str(root / "texts")], root / "other-bytes", text=TextConfig(tokenizer="bytes"), val_docs=3)

    (root / "empty").mkdir()
    (root / "file").write_text("a file in the way\n")
    (root / "folder").mkdir()
    (root / "folder" / "note").write_text("a folder in the way\n")
    (root / "latin.txt").write_bytes("café\n".encode("latin-1") * 100)

    for name, split in (("cut-train", "train"), ("cut-val", "val")):
        shard = shutil.copytree(root / "data", root / name) / f"{split}_000000.bin"
        os.truncate(shard, shard.stat().st_size - 100)
    foreign = shutil.copytree(root / "data", root / "foreign")
    for split in ("train", "val"):
        overwrite(foreign / f"{split}_000000.bin", 0, (MAGIC + 1).to_bytes(4, "little"))
    (shutil.copytree(root / "data", root / "damaged-data") / "manifest.json").write_text("{}")

    unfinished = shutil.copytree(root / "run", root / "unfinished")
    for name in ("manifest.json", "weights.safetensors", "artifact.bgz", "pack.json", "score-sliding.json"):
        (unfinished / name).unlink()

    artifact = (root / "run" / "artifact.bgz").read_bytes()
    middle = len(artifact) // 2
    (root / "flipped.bgz").write_bytes(artifact[:middle] + bytes([artifact[middle] ^ 1]) + artifact[middle + 1 :])
    (root / "cut.bgz").write_bytes(artifact[:-100])
    (root / "padded.bgz").write_bytes(artifact + b"\0")
    (root / "empty.bgz").touch()
    (root / "newer.bgz").write_bytes(artifact[:3] + bytes([200]) + artifact[4:])

    for name, damage in DAMAGED_RUNS.items():
        damage(shutil.copytree(root / "run", root / name))
    return root


DAMAGED_RUNS: dict[str, Callable[[Path], object]] = {
    "no-weights": lambda run: (run / "weights.safetensors").unlink(),
    "cut-weights": lambda run: os.truncate(run / "weights.safetensors", 3000),
    "no-tokenizer": lambda run: (run / "bytes").unlink(),
    "damaged-tokenizer": lambda run: (run / "bytes").write_text("words"),
    "no-recipe": lambda run: (run / "recipe.toml").unlink(),
    "damaged-recipe": lambda run: (run / "recipe.toml").write_text("[model\n"),
    "another-recipe": lambda run: (run / "recipe.toml").write_text(
        (run / "recipe.toml").read_text().replace("model_dim = 32", "model_dim = 64")
    ),
    "no-json": lambda run: (run / "manifest.json").write_text("{"),
    "a-list": lambda run: (run / "manifest.json").write_text("[]"),
    "no-keys": lambda run: (run / "manifest.json").write_text("{}"),
    "damaged-log": lambda run: (run / "log.jsonl").write_text('{"event": "st'),
    "no-log": lambda run: (run / "log.jsonl").unlink(),
    "damaged-score": lambda run: (run / "score-sliding.json").write_text("{"),
}


@pytest.fixture
def refused(world: Path, run_cli: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """The error line of a command that must fail, and leave the world as it was."""
    monkeypatch.chdir(world)

    def run(*arguments: object) -> str:
        before = tree(world)
        try:
            return run_cli(*arguments).error
        finally:
            after = tree(world)
            for name in set(after) - set(before):  # so that one failure is not another's
                if (world / name).is_file():
                    (world / name).unlink()
                else:
                    shutil.rmtree(world / name, ignore_errors=True)
            for name, content in before.items():
                if content is not None and after.get(name) != content:
                    (world / name).parent.mkdir(parents=True, exist_ok=True)
                    (world / name).write_bytes(content)
            changed = {name for name in {*before, *after} if before.get(name, b"") != after.get(name, b"")}
            assert sorted(changed) == [], "files changed, or came or went, though the command failed"

    return run


# --- help


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_teaches_itself(run_cli: Callable[..., Result], verb: str) -> None:
    shown = run_cli(verb, "--help")
    assert shown.status == 0 and shown.err == ""
    assert f"bytegolf {verb}" in shown.out and "--json" in shown.out
    assert len(shown.out.split()) > 30
    for option in re.findall(r"(--[a-z-]+)", shown.out):
        assert re.search(rf"{option}.*\w", shown.out)


def test_the_list_of_verbs(run_cli: Callable[..., Result]) -> None:
    shown = run_cli("--help")
    assert shown.status == 0
    assert [line.split()[1] for line in shown.out.splitlines() if re.match(r"│ \w", line)] == list(VERBS), "in the order of the flow"


def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    """Of every verb, in one process."""
    code = f"""
import sys
from bytegolf.cli.app import main
for verb in {["", *VERBS]}:
    sys.argv = ["bytegolf", *verb.split(), "--help"]
    try:
        main()
    except SystemExit as ended:
        assert ended.code == 0
heavy = [name for name in ("torch", "numpy", "sentencepiece", "plotly", "constriction", "safetensors") if name in sys.modules]
print("loaded:", heavy, file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment(), capture_output=True, text=True)
    assert done.stderr == "loaded: []\n"


def test_as_a_module(tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "bytegolf", *arguments]
        return subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True)

    listed, failed = run("recipes", "--json"), run("plan", "nothing")
    assert (listed.returncode, listed.stderr) == (0, "") and set(json.loads(listed.stdout)) == set(recipe_names())
    assert (failed.returncode, failed.stdout) == (2, "") and failed.stderr.startswith("error: recipe") and failed.stderr.count("\n") == 1


# --- JSON


@pytest.fixture
def desk(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with copies of what is good."""
    for name in ("data", "run", "texts"):
        shutil.copytree(world / name, tmp_path / name)
    shutil.copy(MICRO, tmp_path / "micro.toml")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_json_of_recipes(run_cli: Callable[..., Result]) -> None:
    assert set(run_cli("recipes", "--json").json) == set(recipe_names())
    assert run_cli("recipes", "tiny", "--json").json == load_recipe("tiny").model_dump()


def test_json_of_plan(run_cli: Callable[..., Result]) -> None:
    result = run_cli("plan", MICRO, "--json").json
    assert {"parameters", "predicted_bytes", "budget", "fits"} <= set(result)
    assert (result["budget"], result["fits"], result["steps"]) == (30_000, True, 30)
    assert 0 < result["predicted_bytes"] <= 30_000


def test_the_plan_comes_true(run_cli: Callable[..., Result], desk: Path) -> None:
    planned = run_cli("plan", "micro.toml", "--json").json
    packed = run_cli("pack", "run", "--json").json
    assert planned["parameters"] == packed["parameters"]
    assert planned["predicted_bytes"] == pytest.approx(packed["bytes"], rel=0.05)


def test_json_of_prepare(run_cli: Callable[..., Result], desk: Path) -> None:
    shown = run_cli("prepare", "texts", "--out", "new", "--tokenizer", "bytes", "--val-docs", "2", "--json")
    result = shown.json
    assert {"train_tokens", "train_bytes", "val_tokens", "val_bytes", "vocab_size"} <= set(result)
    assert result["vocab_size"] == 260 and result["val_tokens"] == result["val_bytes"] + 2
    assert result["train_bytes"] + result["val_bytes"] == sum(path.stat().st_size for path in (desk / "texts").iterdir())
    assert "encode" in shown.err
    again = run_cli("prepare", "texts", "--out", "new", "--tokenizer", "bytes", "--val-docs", "2", "--json")
    assert again.json == result and "reused" in again.err


@pytest.mark.parametrize(("options", "vocab_size"), [((), None), (("--vocab", "300"), 300), (("--recipe", "micro.toml"), 260)])
def test_the_vocabulary_of_prepare(run_cli: Callable[..., Result], desk: Path, options: tuple[str, ...], vocab_size: int | None) -> None:
    shown = run_cli("prepare", "texts", "--out", "new", "--val-docs", "2", "--json", *options)
    if vocab_size is None:
        assert "1024" in shown.error, "the default is more than so little text can fill"
    else:
        assert shown.json["vocab_size"] == vocab_size


def test_json_of_train(run_cli: Callable[..., Result], desk: Path) -> None:
    shown = run_cli("train", "micro.toml", "--data", "data", "--out", "new", "--set", "train.max_steps=3", "--json")
    result = shown.json
    assert {"steps", "seconds", "tokens_per_second", "val_bpb", "run"} <= set(result)
    assert (result["steps"], result["run"]) == (3, "new") and result["val_bpb"] > 0
    assert "train" in shown.err
    again = run_cli("train", "micro.toml", "--data", "data", "--out", "new", "--set", "train.max_steps=3", "--resume", "--json")
    assert again.json == result and "already finished" in again.err


def test_json_of_pack(run_cli: Callable[..., Result], desk: Path) -> None:
    result = run_cli("pack", "run", "--budget", "20000", "--reserve", "1000", "--json").json
    keys = {"bytes", "budget", "parameters", "bits_per_weight", "entropy_bits_per_weight", "bpb_before", "bpb_after"}
    assert keys <= set(result)
    assert result["bytes"] == (desk / "run" / "artifact.bgz").stat().st_size <= 19_000
    assert (result["budget"], result["bpb_before"], result["bpb_after"]) == (20_000, None, None)
    scored = run_cli("pack", "run", "--data", "data", "--out", "else/where.bgz", "--json")
    assert scored.json["bpb_after"] >= scored.json["bpb_before"] - 0.01 and (desk / "else" / "where.bgz").exists()
    assert "sliding" in scored.err


@pytest.mark.parametrize("source", ["run", "run/artifact.bgz"])
def test_json_of_score(run_cli: Callable[..., Result], desk: Path, source: str) -> None:
    manifest = read_json(desk / "data" / "manifest.json")
    for protocol in ("standard", "streaming", "sliding"):
        result = run_cli("score", source, "--data", "data", "--protocol", protocol, "--json").json
        assert {"bpb", "bits", "bytes", "tokens", "protocol"} <= set(result)
        assert (result["protocol"], result["bytes"], result["tokens"]) == (protocol, manifest["val_bytes"], manifest["val_tokens"] - 1)
        assert result["bpb"] == result["bits"] / result["bytes"]
    assert run_cli("score", source, "--data", "data", "--json").json == result, "sliding unless another is asked for"


@pytest.mark.parametrize("source", ["run", "run/artifact.bgz"])
def test_json_of_a_score_with_test_time_training(run_cli: Callable[..., Result], desk: Path, source: str) -> None:
    manifest = read_json(desk / "data" / "manifest.json")
    ask = ("score", source, "--data", "data", "--protocol", "ttt", "--set", "ttt.chunk_tokens=64", "--json")
    learned, still = (run_cli(*ask, "--set", f"ttt.lr={lr}") for lr in (0.02, 0))
    assert (learned.json["protocol"], learned.json["tokens"]) == ("ttt", manifest["val_tokens"] - 1)
    assert learned.json["ttt"] == {
        "lr": 0.02, "epochs": 3, "chunk_tokens": 64, "freeze_blocks": 0, "momentum": 0.9, "batch_sequences": 32, "grad_clip": 1.0
    }  # fmt: skip
    assert still.json["bits"] != learned.json["bits"] < run_cli("score", source, "--data", "data", "--json").json["bits"]
    assert "score ttt" in learned.err and not (desk / "run" / "score-ttt.json").exists()


def test_json_of_report(run_cli: Callable[..., Result], desk: Path) -> None:
    result = run_cli("report", "run", "--out", "page.html", "--json").json
    assert result == {"report": "page.html"} and (desk / "page.html").exists()


def test_json_of_quickstart(run_cli: Callable[..., Result], desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "quickstart", partial(quickstart, recipe=micro(), sources=["texts"], val_docs=2))
    result = run_cli("quickstart", "--out", "new", "--json").json
    assert result["pack"]["bpb_after"] > 0 and (desk / "new" / "run" / "report.html").exists()
    table = run_cli("quickstart", "--out", "new")
    assert table.status == 0 and "xz -9e" in table.out and f"{result['pack']['bpb_after']:.4f} bpb" in table.out


# --- for people


def test_tables(run_cli: Callable[..., Result], desk: Path) -> None:
    commands: dict[str, tuple[object, ...]] = {
        "26,727": ("plan", "micro.toml"),
        "held out": ("prepare", "texts", "--out", "new", "--tokenizer", "bytes", "--val-docs", "2"),
        "bpb (standard)": ("train", "micro.toml", "--data", "data", "--out", "run", "--resume"),
        "bytes of 30,000": ("pack", "run"),
        "bits per byte": ("score", "run", "--data", "data"),
        "page.html": ("report", "run", "--out", "page.html"),
        "smallest model": ("recipes",),
    }
    for shown, command in commands.items():
        result = run_cli(*command)
        assert result.status == 0 and shown in result.out, command


def test_a_printed_recipe_is_one(run_cli: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(run_cli("recipes", "tiny").out)
    assert load_recipe(tmp_path / "mine.toml") == load_recipe("tiny")


# --- exit status 1 is a verdict


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_plan_that_does_not_fit(run_cli: Callable[..., Result], options: tuple[str, ...]) -> None:
    shown = run_cli("plan", MICRO, "--set", "pack.budget=1000", *options)
    assert shown.status == 1 and "error" not in shown.err
    if options:
        result = json.loads(shown.out)
        assert result["fits"] is False and result["predicted_bytes"] > 1000 == result["budget"]
    else:
        assert re.search(r"fits +no", shown.out)


# --- exit status 2 is a mistake

TRAIN = "train micro.toml --data data --out new"
RESUME = "train micro.toml --data data --resume --out"

# what was typed -> what the line has to name
MISTAKES = {
    # text
    "prepare nowhere --out new": ("nowhere", "found nothing"),
    "prepare empty --out new": ("empty", "expected files of text, found none"),
    "prepare latin.txt --out new --tokenizer bytes": ("latin.txt", "expected UTF-8", "byte 3"),
    "prepare texts --out new --val-docs 2 --vocab 70000": ("65536", "70000"),
    "prepare texts --out new --tokenizer nowhere.model": ("nowhere.model", "expected a tokenizer"),
    "prepare texts --out new --tokenizer latin.txt": ("latin.txt", "expected a SentencePiece model"),
    "prepare texts --out new --tokenizer bytes --vocab 300": ("--vocab", "tokenizer", "several"),
    "prepare texts --out new --val-docs 0": ("--val-docs", "at least 1", "found 0"),
    "prepare texts --out new --val-docs 99": ("texts", "documents to train on"),
    "prepare texts --out file --tokenizer bytes": ("file",),
    "prepare texts --out file/data --tokenizer bytes": ("file",),
    "prepare texts --out folder --tokenizer bytes": ("folder", "something else"),
    "prepare texts --out data --tokenizer bytes": ("data", "documents", "--out"),
    "prepare texts --out new --normalised": ("--normalised", "file of a tokenizer"),
    "prepare texts --out new --normalised --tokenizer bytes": ("--normalised", "file of a tokenizer"),
    "prepare texts --out new --variant sp1024": ("--variant", "fineweb"),
    "prepare texts --out new --train-shards 0": ("--train-shards", "fineweb"),
    "prepare texts --out new --with-docs": ("--with-docs", "fineweb"),
    "prepare fineweb --out new --vocab 300": ("--vocab", "expected only with text"),
    "prepare fineweb --out new --val-docs 3": ("--val-docs", "expected only with text"),
    "prepare fineweb texts --out new": ("prepare", "published shards alone", "fineweb, texts"),
    "prepare fineweb --out new --recipe tiny --variant sp512": ("--variant", "without a recipe"),
    "prepare fineweb --out folder": ("folder", "found something else"),
    "prepare hf://models/a/b --out new": ("hf://models/a/b", "hf://datasets/OWNER/NAME"),
    # recipes
    "recipes nothing": ("nothing", "tiny"),
    "plan nothing": ("nothing", "tiny", "expected one of"),
    "plan wrong.toml": ("wrong.toml", "expected TOML"),
    "plan tiny --set model.vocab_size=70000": ("model.vocab_size", "65536", "70000"),
    "train tinny --data data --out new": ("did you mean tiny?",),
    f"{TRAIN} --set model.num_layer=3": ("model.num_layer", "did you mean num_layers?"),
    f"{TRAIN} --set model.num_layers=many": ("model.num_layers", "many"),
    f"{TRAIN} --set num_layers=3": ("--set", "section.key=value", "num_layers=3"),
    f"{TRAIN} --set train.batch_tokens=100": ("train.batch_tokens", "sequence_length 32", "100"),
    # data
    "train micro.toml --data nowhere --out new": ("nowhere", "expected a data folder", "bytegolf prepare"),
    "train micro.toml --data texts --out new": ("texts", "val_*.bin"),
    "train micro.toml --data damaged-data --out new": ("manifest.json", "data manifest"),
    "train micro.toml --data cut-train --out new": ("cut-train/train_000000.bin", "expected", "found"),
    "train micro.toml --data cut-val --out new": ("cut-val/val_000000.bin", "expected", "found"),
    "train micro.toml --data foreign --out new": ("_000000.bin", f"magic number {MAGIC}"),
    "train tiny --data data --out new": ("vocab_size 1024", "bytes 260"),
    # training: nothing of a run is left behind that could not begin
    f"{TRAIN} --set train.sequence_length=99328 --set train.batch_tokens=99328": ("sequence_length", "99328"),
    f"{TRAIN} --set train.device=cuda:77": ("train.device", "cuda:77"),
    f"{TRAIN} --set train.device=abacus": ("train.device", "abacus"),
    "train micro.toml --data data --out run": ("run", "resume", "out"),
    "train micro.toml --data data --out file": ("file",),
    "train micro.toml --data data --out file/run": ("file",),
    f"{RESUME} file": ("file",),
    f"{RESUME} unfinished --set train.seed=4": ("unfinished", "train.seed", "4"),
    f"{RESUME} run --set optim.matrix_lr=0.5": ("optim.matrix_lr", "0.5"),
    f"{RESUME} damaged-recipe": ("recipe.toml", "TOML"),
    "train micro.toml --data other --resume --out unfinished": ("other", "260", "300"),
    "train micro.toml --data data --out file --resume --replay run": ("file",),
    f"{TRAIN} --replay nowhere": ("nowhere", "expected a run folder"),
    f"{TRAIN} --replay file": ("file", "expected a run"),
    f"{TRAIN} --replay unfinished": ("unfinished", "expected a finished run"),
    f"{TRAIN} --replay no-weights": ("no-weights/weights.safetensors", "expected the run's weights"),
    f"{TRAIN} --replay run --set optim.matrix_lr=0.5": ("replay", "expected the recipe of run", "optim.matrix_lr", "0.5"),
    "train micro.toml --data other-bytes --out new --replay run": ("replay", "expected the data of run"),
    f"{RESUME} unfinished --replay run": ("unfinished", "expected the replay the run began with"),
    # packing
    "pack nowhere": ("nowhere", "expected a run folder"),
    "pack file": ("file", "expected a run"),
    "pack unfinished": ("unfinished", "expected a finished run", "--resume"),
    "pack another-recipe": ("another-recipe",),  # weights of other shapes would make an artifact that nothing can load
    "pack run --budget 1000": ("--budget", "smallest possible", "1,000"),
    "pack run --budget 30000 --reserve 29000": ("--budget", "smallest possible", "30,000"),
    "pack run --out folder": ("folder",),
    "pack run --out .": (),
    "pack run --out file/a.bgz": ("file",),
    "pack run --budget 20000 --data nowhere": ("nowhere", "expected a data folder"),
    "pack run --budget 20000 --data other": ("bytes 260", "bpe 300"),
    # scoring
    "score nowhere --data data": ("nowhere", "found nothing"),
    "score folder --data data": ("folder", "expected"),
    "score unfinished --data data": ("unfinished", "finished run", "--resume"),
    "score file --data data": ("file", "expected a bytegolf artifact"),
    "score empty.bgz --data data": ("empty.bgz", "expected a bytegolf artifact"),
    "score flipped.bgz --data data": ("flipped.bgz", "altered"),
    "score cut.bgz --data data": ("cut.bgz", "expected", "found"),
    "score padded.bgz --data data": ("padded.bgz", "expected", "found"),
    "score newer.bgz --data data": ("newer.bgz", "version"),
    "score run --data nowhere": ("nowhere", "expected a data folder"),
    "score run --data other": ("bytes 260", "bpe 300"),
    "score run/artifact.bgz --data other": ("bytes 260", "bpe 300"),
    "score run --data cut-val": ("val_000000.bin", "expected", "found"),
    "score run --data data --stride 33": ("stride", "32", "33"),
    "score run --data data --set ttt.lr=1": ("--set", "ttt.key=value", "protocol sliding"),
    "score run --data data --protocol ttt --set score.stride=4": ("--set", "ttt.key=value", "score.stride=4"),
    "score run --data data --protocol ttt --set ttt.rate=4": ("unknown key ttt.rate", "expected", "lr, epochs"),
    "score run --data data --protocol ttt --set ttt.momentum=1": ("ttt.momentum", "less than 1", "found 1"),
    "score run --data data --protocol ttt --set ttt.freeze_blocks=9": ("ttt.freeze_blocks", "at most model.num_layers", "9"),
    "score run --data data --protocol ttt --set ttt.lr=1e30 --set ttt.grad_clip=0 --set ttt.chunk_tokens=64": ("finite scores", "ttt.lr"),
    # reports
    "report nowhere --out page.html": ("nowhere", "expected a run folder"),
    "report unfinished --out page.html": ("unfinished", "expected a finished run"),
    "report run nowhere --out page.html": ("nowhere",),
    "report run --out folder": ("folder",),
    "report run --out .": (),
    "report run --out file/page.html": ("file",),
}


@pytest.mark.parametrize("command", MISTAKES)
def test_a_mistake_is_one_line_and_changes_nothing(refused: Callable[..., str], command: str) -> None:
    line = refused(*command.split())
    for part in MISTAKES[command]:
        assert part in line
    assert "partial" not in line, "no temporary name, which the user has never heard of"


@pytest.mark.parametrize("verb", ["pack", "score", "report", "train"])
@pytest.mark.parametrize("run", DAMAGED_RUNS)
def test_a_damaged_run_is_one_line_or_no_matter(world: Path, run_cli: Callable[..., Result], tmp_path: Path, run: str, verb: str) -> None:
    """A verb may do without the part that is damaged; it may not end in a traceback."""
    shutil.copytree(world / run, tmp_path / run)
    command = {
        "pack": ("pack", tmp_path / run),
        "score": ("score", tmp_path / run, "--data", world / "data"),
        "report": ("report", tmp_path / run, "--out", tmp_path / "page.html"),
        "train": ("train", MICRO, "--data", world / "data", "--out", tmp_path / run, "--resume"),
    }[verb]
    result = run_cli(*command)
    if result.status:
        assert run in result.error


@pytest.mark.parametrize("rate", ["matrix_lr", "embed_lr", "scalar_lr"])
@pytest.mark.parametrize("steps", [1, 4])
def test_training_that_diverges(run_cli: Callable[..., Result], world: Path, tmp_path: Path, rate: str, steps: int) -> None:
    """In the last step too, where only the validation notices."""
    overrides = [f"optim.{rate}=1e38", f"train.max_steps={steps}", "train.warmdown=0.0", "qat.start=1.0"]
    options = [part for override in overrides for part in ("--set", override)]
    result = run_cli("train", MICRO, "--data", world / "data", "--out", tmp_path / "run", *options)
    assert "finite" in result.error


USAGE = {
    "nothing": "nothing",
    "train": "RECIPE",
    "score run": "--data",
    "report run": "--out",
    "pack run --budgt 3": "--budgt",
    "pack run --budget many": "--budget",
    "pack run --budget -1": "--budget",
    "pack run --reserve -1000": "--reserve",
    "score run --data data --protocol magic": "--protocol",
    "score run --data data --stride -1": "--stride",
    "score run --data data --limit-bytes -5": "--limit-bytes",
    "prepare texts --out new --val-docs 2 --vocab 0": "vocab",
}


@pytest.mark.parametrize("command", USAGE)
def test_bad_usage(run_cli: Callable[..., Result], desk: Path, command: str) -> None:
    """typer's own words, in several lines, will do."""
    before = tree(desk)
    result = run_cli(*command.split())
    assert tree(desk) == before
    assert (result.status, result.out) == (2, "") and USAGE[command] in result.err and "Traceback" not in result.err


def test_a_full_disk(refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    for command in (("pack", "run", "--budget", "20000"), ("report", "run", "--out", "run/report.html")):
        assert "No space left on device" in refused(*command)


@pytest.mark.parametrize(
    ("room", "overrides", "refused"),
    [
        (3000, (), "new/recipe.toml"),
        (200_000, (), "new/checkpoints/step-00000010"),
        (50_000, ("train.checkpoint_every=0", "train.max_steps=20"), "new/weights.safetensors"),
        (9000, ("train.checkpoint_every=0", "train.max_steps=60"), "new/log.jsonl"),
    ],
)
def test_training_on_a_full_disk(run_cli: Callable[..., Result], desk: Path, room: int, overrides: tuple[str, ...], refused: str) -> None:
    """One line that names the file, nothing half written, and a run that goes on once there is room."""
    options = [part for override in overrides for part in ("--set", override)]
    command = ("train", "micro.toml", "--data", "data", *options, "--out")
    with small_disk(room):
        line = run_cli(*command, "new").error
    assert line.startswith(f"error: {refused}: ") and "File too large" in line
    assert [path.name for path in (desk / "new").rglob("*partial*")] == []
    assert run_cli(*command, "new", "--resume").status == run_cli(*command, "whole").status == 0
    assert (desk / "new" / "weights.safetensors").read_bytes() == (desk / "whole" / "weights.safetensors").read_bytes()
    assert untimed(desk / "new") == untimed(desk / "whole")


def test_the_checkpoint_before_the_disk_was_full(run_cli: Callable[..., Result], desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = checkpoint.save_file

    def full(tensors: dict[str, Any], path: Path) -> None:
        if "step-00000020" in str(path):
            path.write_bytes(b"half of")
            raise OSError(28, "No space left on device")
        write(tensors, path)

    command = ("train", "micro.toml", "--data", "data", "--out", "new")
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "save_file", full)
        line = run_cli(*command).error
    assert line.startswith("error: new/checkpoints/step-00000020: No space left on device; what was saved before still holds")
    assert [path.name for path in (desk / "new" / "checkpoints").iterdir()] == ["step-00000010"]
    assert run_cli(*command, "--resume").status == 0
    assert (desk / "new" / "weights.safetensors").read_bytes() == (desk / "run" / "weights.safetensors").read_bytes()


def test_a_replay(run_cli: Callable[..., Result], desk: Path) -> None:
    timed = ("train", "micro.toml", "--data", "data", "--set", "train.max_steps=0", "--set", "train.max_seconds=0.2", "--json", "--out")
    first = run_cli(*timed, "first").json
    again = run_cli(*timed, "again", "--replay", "first")
    assert again.json["steps"] == first["steps"] and again.json["val_bpb"] == first["val_bpb"]
    assert again.err.endswith("replay: the weights of first, bit for bit\n")


# --- interruptions


def test_an_interrupt_outside_training(run_cli: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(api, "score", interrupted)
    result = run_cli("score", "run", "--data", "data")
    assert result.status == 130 and "Traceback" not in result.err


def start_training(desk: Path, *options: str) -> subprocess.Popen[str]:
    """A real process that trains for some seconds."""
    command = [sys.executable, "-m", "bytegolf", "train", "micro.toml", "--data", "data", "--out", "new", "--json", *options]
    return subprocess.Popen(command, cwd=desk, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment())


def wait_for_steps(process: subprocess.Popen[str], log: Path, steps: int) -> None:
    until = time.monotonic() + 60
    while not log.exists() or log.read_bytes().count(b"\n") < steps:
        assert process.poll() is None and time.monotonic() < until, "no step within a minute"
        time.sleep(0.01)


LONG = ("--set", "train.max_steps=150")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_process_and_the_one_that_resumes(desk: Path, run_cli: Callable[..., Result], number: signal.Signals) -> None:
    process = start_training(desk, *LONG)
    wait_for_steps(process, desk / "new" / "log.jsonl", 12)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in err and re.fullmatch(r"error: new: stopped at step \d+; resume it to continue", err.splitlines()[-1])
    assert not (desk / "new" / "manifest.json").exists()

    resumed = run_cli("train", "micro.toml", "--data", "data", "--out", "new", *LONG, "--resume", "--json").json
    whole = run_cli("train", "micro.toml", "--data", "data", "--out", "whole", *LONG, "--json").json
    assert resumed["steps"] == 150 and resumed["val_bpb"] == whole["val_bpb"]
    assert (desk / "new" / "weights.safetensors").read_bytes() == (desk / "whole" / "weights.safetensors").read_bytes()
    assert untimed(desk / "new") == untimed(desk / "whole")


@pytest.mark.slow
def test_killed_at_any_instant(desk: Path, run_cli: Callable[..., Result]) -> None:
    """SIGKILL, again and again, with a checkpoint or a validation in nearly every step; the run still ends as one that nobody touched."""
    options = (*LONG, "--set", "train.checkpoint_every=2", "--set", "train.validate_every=3", "--set", "train.validate_bytes=2000")
    run_cli("train", "micro.toml", "--data", "data", "--out", "whole", *options)
    waits = np.random.default_rng(0).uniform(0.0, 0.6, 40)
    kills = 0
    for wait in waits:
        steps = len(RunFolder(desk / "new").log.read_bytes().splitlines()) if (desk / "new" / "log.jsonl").exists() else 0
        process = start_training(desk, *options, "--resume")
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:  # until it writes, or has ended
            if (desk / "new" / "log.jsonl").exists() and len((desk / "new" / "log.jsonl").read_bytes().splitlines()) != steps:
                break
            time.sleep(0.002)
        time.sleep(wait)
        process.kill()
        _, err = process.communicate()
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL, err
        kills += 1
    else:
        run_cli("train", "micro.toml", "--data", "data", "--out", "new", *options, "--resume")
    assert kills > 0
    assert (desk / "new" / "weights.safetensors").read_bytes() == (desk / "whole" / "weights.safetensors").read_bytes()
    assert untimed(desk / "new") == untimed(desk / "whole")
