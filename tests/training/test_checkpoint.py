"""A checkpoint gives back what went in, or says that it is damaged; writing one never harms the one before."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.optim import AdamW, Optimizer

from bytegolf.errors import InputError
from bytegolf.training import checkpoint as module
from bytegolf.training.checkpoint import (
    Checkpoint,
    State,
    flatten,
    load_checkpoint,
    newest_checkpoint,
    optimizer_tensors,
    restore_optimizer,
    save_checkpoint,
)
from bytegolf.training.muon import Muon
from support.runs import small_disk

CPU = torch.device("cpu")


def state(step: int, numbers: dict[str, float] | None = None) -> State:
    return State(
        step=step,
        seconds=0.1 + 0.2,
        position=8 * step,
        qat_started=True,
        swa_count=0,
        optimizers={"adam": numbers or {}},
        log_bytes=(1000, 100),
        fingerprint={"data": "π"},
    )


def sample(step: int) -> Checkpoint:
    groups = {
        "model": {"tokens": torch.full((2, 3), float(step)), "banks.qo": torch.randn(2, 4, 4)},
        "ema": {"tokens": torch.zeros(3, dtype=torch.bfloat16), "count": torch.tensor(step)},
        "empty": {},
    }
    return Checkpoint(flatten(groups), state(step))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_round_trip(tmp_path: Path) -> None:
    saved = sample(7)
    save_checkpoint(tmp_path / "checkpoints", 7, saved)
    loaded = load_checkpoint(tmp_path / "checkpoints", CPU)
    assert loaded is not None and loaded.state == saved.state
    assert set(loaded.tensors) == set(saved.tensors)
    for name, tensor in saved.tensors.items():
        assert loaded.tensors[name].dtype == tensor.dtype and torch.equal(loaded.tensors[name], tensor)
    assert set(loaded.group("model")) == {"tokens", "banks.qo"} and set(loaded.group("ema")) == {"tokens", "count"}
    assert loaded.group("empty") == {} and loaded.group("mod") == {}


def test_views_are_saved_as_what_they_show(tmp_path: Path) -> None:
    base = torch.arange(12.0).reshape(3, 4)
    save_checkpoint(tmp_path, 1, Checkpoint(flatten({"a": {"t": base.T}}), state(1)))
    loaded = load_checkpoint(tmp_path, CPU)
    assert loaded is not None and torch.equal(loaded.group("a")["t"], base.T)


def test_the_last_two_are_kept_and_the_newest_is_loaded(tmp_path: Path) -> None:
    for step in (5, 50, 500, 100_000_000, 600):  # the last one as after a resume from an older checkpoint
        save_checkpoint(tmp_path, step, sample(step))
        assert len(names(tmp_path)) <= 2
    assert names(tmp_path)[-1] == "step-100000000"
    assert newest_checkpoint(tmp_path) == tmp_path / "step-100000000"
    loaded = load_checkpoint(tmp_path, CPU)
    assert loaded is not None and loaded.state.step == 100_000_000


def test_no_checkpoint(tmp_path: Path) -> None:
    assert load_checkpoint(tmp_path, CPU) is None
    assert load_checkpoint(tmp_path / "none", CPU) is None
    assert newest_checkpoint(tmp_path) is None


def test_saving_a_step_again_replaces_it(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, 3, sample(1))
    save_checkpoint(tmp_path, 3, sample(2))
    loaded = load_checkpoint(tmp_path, CPU)
    assert loaded is not None and loaded.state.step == 2 and names(tmp_path) == ["step-00000003"]


def edit(folder: Path, **changes: object) -> None:
    """Give keys of the state other values; None takes a key away."""
    saved = json.loads((folder / "state.json").read_text())
    saved["state"] = {key: value for key, value in {**saved["state"], **changes}.items() if value is not None}
    (folder / "state.json").write_text(json.dumps(saved))


def flip(path: Path) -> None:
    """The last bit: that of a weight."""
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


DAMAGES: dict[str, Callable[[Path], object]] = {
    "tensors cut": lambda folder: os.truncate(folder / "tensors.safetensors", 60),
    "tensors empty": lambda folder: os.truncate(folder / "tensors.safetensors", 0),
    "tensors cut at the end": lambda folder: os.truncate(
        folder / "tensors.safetensors", (folder / "tensors.safetensors").stat().st_size - 1
    ),
    "tensors gone": lambda folder: (folder / "tensors.safetensors").unlink(),
    "tensors overwritten": lambda folder: (folder / "tensors.safetensors").write_bytes(b"\xff" * 300),
    "state cut": lambda folder: os.truncate(folder / "state.json", 9),
    "state gone": lambda folder: (folder / "state.json").unlink(),
    "state not UTF-8": lambda folder: (folder / "state.json").write_bytes(b"\xff\xfe{}"),
    "state without keys": lambda folder: (folder / "state.json").write_text("{}"),
    "state a list": lambda folder: (folder / "state.json").write_text("[]"),
    "a key gone": lambda folder: edit(folder, position=None),
    "a key too many": lambda folder: edit(folder, more=1),
    "a step that is no number": lambda folder: edit(folder, step="many"),
    "a step before the first": lambda folder: edit(folder, step=-1),
    "a log of one length": lambda folder: edit(folder, log_bytes=10),
    "a flipped bit": lambda folder: flip(folder / "tensors.safetensors"),
    "another's tensors": lambda folder: shutil.copy(folder.with_name("step-00000001") / "tensors.safetensors", folder),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_checkpoint_is_named_and_the_one_before_still_loads(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    for step in (1, 2):
        save_checkpoint(tmp_path, step, sample(step))
    damage(tmp_path / "step-00000002")
    with pytest.raises(InputError, match=r"step-00000002: expected a checkpoint, found a damaged one .*delete it") as caught:
        load_checkpoint(tmp_path, CPU)
    assert "http" not in str(caught.value), "the reason, without the library's own advice"
    shutil.rmtree(tmp_path / "step-00000002")
    loaded = load_checkpoint(tmp_path, CPU)
    assert loaded is not None and loaded.state.step == 1


def test_a_full_disk_leaves_the_old_checkpoint_and_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_checkpoint(tmp_path, 1, sample(1))
    before = tree(tmp_path)

    def full(tensors: object, path: Path) -> None:
        path.write_bytes(b"half of")
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(module, "save_file", full)
    for step in (1, 2):
        with pytest.raises(OSError, match="No space left"):
            save_checkpoint(tmp_path, step, sample(step))
    assert tree(tmp_path) == before and names(tmp_path) == ["step-00000001"]


def test_a_file_system_that_is_really_full(tmp_path: Path) -> None:
    """What the tensors are written with has errors of its own kind."""
    save_checkpoint(tmp_path, 1, sample(1))
    before = tree(tmp_path)
    for room in (0, 300):
        with small_disk(room), pytest.raises(OSError, match="File too large") as caught:
            save_checkpoint(tmp_path, 2, sample(2))
        assert caught.value.filename == str(tmp_path / "step-00000002"), "a name without the process and .partial"
        assert tree(tmp_path) == before and names(tmp_path) == ["step-00000001"]
    save_checkpoint(tmp_path, 2, sample(2))
    assert names(tmp_path) == ["step-00000001", "step-00000002"]


def test_what_a_killed_process_left_behind_is_no_checkpoint(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, 1, sample(1))
    (tmp_path / ".step-00000002.4242.partial").mkdir()
    loaded = load_checkpoint(tmp_path, CPU)
    assert loaded is not None and loaded.state.step == 1


def test_what_a_killed_process_of_the_same_id_left_behind_is_no_obstacle(tmp_path: Path) -> None:
    """In a container, where a training command always gets the same process id."""
    left = tmp_path / f".step-00000002.{os.getpid()}.partial"
    left.mkdir()
    (left / "tensors.safetensors").write_bytes(b"half of")
    save_checkpoint(tmp_path, 2, sample(2))
    assert names(tmp_path) == ["step-00000002"]


def new_optimizer(kind: str, parameters: list[nn.Parameter]) -> Optimizer:
    if kind == "muon":
        return Muon(parameters, 0.1, 0.2, 5, torch.float32)
    return AdamW([{"params": parameters[:1], "lr": 0.1}, {"params": parameters[1:], "lr": 0.2}], fused=True)


@pytest.mark.parametrize("kind", ["muon", "adamw"])
def test_an_optimiser_goes_on_as_if_nothing_had_happened(kind: str, tmp_path: Path) -> None:
    """More than ten parameters, so that "10" does not sort before "2"."""

    def parameters() -> list[nn.Parameter]:
        generator = torch.Generator().manual_seed(0)
        return [nn.Parameter(torch.randn(2, 3, 3 + i, generator=generator)) for i in range(12)]

    def advance(optimizer: Optimizer, members: list[nn.Parameter], steps: range) -> None:
        for step in steps:
            for i, member in enumerate(members):
                member.grad = torch.randn(member.shape, generator=torch.Generator().manual_seed(100 * step + i)) if i != 5 else None
            optimizer.step()

    whole, first, second = parameters(), parameters(), parameters()
    advance(new_optimizer(kind, whole), whole, range(6))

    optimizer = new_optimizer(kind, first)
    advance(optimizer, first, range(3))
    tensors, numbers = optimizer_tensors(optimizer.state_dict())
    save_checkpoint(tmp_path, 3, Checkpoint(flatten({"optimizer": tensors}), state(3, numbers)))

    loaded = load_checkpoint(tmp_path, CPU)
    assert loaded is not None
    resumed = new_optimizer(kind, second)
    restore_optimizer(resumed, loaded.group("optimizer"), loaded.state.optimizers["adam"])
    with torch.no_grad():
        for member, reached in zip(second, first, strict=True):
            member.copy_(reached)
    advance(resumed, second, range(3, 6))
    assert all(torch.equal(a, b) for a, b in zip(whole, second, strict=True))
