"""Other places that a run's log goes to, if the recipe asks for them."""

import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bytegolf.errors import InputError
from bytegolf.text.shards import TokenStream
from bytegolf.training.trackers import require_trackers
from support import tracked_runs
from support.offline_wandb import offline_series
from support.runs import environment, events, fit, micro, write_stream


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stream")


@pytest.fixture(scope="module")
def stream(tokens: Path) -> TokenStream:
    return write_stream(tokens)


def numbers(root: Path, kind: str, key: str) -> dict[int, float]:
    return {event["step"]: event[key] for event in events(root, kind)}


def series(root: Path) -> dict[str, list[tuple[int, float]]]:
    """Every series of a run's log: steps and numbers, in their order."""
    found: dict[str, list[tuple[int, float]]] = {}
    for event in events(root):
        for key, value in event.items():
            if event["event"] != "clock" and key != "step" and isinstance(value, int | float):
                found.setdefault(f"{event['event']}/{key}", []).append((event["step"], value))
    return found


def killed_and_resumed(root: Path, stream: Path, tracker: str, **variables: str) -> Path:
    """A run of 30 steps that is killed right after step 17, and goes on in another process from its checkpoint of step 10."""
    command = [sys.executable, tracked_runs.__file__, str(stream), str(root), tracker]
    killed = subprocess.run([*command, "17"], env=environment() | variables, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    subprocess.run(command, env=environment() | variables, capture_output=True, check=True)
    assert len(numbers(root, "step", "loss")) == 30
    return root


@pytest.mark.slow
@pytest.mark.usefixtures("stream")
def test_weights_and_biases(tmp_path: Path, tokens: Path) -> None:
    """The real package, in its offline mode, which leaves what it would send in the run's folder."""
    pytest.importorskip("wandb")
    run = killed_and_resumed(tmp_path / "run", tokens, "train.wandb=golf", WANDB_MODE="offline", WANDB_SILENT="true")
    (file,) = run.glob("wandb/offline-run-*/*.wandb")
    shown, logged = offline_series(file), series(run)
    assert shown == logged


@pytest.mark.slow
@pytest.mark.usefixtures("stream")
def test_tensorboard(tmp_path: Path, tokens: Path) -> None:
    """The real package, read as its own server reads it. Its numbers have 32 bits."""
    accumulators = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    run = killed_and_resumed(tmp_path / "run", tokens, "train.tensorboard=true")
    read = accumulators.EventAccumulator(str(run / "tensorboard"), size_guidance={"scalars": 0}).Reload()
    shown = {name: [(point.step, point.value) for point in read.Scalars(name)] for name in read.Tags()["scalars"]}
    assert shown == {name: [(step, float(np.float32(value))) for step, value in points] for name, points in series(run).items()}


def test_two_runs_are_two_to_weights_and_biases(tmp_path: Path, stream: TokenStream, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[dict[str, Any]] = []
    ended: list[bool] = []

    def init(**settings: Any) -> SimpleNamespace:
        begun.append(settings)
        return SimpleNamespace(step=0, offline=False, log=lambda values, step: None, finish=lambda: ended.append(True))

    fake = ModuleType("wandb")
    fake.init = init  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "wandb", fake)
    for name in ("run", "run", "other"):  # the second resumes
        fit(tmp_path / name, stream, "train.wandb=golf")
    assert begun[0]["id"] == begun[1]["id"] != begun[2]["id"]
    assert ended == [True] * 3 and begun[0]["project"] == "golf" and begun[0]["name"] == "run" and begun[0]["resume"] == "allow"
    assert begun[0]["config"]["train"]["wandb"] == "golf"


def test_a_server_is_told_nothing_twice(tmp_path: Path, stream: TokenStream, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has got the points of 16 steps when the run is resumed from step 10."""
    told: list[tuple[int, str]] = []
    remote = SimpleNamespace(step=0, offline=False, log=lambda values, step: told.extend((step, name) for name in values), finish=list)
    fake = ModuleType("wandb")
    fake.init = lambda **settings: remote  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "wandb", fake)
    fit(tmp_path / "run", stream, "train.wandb=golf")
    whole = sorted(told)
    shutil.rmtree(tmp_path / "run" / "checkpoints" / "step-00000020")
    told[:] = [point for point in told if point[0] < 17]
    remote.step = 17
    fit(tmp_path / "run", stream, "train.wandb=golf")
    assert sorted(told) == whole


def test_nothing_is_imported_or_sent_unless_asked_for(tmp_path: Path, stream: TokenStream, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("wandb", "tensorboard", "torch.utils.tensorboard"):
        monkeypatch.setitem(sys.modules, module, None)  # importing it fails

    def refuse(*arguments: object) -> None:
        pytest.fail(f"a connection to {arguments[1:]}")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    fit(tmp_path / "run", stream)
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["checkpoints", "log.jsonl", "train.log"]


@pytest.mark.parametrize(("key", "value", "module"), [("wandb", "golf", "wandb"), ("tensorboard", "true", "torch.utils.tensorboard")])
def test_what_is_not_installed_is_named(key: str, value: str, module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError, match=rf"train.{key}: expected the package \w+ to be installed \(pip install \w+\)"):
        require_trackers(micro(f"train.{key}={value}").train)
    require_trackers(micro().train)
