"""The programs in examples/ run as their docstrings say."""

import subprocess
import sys
from pathlib import Path

import pytest

from support.runs import documents, environment, finished, write_texts

EXAMPLES = Path(__file__).parents[1] / "examples"
SMALL = (
    *("model.num_layers=2", "model.model_dim=32", "model.num_heads=2", "model.num_kv_heads=1", "model.xsa_layers=1"),
    *("model.vocab_size=300", "model.bigram_size=64", "model.bigram_dim=16", "model.value_embed_layers=1", "model.value_embed_dim=8"),
    *("train.batch_tokens=256", "train.sequence_length=64", "train.device=cpu", "train.compile=false"),
    *("score.window=64", "pack.calibration_tokens=1024"),
)


def run(name: str, *arguments: str) -> str:
    """Return what an example prints."""
    done = subprocess.run([sys.executable, EXAMPLES / name, *arguments], env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_train_and_pack(tmp_path: Path) -> None:
    source = write_texts(tmp_path / "texts", documents())
    overrides = [f"--set={override}" for override in SMALL]
    shown = run("train_and_pack.py", str(tmp_path / "out"), "--source", str(source), "--budget", "30000", "--steps", "5", *overrides)
    assert "5 steps" in shown and "bytes of 30,000" in shown
    assert (tmp_path / "out" / "run" / "artifact.bgz").stat().st_size <= 30_000


def test_audit_my_predictor() -> None:
    shown = run("audit_my_predictor.py")
    honest, _, doubled = shown.partition("doubled: ")
    assert honest == "honest: nothing found\n"
    assert doubled.startswith("not a valid score") and "T4: " in doubled


def test_read_an_artifact(tmp_path_factory: pytest.TempPathFactory) -> None:
    artifact = finished(tmp_path_factory) / "artifact.bgz"
    shown = run("read_an_artifact.py", str(artifact), "--line", "abc", "--tokens", "3")
    assert "banks." in shown and f"{artifact.stat().st_size:,} bytes" in shown
    assert "bits per byte" in shown


def test_reading_an_artifact_needs_the_rooms_that_decode_alone(tmp_path: Path) -> None:
    listed = (
        "import runpy, sys; runpy.run_path(sys.argv[1]); "
        "print(*sorted({name.split('.')[1] for name in sys.modules if name.startswith('bytegolf.')}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", listed, EXAMPLES / "read_an_artifact.py"], env=environment(), capture_output=True, text=True, check=True
    )
    needed = set(done.stdout.split())
    assert {"artifact", "model", "text"} <= needed
    assert needed.isdisjoint({"scoring", "packing", "training", "coding", "proving", "auditing", "flow", "cli"})
