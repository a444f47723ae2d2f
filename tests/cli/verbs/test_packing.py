"""The verbs pack, score and report: their JSON."""

from pathlib import Path

import pytest

from support.command_line import RunCli
from support.records import read_json


def test_json_of_pack(run_cli: RunCli, desk: Path) -> None:
    result = run_cli("pack", "run", "--budget", "20000", "--reserve", "1000", "--json").json
    keys = {"bytes", "budget", "parameters", "bits_per_weight", "entropy_bits_per_weight", "bpb_before", "bpb_after"}
    assert keys <= set(result)
    assert result["bytes"] == (desk / "run" / "artifact.bgz").stat().st_size <= 19_000
    assert (result["budget"], result["bpb_before"], result["bpb_after"]) == (20_000, None, None)
    scored = run_cli("pack", "run", "--data", "data", "--out", "else/where.bgz", "--json")
    assert scored.json["bpb_after"] >= scored.json["bpb_before"] - 0.01 and (desk / "else" / "where.bgz").exists()
    assert "sliding" in scored.err


@pytest.mark.parametrize("source", ["run", "run/artifact.bgz"])
def test_json_of_score(run_cli: RunCli, desk: Path, source: str) -> None:
    manifest = read_json(desk / "data" / "manifest.json")
    for protocol in ("standard", "streaming", "sliding"):
        result = run_cli("score", source, "--data", "data", "--protocol", protocol, "--json").json
        assert {"bpb", "bits", "bytes", "tokens", "protocol"} <= set(result)
        assert (result["protocol"], result["bytes"], result["tokens"]) == (protocol, manifest["val_bytes"], manifest["val_tokens"] - 1)
        assert result["bpb"] == result["bits"] / result["bytes"]
    assert run_cli("score", source, "--data", "data", "--json").json == result, "sliding unless another is asked for"


@pytest.mark.parametrize("source", ["run", "run/artifact.bgz"])
def test_json_of_a_score_with_test_time_training(run_cli: RunCli, desk: Path, source: str) -> None:
    manifest = read_json(desk / "data" / "manifest.json")
    ask = ("score", source, "--data", "data", "--protocol", "ttt", "--set", "ttt.chunk_tokens=64", "--json")
    learned, still = (run_cli(*ask, "--set", f"ttt.lr={lr}") for lr in (0.02, 0))
    assert (learned.json["protocol"], learned.json["tokens"]) == ("ttt", manifest["val_tokens"] - 1)
    settings = {"lr": 0.02, "epochs": 3, "chunk_tokens": 64, "freeze_blocks": 0, "momentum": 0.9, "batch_sequences": 32, "grad_clip": 1.0}
    assert learned.json["learning"] == {f"ttt.{key}": value for key, value in settings.items()}
    assert still.json["bits"] != learned.json["bits"] < run_cli("score", source, "--data", "data", "--json").json["bits"]
    assert "score ttt" in learned.err and not (desk / "run" / "score-ttt.json").exists()


def test_json_of_report(run_cli: RunCli, desk: Path) -> None:
    result = run_cli("report", "run", "--out", "page.html", "--json").json
    assert result == {"report": "page.html", "runs": ["run"], "unfinished": [], "left_out": []} and (desk / "page.html").exists()
