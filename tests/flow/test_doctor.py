"""The doctor finds what is there, and says of everything that is not what to do."""

import shutil
import tomllib
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
import torch

from bytegolf.flow import doctor as module
from bytegolf.flow.doctor import EXTRAS, doctor
from support.house import ROOT


def test_what_is_there(tmp_path: Path) -> None:
    diagnosis = doctor(tmp_path)
    checks = {check.name: check for check in diagnosis.checks}
    assert checks["torch"].ok and checks["torch"].found == torch.__version__
    assert checks["device cpu"].found.split(",")[0] in ("float32", "bfloat16")
    assert diagnosis.next.command == "bytegolf quickstart --out runs/quickstart"
    assert diagnosis.ok == all(check.ok for check in diagnosis.checks)
    assert set(diagnosis.to_json()) == {"ok", "checks", "next"}


def test_what_is_missing_has_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_package(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(module, "version", no_package)
    monkeypatch.setattr(module, "sandbox_available", lambda: False)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(module, "LEAST_FREE_BYTES", 1 << 60)
    monkeypatch.setattr(module, "LEAST_MEMORY_BYTES", 1 << 60)
    missing = {check.name: check.advice for check in doctor(tmp_path).checks if not check.ok}
    assert {"torch", "sandbox", "C++ compiler", "disk", "memory", *(f"extra {name}" for name in EXTRAS)} <= set(missing)
    assert all(missing.values())
    assert missing["extra ray"] == "if you want it: pip install 'bytegolf[ray]'"


def test_a_gpu_is_told_with_its_kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (9, 0))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "NVIDIA H100")
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: True)
    monkeypatch.setattr("bytegolf.runtime.device.enter_device", lambda device: None)
    checks = {check.name: check.found for check in doctor(tmp_path).checks}
    assert checks["device cuda:0"] == "NVIDIA H100, bfloat16, attention by torch's kernels; used by default"
    assert "gpu" not in checks


def test_the_extras_are_those_that_can_be_installed() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert {extra: packages[0].split(">")[0] for extra, packages in declared.items() if extra != "dev"} == {
        extra: package for extra, (package, _) in EXTRAS.items()
    }
