"""The verbs prepare and train: their JSON, the vocabulary, and a replay."""

from pathlib import Path

import pytest

from support.command_line import RunCli


def test_json_of_prepare(run_cli: RunCli, desk: Path) -> None:
    shown = run_cli("prepare", "texts", "--out", "new", "--tokenizer", "bytes", "--val-docs", "2", "--json")
    result = shown.json
    assert {"train_tokens", "train_bytes", "val_tokens", "val_bytes", "vocab_size"} <= set(result)
    assert result["vocab_size"] == 260 and result["val_tokens"] == result["val_bytes"] + 2
    assert result["train_bytes"] + result["val_bytes"] == sum(path.stat().st_size for path in (desk / "texts").iterdir())
    assert "encode" in shown.err
    again = run_cli("prepare", "texts", "--out", "new", "--tokenizer", "bytes", "--val-docs", "2", "--json")
    assert again.json == result and "reused" in again.err


@pytest.mark.parametrize(("options", "vocab_size"), [((), None), (("--vocab", "300"), 300), (("--recipe", "micro.toml"), 260)])
def test_the_vocabulary_of_prepare(run_cli: RunCli, desk: Path, options: tuple[str, ...], vocab_size: int | None) -> None:
    shown = run_cli("prepare", "texts", "--out", "new", "--val-docs", "2", "--json", *options)
    if vocab_size is None:
        assert "1024" in shown.error, "the default is more than so little text can fill"
    else:
        assert shown.json["vocab_size"] == vocab_size


def test_json_of_train(run_cli: RunCli, desk: Path) -> None:
    shown = run_cli("train", "micro.toml", "--data", "data", "--out", "new", "--set", "train.max_steps=3", "--json")
    result = shown.json
    assert {"steps", "seconds", "tokens_per_second", "val_bpb", "run"} <= set(result)
    assert (result["steps"], result["run"]) == (3, "new") and result["val_bpb"] > 0
    assert "train" in shown.err
    again = run_cli("train", "micro.toml", "--data", "data", "--out", "new", "--set", "train.max_steps=3", "--resume", "--json")
    assert again.json == result and "already finished" in again.err


def test_a_replay(run_cli: RunCli, desk: Path) -> None:
    timed = ("train", "micro.toml", "--data", "data", "--set", "train.max_steps=0", "--set", "train.max_seconds=0.2", "--json", "--out")
    first = run_cli(*timed, "first").json
    again = run_cli(*timed, "again", "--replay", "first")
    assert again.json["steps"] == first["steps"] and again.json["val_bpb"] == first["val_bpb"]
    assert again.err.endswith("replay: the weights of first, bit for bit\n")
