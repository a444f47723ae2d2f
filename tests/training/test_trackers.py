"""Other places that a run's log goes to, if the recipe asks for them."""

import sys
from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from bytegolf.errors import InputError
from bytegolf.text.shards import TokenStream
from bytegolf.training.trackers import require_trackers
from support.runs import events, fit, micro, write_stream


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> TokenStream:
    return write_stream(tmp_path_factory.mktemp("stream"))


def numbers(root: Path, kind: str, key: str) -> dict[int, float]:
    return {event["step"]: event[key] for event in events(root, kind)}


def test_weights_and_biases(tmp_path: Path, stream: TokenStream, monkeypatch: pytest.MonkeyPatch) -> None:
    logged: dict[int, dict[str, float]] = {}
    begun: list[dict[str, Any]] = []
    ended: list[bool] = []

    def log(values: Mapping[str, float], step: int) -> None:
        logged.setdefault(step, {}).update(values)

    def init(**settings: Any) -> SimpleNamespace:
        begun.append(settings)
        return SimpleNamespace(log=log, finish=lambda: ended.append(True))

    fake = ModuleType("wandb")
    fake.init = init  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "wandb", fake)
    fit(tmp_path / "run", stream, "train.wandb=golf")
    for other in ("run", "other"):  # resumed, and another one
        fit(tmp_path / other, stream, "train.wandb=golf")
    assert begun[0]["id"] == begun[1]["id"] != begun[2]["id"]
    assert ended == [True] * 3 and begun[0]["project"] == "golf" and begun[0]["name"] == "run" and begun[0]["resume"] == "allow"
    assert begun[0]["config"]["train"]["wandb"] == "golf"
    assert {step: values["step/loss"] for step, values in logged.items()} == numbers(tmp_path / "run", "step", "loss")
    assert logged[30]["validate/bpb"] == 1.0


def test_tensorboard(tmp_path: Path, stream: TokenStream, monkeypatch: pytest.MonkeyPatch) -> None:
    logged: dict[tuple[str, int], float] = {}
    places: list[str] = []

    @contextmanager
    def writer(log_dir: str) -> Any:
        places.append(log_dir)
        yield SimpleNamespace(add_scalar=lambda name, value, step: logged.update({(name, step): value}))

    fake = ModuleType("torch.utils.tensorboard")
    fake.SummaryWriter = writer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", fake)
    fit(tmp_path / "run", stream, "train.tensorboard=true")
    assert places == [str(tmp_path / "run" / "tensorboard")]
    assert {step: logged["step/loss", step] for step in range(1, 31)} == numbers(tmp_path / "run", "step", "loss")


@pytest.mark.parametrize(("key", "value", "module"), [("wandb", "golf", "wandb"), ("tensorboard", "true", "torch.utils.tensorboard")])
def test_what_is_not_installed_is_named(key: str, value: str, module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError, match=rf"train.{key}: expected the package \w+ to be installed \(pip install \w+\)"):
        require_trackers(micro(f"train.{key}={value}").train)
    require_trackers(micro().train)
