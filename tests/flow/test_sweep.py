"""Whole sweeps: killed and continued on this machine and on a Ray cluster, printed and run by a shell; and what is refused."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import bytegolf as bg
from bytegolf.errors import InputError
from bytegolf.storage.run_folder import RunFolder
from support.ray_clusters import ray_cluster
from support.runs import MICRO, environment, micro, sha256
from support.scored_runs import scored_run

SETTINGS = ("train.max_steps=150", "qat.start=1", "train.checkpoint_every=5")
GRID = "optim.matrix_lr=0.02,0.04"
CELLS = [f"optim.matrix_lr={rate}+seed={seed}" for seed in (1, 2) for rate in ("0.02", "0.04")]


def command(data: Path, out: Path, *more: str, grid: str = GRID) -> list[str]:
    words = ["sweep", str(MICRO), "--data", str(data), "--out", str(out), "--seeds", "1,2", "--grid", grid, *more]
    return [sys.executable, "-m", "bytegolf", *words, *(word for setting in SETTINGS for word in ("--set", setting))]


def start(words: list[str], variables: Mapping[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**environment(), **variables})


def wait_for_steps(out: Path, process: subprocess.Popen[bytes]) -> None:
    """Wait until two cells have taken steps beyond a checkpoint."""
    before = {log: log.stat().st_size for log in out.glob("cells/*/log.jsonl")}
    until = time.monotonic() + 120
    while sum(log.stat().st_size > before.get(log, 0) + 2000 for log in out.glob("cells/*/log.jsonl")) < 2:
        assert process.poll() is None and time.monotonic() < until, "no steps within two minutes"
        time.sleep(0.02)


def children(pid: int) -> list[int]:
    """Return the processes that a process started."""
    return [int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()]


def kill_all(out: Path, process: subprocess.Popen[bytes]) -> None:
    """SIGKILL for the sweep and for its cells, at one instant."""
    wait_for_steps(out, process)
    for pid in (*children(process.pid), process.pid):
        os.kill(pid, signal.SIGKILL)


def kill_parent(out: Path, process: subprocess.Popen[bytes]) -> None:
    wait_for_steps(out, process)
    process.kill()


def terminate(out: Path, process: subprocess.Popen[bytes]) -> None:
    wait_for_steps(out, process)
    process.terminate()


def weights(out: Path) -> dict[str, str]:
    return {path.parent.name: sha256(path) for path in out.glob("cells/*/weights.safetensors")}


@pytest.fixture(scope="module")
def alone(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The weights of a cell that was trained by itself, by a single command on one thread."""
    out, cell = tmp_path_factory.mktemp("alone") / "run", CELLS[3]
    settings = (*SETTINGS, "optim.matrix_lr=0.04", "train.seed=2")
    words = ["train", str(MICRO), "--data", str(data), "--out", str(out), *(word for setting in settings for word in ("--set", setting))]
    subprocess.run([sys.executable, "-m", "bytegolf", *words], check=True, capture_output=True, env=environment())
    return cell, sha256(out / "weights.safetensors")


def finish(words: list[str], variables: Mapping[str, str]) -> dict[str, Any]:
    done = subprocess.run([*words, "--json"], capture_output=True, env={**environment(), **variables}, timeout=400)
    assert done.returncode == 0, done.stderr.decode()
    shown = json.loads(done.stdout)
    assert isinstance(shown, dict)
    return shown


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="finds children in /proc")
def test_killed_and_continued(data: Path, tmp_path: Path, alone: tuple[str, str]) -> None:
    out, words = tmp_path / "sweep", command(data, tmp_path / "sweep", "--jobs", "2")
    for end, status in ((kill_all, -signal.SIGKILL), (kill_parent, -signal.SIGKILL), (terminate, 130)):
        process = start(words, {})
        end(out, process)
        _, err = process.communicate(timeout=60)
        assert process.returncode == status, err
    assert b"of 4 cells finished; the same command continues" in err.splitlines()[-1] and b"Traceback" not in err
    began = {path: path.read_bytes().splitlines()[0] for path in out.glob("cells/*/log.jsonl")}

    shown = finish(words, {})
    assert [cell["name"] for cell in shown["cells"]] == CELLS and {cell["state"] for cell in shown["cells"]} == {"finished"}
    assert weights(out)[alone[0]] == alone[1]
    assert all(path.read_bytes().splitlines()[0] == line for path, line in began.items()), "a cell began anew"
    first, second = shown["configurations"]
    assert first["comparison"] is None and second["comparison"]["test"] == "paired" and second["seeds"] == [1, 2]
    assert json.loads((out / "sweep.json").read_text()) == shown
    assert list(out.rglob(".*")) == []

    modified = {path: path.stat().st_mtime_ns for path in out.glob("cells/*/*")}
    assert finish(words, {}) == shown
    more = subprocess.run(command(data, out, "--json", grid="optim.matrix_lr=1e9,0.02"), capture_output=True, env=environment())
    states = [(cell["name"], cell["state"]) for cell in json.loads(more.stdout)["cells"]]
    assert more.returncode == 2 and [state for _, state in states] == ["failed", "finished"] * 2
    assert "training diverged" in json.loads(more.stdout)["cells"][0]["error"]
    assert modified == {path: path.stat().st_mtime_ns for path in modified}, "a finished cell was run again"


@pytest.fixture(scope="module")
def cluster() -> Iterator[dict[str, str]]:
    pytest.importorskip("ray")
    with ray_cluster() as variables:
        yield variables


@pytest.mark.slow
def test_killed_and_continued_on_ray(data: Path, tmp_path: Path, cluster: dict[str, str], alone: tuple[str, str]) -> None:
    out, words = tmp_path / "sweep", command(data, tmp_path / "sweep", "--on", "ray")
    for end, status in ((terminate, 130), (kill_parent, -signal.SIGKILL)):
        process = start(words, cluster)
        end(out, process)
        _, err = process.communicate(timeout=60)
        assert process.returncode == status, err
    shown = finish(words, cluster)
    assert shown["finished"] == 4 and shown["threads"] == 1
    assert weights(out)[alone[0]] == alone[1]


@pytest.mark.slow
def test_no_machine_of_the_cluster_has_so_many_cores(data: Path, tmp_path: Path, cluster: dict[str, str]) -> None:
    done = subprocess.run(
        command(data, tmp_path / "new", "--on", "ray", "--threads", "3"), capture_output=True, env={**environment(), **cluster}
    )
    assert done.returncode == 2, done.stderr
    assert b"error: --threads: expected at most the 2 cores" in done.stderr
    assert not (tmp_path / "new").exists()


@pytest.mark.slow
def test_printed_commands_run(data: Path, tmp_path: Path) -> None:
    """By a shell, from anywhere; the sweep then finds everything done."""
    out = tmp_path / "my sweep"
    words = [sys.executable, "-m", "bytegolf", "sweep", str(MICRO), "--data", str(data), "--out", str(out), "--seeds", "3"]
    words += ["--pack", "--score", "streaming", "--threads", "1", "--set", "train.max_steps=3", "--set", "qat.start=1"]
    (line,) = subprocess.run([*words, "--print"], check=True, capture_output=True, env=environment(), text=True).stdout.splitlines()
    (tmp_path / "bytegolf").write_text(f'#!/bin/sh\nexec {sys.executable} -m bytegolf "$@"\n')
    (tmp_path / "bytegolf").chmod(0o755)
    variables = {**environment(), "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    several = ["sh", "-c", r"tr '\n' '\0' | xargs -0 -P 2 -n 1 sh -c"]  # as docs/sweep.md has it
    subprocess.run(several, input=line + "\n", check=True, capture_output=True, cwd="/", env=variables, text=True)
    printed = subprocess.run([*words, "--print", "--json"], check=True, capture_output=True, env=environment())
    assert json.loads(printed.stdout) == {"commands": []}
    (cell,) = finish(words, {})["cells"]
    assert cell["state"] == "finished" and 0 < cell["bytes"] <= 30_000
    assert (Path(cell["run"]) / "score-streaming.json").exists() and not (out / "logs").exists()


# --- without training anything


def finished_cells(out: Path, scores: Mapping[float, tuple[float, float]]) -> None:
    """Put finished runs into a sweep's folder, as if they had been trained: scores of seeds 1 and 2 at learning rates."""
    for rate, row in scores.items():
        for seed, bpb in enumerate(row, 1):
            recipe = micro(f"optim.matrix_lr={rate}", f"train.seed={seed}")
            scored_run(out / "cells" / f"optim.matrix_lr={rate}+seed={seed}", seed, val_bpb=bpb, recipe=recipe)


def test_what_is_finished_is_compared(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "sweep"
    assert len(bg.sweep_commands(micro(), data, out, seeds=[1, 2], grid=[GRID])) == 4
    finished_cells(out, {0.02: (1.30, 1.35), 0.04: (1.31, 1.37), 0.08: (1.20, 1.249)})
    result = bg.sweep(micro(), data, out, seeds=[1, 2], grid=[f"{GRID},0.08"])
    assert result.ok and [row.difference_bpb for row in result.configurations] == [None, pytest.approx(0.015), pytest.approx(-0.1005)]
    comparison = result.configurations[2].comparison
    assert comparison is not None and comparison.significant
    assert json.loads((out / "sweep.json").read_text()) == json.loads(json.dumps(result.to_json()))


def test_a_damaged_cell_is_told_and_stops_nothing(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "sweep"
    bg.sweep_commands(micro(), data, out, seeds=[1, 2], grid=[GRID])
    finished_cells(out, {0.02: (1.30, 1.35), 0.04: (1.31, 1.37)})
    RunFolder(out / "cells" / CELLS[0]).manifest.write_text("{")
    result = bg.sweep(micro(), data, out, seeds=[1, 2], grid=[GRID])
    assert [cell.state for cell in result.cells] == ["failed", "finished", "finished", "finished"]
    assert "manifest.json" in str(result.cells[0].error)


def test_refused_before_anything_is_done(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "sweep"
    bg.sweep_commands(micro(), data, out, seeds=[1])
    (tmp_path / "empty").mkdir()
    before = (out / "sweep.json").read_bytes()
    with pytest.raises(InputError, match=r"expected the recipe the sweep began with, found train\.max_steps = 31 instead of 30"):
        bg.sweep(micro("train.max_steps=31"), data, out, seeds=[1])
    with pytest.raises(InputError, match="jobs: cannot be combined with on ray"):
        bg.sweep(micro(), data, out, seeds=[1], on="ray", jobs=2)
    with pytest.raises(InputError, match="expected shards"):
        bg.sweep(micro(), tmp_path / "empty", tmp_path / "other", seeds=[1])
    with pytest.raises(InputError, match=r"data: expected the recipe's model\.vocab_size 300"):
        bg.sweep(micro(), data, tmp_path / "other", seeds=[1], grid=["model.vocab_size=260,300"])
    with pytest.raises(InputError, match="sequence"):
        bg.sweep(micro(), data, tmp_path / "other", seeds=[1], grid=["train.sequence_length=32,262144", "train.batch_tokens=262144"])
    assert (out / "sweep.json").read_bytes() == before and not (tmp_path / "other").exists()


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1"])
def test_a_cluster_that_is_not_there(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    pytest.importorskip("ray")
    monkeypatch.setenv("RAY_ADDRESS", address)
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    with pytest.raises(InputError, match=f"expected a Ray cluster at {address}, found none"):
        bg.sweep(micro(), data, tmp_path / "new", seeds=[1], on="ray")
    assert not (tmp_path / "new").exists()
