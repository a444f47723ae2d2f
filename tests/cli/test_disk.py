"""Full disks: one line that names the file, and nothing half written."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import save_file

from bytegolf.training import checkpoint
from support.command_line import RunCli
from support.runs import small_disk, untimed


def test_a_full_disk(refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    for command in (("pack", "run", "--budget", "20000"), ("report", "run", "--out", "run/report.html")):
        assert "No space left on device" in refused(*command)


@pytest.mark.parametrize(
    ("room", "overrides", "refused"),
    [
        (3000, (), "new/recipe.toml"),
        (200_000, (), "new/checkpoints/step-00000010"),
        (50_000, ("train.checkpoint_every=0", "train.max_steps=20"), "new/weights.safetensors"),
        (12_000, ("train.checkpoint_every=0", "train.max_steps=60"), "new/log.jsonl"),
    ],
)
def test_training_on_a_full_disk(run_cli: RunCli, desk: Path, room: int, overrides: tuple[str, ...], refused: str) -> None:
    """One line that names the file, nothing half written, and a run that goes on once there is room."""
    options = [part for override in overrides for part in ("--set", override)]
    command = ("train", "micro.toml", "--data", "data", *options, "--out")
    with small_disk(room):
        line = run_cli(*command, "new").error
    assert line.startswith(f"error: {refused}: ") and "File too large" in line
    assert [path.name for path in (desk / "new").rglob("*partial*")] == []
    assert run_cli(*command, "new", "--resume").status == run_cli(*command, "whole").status == 0
    assert (desk / "new" / "weights.safetensors").read_bytes() == (desk / "whole" / "weights.safetensors").read_bytes()
    assert untimed(desk / "new") == untimed(desk / "whole")


def test_the_checkpoint_before_the_disk_was_full(run_cli: RunCli, desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(tensors: dict[str, Any], path: Path) -> None:
        if "step-00000020" in str(path):
            path.write_bytes(b"half of")
            raise OSError(28, "No space left on device")
        save_file(tensors, path)

    command = ("train", "micro.toml", "--data", "data", "--out", "new")
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "save_file", full)
        line = run_cli(*command).error
    assert line.startswith("error: new/checkpoints/step-00000020: No space left on device; what was saved before still holds")
    assert [path.name for path in (desk / "new" / "checkpoints").iterdir()] == ["step-00000010"]
    assert run_cli(*command, "--resume").status == 0
    assert (desk / "new" / "weights.safetensors").read_bytes() == (desk / "run" / "weights.safetensors").read_bytes()
