"""Late QAT under method rate: on the grid that the packer would choose at that moment, through kills, replays and processes."""

from pathlib import Path
from statistics import fmean
from typing import Any, NoReturn

import pytest
import torch

import bytegolf as bg
from bytegolf.config import Recipe
from bytegolf.errors import InputError
from bytegolf.model.weights import Weights
from bytegolf.packing.qat_grid import solve_qat_grid
from bytegolf.runtime.parallel import ALONE, Group
from bytegolf.storage.run_folder import RunFolder
from bytegolf.text.dataset import open_data
from bytegolf.training import late_qat
from bytegolf.training.checkpoint import load_checkpoint
from bytegolf.training.fake_quant import ClassBits, SpacingTable
from bytegolf.training.late_qat import QatPlan
from bytegolf.training.learner import Learner
from support.processes import finish, hashing
from support.runs import BITS, AtEvent, Killed, equal, events, kill, micro, new_trainer, prepared, untimed, write_stream

COARSE = ("pack.budget=8100", "qat.start=0.5", "average.ema_decay=0.9")  # QAT from step 15 on, at 2 bits a weight
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepared(tmp_path_factory)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Path:
    """Read only."""
    run = tmp_path_factory.mktemp("whole") / "run"
    bg.train(micro(*COARSE), data, run)
    return run


def weights_file(run: Path) -> bytes:
    return RunFolder(run).weights.read_bytes()


def grid_now(recipe: Recipe, weights: Weights, data: Path) -> SpacingTable:
    """Return the packer's spacings for weights, asked for outside of any run."""
    dataset = open_data(data, None)
    found = solve_qat_grid(recipe, weights, dataset.train, dataset.tokenizer, CPU)
    assert found is not None
    return SpacingTable.of(found.stacks)


def plan(data: Path) -> QatPlan:
    dataset = open_data(data, None)
    return QatPlan(BITS, dataset.train, dataset.tokenizer)


# --- whose grid it is


def test_it_is_asked_for_once_for_the_weights_of_that_moment(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moments: list[tuple[bool, SpacingTable]] = []  # whether it is that of the weights now
    loss = Learner.loss

    def watched(self: Learner, sequences: torch.Tensor) -> torch.Tensor:
        if isinstance(self.grid, SpacingTable):
            now = grid_now(self.recipe, self.weights, data)
            moments.append((equal(self.grid_tensors, now.tensors), self.grid))
        return loss(self, sequences)

    monkeypatch.setattr(Learner, "loss", watched)
    bg.train(micro(*COARSE, "train.max_steps=8"), data, tmp_path / "run")
    assert [current for current, _ in moments] == [True, False, False, False], "found before the first step, for the weights then"
    assert all(grid is moments[0][1] for _, grid in moments)


@pytest.mark.parametrize("override", ["pack.method=gptq", "pack.method=baseline", "qat.start=0.0"])
def test_other_methods_have_the_bits_of_classes(data: Path, override: str) -> None:
    """And so has QAT from the first step on: there is nothing yet of which spacings could be found."""
    recipe = micro(override)
    assert not plan(data).solves(recipe) and plan(data).solves(micro())
    assert plan(data).grid(recipe, {}, ALONE, CPU) == (ClassBits(BITS), BITS)


def test_the_log_says_what_each_class_has(whole: Path) -> None:
    [begun] = events(whole, "qat")
    assert begun["step"] == 15 and begun["bits"]["embedding"] > begun["bits"]["mlp"] > 0
    assert [event["qat"] for event in events(whole, "step")] == [False] * 15 + [True] * 15


def test_training_feels_it(whole: Path, data: Path, tmp_path: Path) -> None:
    """Up to the beginning the run is the one without QAT, then another."""
    bg.train(micro(*COARSE, "qat.start=1.0"), data, tmp_path / "run")
    with_qat, without = ([event["loss"] for event in events(run, "step")] for run in (whole, tmp_path / "run"))
    assert with_qat[:15] == without[:15]
    differences = [abs(a - b) for a, b in zip(with_qat[15:], without[15:], strict=True)]
    assert all(differences) and fmean(differences) > 1e-3


# --- it is part of the run


@pytest.mark.parametrize("event", [15, 16, 17, 22])  # before it is found, once it is found, after a step on it, after a checkpoint with it
def test_killed_then_resumed(whole: Path, data: Path, tmp_path: Path, at_event: AtEvent, event: int) -> None:
    at_event(event, kill)
    with pytest.raises(Killed):
        bg.train(micro(*COARSE), data, tmp_path / "run")
    bg.train(micro(*COARSE), data, tmp_path / "run", resume=True)
    assert weights_file(tmp_path / "run") == weights_file(whole) and untimed(tmp_path / "run") == untimed(whole)


def test_a_replay_finds_it_again(whole: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bg.train(micro(*COARSE), data, tmp_path / "run", replay=whole)
    assert "bit for bit" in capsys.readouterr().err and weights_file(tmp_path / "run") == weights_file(whole)


def test_the_checkpoint_holds_it_in_little(whole: Path, data: Path) -> None:
    """A number for each row and column: what is kept for all weights of a bank would be as large as the bank."""
    checkpoint = load_checkpoint(RunFolder(whole).checkpoints, CPU)
    assert checkpoint is not None and checkpoint.state.qat_started
    kept, weights = checkpoint.group("grid"), checkpoint.group("model")
    assert {name.rpartition(".")[0] for name in kept} == set(weights)
    assert kept["banks.up.rows"].shape == (2, 64, 1) and kept["banks.up.columns"].shape == (2, 1, 32)


def test_replicas_are_compared_in_it(data: Path, tmp_path: Path) -> None:
    class Pair(Group):
        """Two processes, of which the other one has another second half."""

        def gather(self, value: Any) -> list[Any]:
            return [value, [*value[: len(value) // 2], *(number + 1 for number in value[len(value) // 2 :])]]

    learner = new_trainer(tmp_path, micro("average.ema_decay=0"), write_stream(tmp_path)).learner
    learner.qat = plan(data)
    learner.start_qat()
    learner.group = Pair(0, 2)
    with pytest.raises(InputError, match=r"replicas differ: expected the spacings [\w.]+\.(rows|columns) of rank 0 after step 7"):
        learner.verify(7)


def lonely(rank: int, folder: Path) -> None:
    """Only process 0 may ask the packer."""

    def refuse(*_: object) -> NoReturn:
        raise AssertionError(f"asked by {rank}")

    if rank:
        setattr(late_qat, "solve_qat_grid", refuse)  # noqa: B010


def test_all_processes_have_that_of_process_0(data: Path, tmp_path: Path) -> None:
    crowd = finish(
        tmp_path / "crowd", 2, data, tmp_path / "run", *COARSE, "train.max_steps=8", "train.verify_every=1", hooks=(lonely, hashing)
    )
    [first, second] = [(crowd.folder / f"{rank}.hashes").read_text().splitlines() for rank in range(2)]
    assert first == second and len(first) == 8
    assert len(events(tmp_path / "run", "qat")) == 1


# --- where there is none


def test_a_budget_too_small_costs_the_qat_and_not_the_run(data: Path, tmp_path: Path, at_event: AtEvent, capsys: Any) -> None:
    """Nothing is rounded, no average begins anew, and a resumed run does not ask again."""
    small = micro(*COARSE, "pack.budget=800")
    at_event(22, kill)
    with pytest.raises(Killed):
        bg.train(small, data, tmp_path / "small")
    said = capsys.readouterr().err
    assert "warning: pack.budget: expected at least 2," in said and "found 800; training goes on without QAT" in said
    bg.train(small, data, tmp_path / "small", resume=True)
    assert "without QAT" not in capsys.readouterr().err
    bg.train(micro(*COARSE, "qat.start=1.0"), data, tmp_path / "none")
    assert weights_file(tmp_path / "small") == weights_file(tmp_path / "none")
    assert [event["bits"] for event in events(tmp_path / "small", "qat")] == [{}]
    assert not any(event["qat"] for event in events(tmp_path / "small", "step"))
