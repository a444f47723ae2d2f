"""One clear line for every mistake, and nothing changed."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bytegolf.text.shards import MAGIC
from support.command_line import RunCli
from support.runs import MICRO
from support.world import DAMAGED_RUNS

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
    "prepare texts --out new --tokenizer bytes --vocab 300": ("--tokenizer", "cannot be combined with vocab"),
    "prepare texts --out new --val-docs 0": ("--val-docs", "at least 1", "found 0"),
    "prepare texts --out new --val-docs 99": ("texts", "documents to train on"),
    "prepare texts --out file --tokenizer bytes": ("file",),
    "prepare texts --out file/data --tokenizer bytes": ("file",),
    "prepare texts --out folder --tokenizer bytes": ("folder", "something else"),
    "prepare texts --out data --tokenizer bytes": ("data", "documents", "--out"),
    "prepare texts --out new --normalised": ("--normalised", "needs the file of a tokenizer"),
    "prepare texts --out new --normalised --tokenizer bytes": ("--normalised", "needs the file of a tokenizer"),
    "prepare texts --out new --variant sp1024": ("--variant", "fineweb"),
    "prepare texts --out new --train-shards 0": ("--train-shards", "fineweb"),
    "prepare texts --out new --with-docs": ("--with-docs", "fineweb"),
    "prepare texts.json --out new --tokenizer bytes --text-column body": ("texts.json", 'a string "body"', "found text: string"),
    "prepare fineweb --out new --text-column body": ("--text-column", "applies to text only"),
    "prepare fineweb --out new --skip-bad": ("--skip-bad", "applies to text only"),
    "prepare fineweb --out new --vocab 300": ("--vocab", "applies to text only"),
    "prepare fineweb --out new --val-docs 3": ("--val-docs", "applies to text only"),
    "prepare fineweb texts --out new": ("SOURCE...", "published shards alone", "fineweb, texts"),
    "prepare fineweb --out new --recipe tiny --variant sp512": ("--variant", "cannot be combined with recipe"),
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
    "score run --data data --protocol lora --set ttt.lr=1": ("--set", "lora.key=value with protocol lora", "found ttt.lr=1"),
    "score run --data data --protocol lora --set lora.lr=1e30": ("finite scores", "lora.lr"),
    "score run --data data --protocol ttt --set ttt.rate=4": ("unknown key ttt.rate", "expected", "lr, epochs"),
    "score run --data data --protocol ttt --set ttt.momentum=1": ("ttt.momentum", "less than 1", "found 1"),
    "score run --data data --protocol ttt --set ttt.freeze_blocks=9": ("ttt.freeze_blocks", "at most model.num_layers", "9"),
    "score run --data data --protocol ttt --set ttt.lr=1e30 --set ttt.grad_clip=0 --set ttt.chunk_tokens=64": ("finite scores", "ttt.lr"),
    # reports
    "report nowhere --out page.html": ("nowhere", "expected a run folder"),
    "report empty --out page.html": ("empty", "expected a finished run"),
    "report run --data other --out page.html": ("other", "expected the data folder that run was trained on"),
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
def test_a_damaged_run_is_one_line_or_no_matter(world: Path, run_cli: RunCli, tmp_path: Path, run: str, verb: str) -> None:
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
def test_training_that_diverges(run_cli: RunCli, world: Path, tmp_path: Path, rate: str, steps: int) -> None:
    """In the last step too, where only the validation notices."""
    overrides = [f"optim.{rate}=1e38", f"train.max_steps={steps}", "train.warmdown=0.0", "qat.start=1.0"]
    options = [part for override in overrides for part in ("--set", override)]
    result = run_cli("train", MICRO, "--data", world / "data", "--out", tmp_path / "run", *options)
    assert "finite" in result.error
