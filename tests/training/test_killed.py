"""SIGKILL at every kind of moment: the run that resumes ends with the bytes of the one that nobody touched."""

import json
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import bytegolf as bg
from bytegolf.storage.run_folder import RunFolder
from support.killed_runs import MOMENTS
from support.runs import MICRO, environment, micro, prepared, untimed

OVERRIDES = ("train.checkpoint_every=5", "train.validate_every=6", "train.validate_bytes=2000")


@dataclass(frozen=True)
class Runs:
    data: Path
    whole: Path
    killed: Path  # a folder with a run for each moment
    signals: dict[str, int]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    root, data = tmp_path_factory.mktemp("killed"), prepared(tmp_path_factory)
    command = [sys.executable, "-m", "support.killed_runs", str(MICRO), str(data), str(root), *OVERRIDES]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return Runs(data, root / "whole", root, json.loads(done.stdout))


def checkpoints(run: Path) -> list[str]:
    return sorted(path.name for path in (run / "checkpoints").iterdir())


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed(runs: Runs, moment: str) -> None:
    assert runs.signals[moment] == signal.SIGKILL
    run = runs.killed / moment
    assert not (run / "manifest.json").exists()
    bg.train(micro(*OVERRIDES), runs.data, run, resume=True)
    assert (run / "weights.safetensors").read_bytes() == (runs.whole / "weights.safetensors").read_bytes()
    assert untimed(run) == untimed(runs.whole)
    lines, whole = (RunFolder(root).text_log.read_text().splitlines() for root in (run, runs.whole))
    assert [line.split()[:3] for line in lines] == [line.split()[:3] for line in whole]
    assert checkpoints(run) == checkpoints(runs.whole)
    assert {path.name for path in run.iterdir()} == {path.name for path in runs.whole.iterdir()}, "nothing half written is left"
