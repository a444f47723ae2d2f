"""The script of a submission, run as the contest runs it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import bytegolf as bg
from bytegolf.contest.bundle import Entry, bundle
from bytegolf.flow import contest_script
from support.runs import micro

ENTRY = Entry(contest_script.__name__, contest_script.main.__name__)


def run_script(folder: Path, *arguments: str) -> dict[str, object]:
    """Run a script where another package of this name would fail, and return what it prints."""
    (folder / "other" / "bytegolf").mkdir(parents=True, exist_ok=True)
    (folder / "other" / "bytegolf" / "__init__.py").write_text("raise SystemExit('the wrong package')\n")
    script = folder / "train_gpt.py"
    script.write_bytes(bundle(ENTRY, {"recipe": micro().model_dump(exclude_defaults=True), "protocol": "sliding"}))
    environment = {**os.environ, "PYTHONPATH": str(folder / "other"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, script, *arguments], cwd=folder, stdout=subprocess.PIPE, check=True, env=environment)
    told: dict[str, object] = json.loads(done.stdout)
    assert told["bytes_code"] == script.stat().st_size
    return told


def test_it_scores_an_artifact(run: Path, data: Path, tmp_path: Path) -> None:
    shutil.copyfile(run / "artifact.bgz", tmp_path / "artifact.bgz")
    told = run_script(tmp_path, "--data", str(data), "--evaluate", "artifact.bgz", "--limit-bytes", "200")
    score = bg.score(run / "artifact.bgz", data, "sliding", limit_bytes=200)
    assert told["bpb"] == pytest.approx(score.bpb, rel=1e-6) and told["tokens"] == score.tokens
    assert told["bytes_model"] == (run / "artifact.bgz").stat().st_size


@pytest.mark.slow
def test_it_trains_the_same_artifact(run: Path, data: Path, tmp_path: Path) -> None:
    told = run_script(tmp_path, "--data", str(data), "--limit-bytes", "200")
    code = (tmp_path / "train_gpt.py").stat().st_size
    bg.pack(run, budget=16_000_000, reserve=code, data=data, out=tmp_path / "packed.bgz", scored=False)
    assert (tmp_path / "run" / "artifact.bgz").read_bytes() == (tmp_path / "packed.bgz").read_bytes()
    assert told["bytes_total"] == code + (tmp_path / "packed.bgz").stat().st_size
