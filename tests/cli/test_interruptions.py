"""Real processes that are interrupted or killed, and those that resume their runs."""

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from bytegolf.storage.run_folder import RunFolder
from support.command_line import RunCli
from support.runs import environment, untimed

LONG = ("--set", "train.max_steps=150")


def start_training(desk: Path, *options: str) -> subprocess.Popen[str]:
    """A real process that trains for some seconds."""
    command = [sys.executable, "-m", "bytegolf", "train", "micro.toml", "--data", "data", "--out", "new", "--json", *options]
    return subprocess.Popen(command, cwd=desk, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment())


def wait_for_steps(process: subprocess.Popen[str], log: Path, steps: int) -> None:
    until = time.monotonic() + 60
    while not log.exists() or log.read_bytes().count(b"\n") < steps:
        assert process.poll() is None and time.monotonic() < until, "no step within a minute"
        time.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_process_and_the_one_that_resumes(desk: Path, run_cli: RunCli, number: signal.Signals) -> None:
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
def test_killed_at_any_instant(desk: Path, run_cli: RunCli) -> None:
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
