"""The programs in examples/ run as their docstrings say."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import bytegolf as bg
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
    shown = run("train_and_pack.py", str(tmp_path / "out"), "--source", str(source), "--budget", "30000", "--steps", "5", *overridden())
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


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder whose vocabulary is that of SMALL."""
    folder = tmp_path_factory.mktemp("examples")
    bg.prepare([str(write_texts(folder / "texts", documents()))], folder / "data", vocab=300)
    return folder / "data"


def overridden() -> list[str]:
    return [f"--set={override}" for override in SMALL]


def test_new_optimizer(data: Path) -> None:
    """Two optimisers begin with the same weights and batches, and both learn."""
    head, *rows = run("new_optimizer.py", str(data), "--steps", "20", *overridden()).splitlines()
    muon, lion = zip(*(map(float, row.split()[1:]) for row in rows), strict=True)
    assert head.split() == ["steps", "Muon", "Lion"] and len(rows) == 10
    assert abs(muon[0] - lion[0]) < 0.2 < min(muon[0] - muon[-1], lion[0] - lion[-1]) and muon != lion


def test_new_switch(data: Path) -> None:
    shown = run("new_switch.py", str(data), "--steps", "12", "--seeds", "1,2", "--limit-bytes", "2000", *overridden())
    scores = [float(bits) for bits in re.findall(r"(\d\.\d+) bits per byte$", shown, re.MULTILINE)]
    assert len(scores) == len(set(scores)) == 4 and "the gain is worth" in shown and "p = " in shown


def test_new_coder(tmp_path_factory: pytest.TempPathFactory) -> None:
    artifact = finished(tmp_path_factory) / "artifact.bgz"
    head, *rows = (row.split() for row in run("new_coder.py", str(artifact)).splitlines())
    assert head == ["integers", "range", "zstd", "lzma", "zlib", "bz2"]
    assert {"mlp", "attention", "embedding"} <= {section for section, *_ in rows}
    sections = {section: len(part) for section, part in bg.load_artifact(artifact).weights.sections("range").items()}
    assert all(int(figures[1].replace(",", "")) == sections[section] for section, *figures in rows)


def test_new_expert(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> None:
    """Every way of coding decodes, and what came lately helps where the text repeats itself."""
    text = tmp_path / "text"
    text.write_text("zqzq jxjx kvkv " * 20)
    shown = run("new_expert.py", str(finished(tmp_path_factory) / "artifact.bgz"), "--text", str(text))
    sizes = [int(size.replace(",", "")) for size in re.findall(r"([\d,]+) bytes, \d", shown)]
    assert len(sizes) == 4 and shown.count("decoded") == 4
    assert sizes[1] < 0.9 * sizes[0] and sizes[2] < sizes[0] and sizes[3] <= sizes[2] + 8


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
