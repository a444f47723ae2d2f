"""A verb whose starter is gone ends, and loses nothing."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.command_line import RunCli
from support.runs import environment

ATTENDED = [sys.executable, "-m", "bytegolf.cli.attended"]


def test_a_verb_runs_as_ever() -> None:
    with subprocess.Popen([*ATTENDED, "recipes", "tiny"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment()) as process:
        assert process.stdout is not None and b'name = "tiny"' in process.stdout.read()
    assert process.returncode == 0


@pytest.mark.slow
def test_a_run_saves_a_checkpoint(desk: Path, run_cli: RunCli) -> None:
    words = ["train", "micro.toml", "--data", "data", "--set", "train.max_steps=1000000", "--set", "qat.start=1", "--out", "new"]
    with subprocess.Popen([*ATTENDED, *words], stdin=subprocess.PIPE, stderr=subprocess.PIPE, cwd=desk, env=environment()) as process:
        until = time.monotonic() + 60
        log = desk / "new" / "log.jsonl"
        while not (log.exists() and '"step"' in log.read_text()) and time.monotonic() < until:
            time.sleep(0.05)
        assert process.stdin is not None and process.stderr is not None
        process.stdin.close()
        assert b"error: new: stopped at step" in process.stderr.read().splitlines()[-1]
    assert process.returncode == 130
    assert list((desk / "new" / "checkpoints").glob("step-*"))
