"""What trackers are told, by stand-ins for them: that of the log that is a number."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from bytegolf.errors import InputError
from bytegolf.text.shards import TokenStream
from bytegolf.train.trackers import require_trackers

from .cases import events, fit, micro

Told = list[tuple[str, dict[str, Any]]]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    """Calls of the stand-ins, in order."""
    calls: Told = []

    class Run:
        def log(self, numbers: dict[str, float], step: int) -> None:
            calls.append(("log", {**numbers, "at": step}))

        def finish(self) -> None:
            calls.append(("finish", {}))

    class SummaryWriter:
        def __init__(self, log_dir: str) -> None:
            calls.append(("writer", {"log_dir": log_dir}))

        def __enter__(self) -> "SummaryWriter":
            return self

        def __exit__(self, *_: object) -> None:
            calls.append(("close", {}))

        def add_scalar(self, name: str, number: float, step: int) -> None:
            calls.append(("scalar", {name: number, "at": step}))

    def init(**options: Any) -> Run:
        calls.append(("init", options))
        return Run()

    wandb, tensorboard = ModuleType("wandb"), ModuleType("torch.utils.tensorboard")
    wandb.init, tensorboard.SummaryWriter = init, SummaryWriter  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", tensorboard)
    return calls


def test_wandb(tmp_path: Path, stream: TokenStream, told: Told) -> None:
    fit(tmp_path / "run", stream, "train.max_steps=3", 'train.wandb="golf"')
    kind, options = told[0]
    assert kind == "init" and options["project"] == "golf" and options["name"] == "run" and options["resume"] == "allow"
    assert options["config"]["train"]["max_steps"] == 3 and options["dir"] == str(tmp_path / "run")
    steps = events(tmp_path / "run", "step")
    logged = [numbers for kind, numbers in told if kind == "log" and "step/loss" in numbers]
    assert [(numbers["at"], numbers["step/loss"]) for numbers in logged] == [(event["step"], event["loss"]) for event in steps]
    assert {"step/lr_scale", "step/step_ms", "step/tokens_per_second", "step/peak_memory_mb", "step/qat"} <= set(logged[0])
    assert ("log", {"validate/bpb": 1.0, "at": 3}) in told and told[-1] == ("finish", {})


def test_a_resumed_run_is_the_same_one_there(tmp_path: Path, stream: TokenStream, told: Told) -> None:
    for folder in ("run", "run", "other"):
        fit(tmp_path / folder, stream, "train.max_steps=1", 'train.wandb="golf"')
    first, again, other = (options["id"] for kind, options in told if kind == "init")
    assert first == again != other


def test_tensorboard(tmp_path: Path, stream: TokenStream, told: Told) -> None:
    fit(tmp_path / "run", stream, "train.max_steps=2", "train.tensorboard=true")
    assert told[0] == ("writer", {"log_dir": str(tmp_path / "run" / "tensorboard")}) and told[-1] == ("close", {})
    losses = [(numbers["at"], numbers["step/loss"]) for kind, numbers in told if "step/loss" in numbers]
    assert losses == [(event["step"], event["loss"]) for event in events(tmp_path / "run", "step")]


def test_nobody_is_told_who_is_not_asked_for(tmp_path: Path, stream: TokenStream, told: Told) -> None:
    fit(tmp_path / "run", stream, "train.max_steps=1")
    assert told == []


@pytest.mark.parametrize(("override", "module"), [('train.wandb="golf"', "wandb"), ("train.tensorboard=true", "torch.utils.tensorboard")])
def test_one_that_is_not_installed(monkeypatch: pytest.MonkeyPatch, override: str, module: str) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    key = override.partition("=")[0]
    with pytest.raises(InputError, match=f"{key}: expected the package .* to be installed"):
        require_trackers(micro(override).train)
    require_trackers(micro().train)
