"""One, two and four real processes: one run, whatever their number."""

import json
import signal
from pathlib import Path

import pytest
import torch

from bytegolf.training.checkpoint import load_checkpoint, newest_checkpoint
from support.processes import Crowd, Signal, Slow, finish, flip_a_bit, hashing, recording, start, train_command
from support.runs import events, prepared, untimed

TOLERANCE = 1e-5
ALIKE = ("train.max_steps=20", "qat.start=1.0", "train.validate_every=8", "train.validate_bytes=3000", "train.checkpoint_every=5")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepared(tmp_path_factory)


@pytest.fixture(scope="module")
def crowds(tmp_path_factory: pytest.TempPathFactory, data: Path) -> dict[int, tuple[Crowd, Path]]:
    """By number of processes."""
    root = tmp_path_factory.mktemp("together")
    sizes = (1, 2, 4)
    return {
        size: (finish(root / f"crowd{size}", size, data, root / f"run{size}", *ALIKE, hooks=(hashing, recording)), root / f"run{size}")
        for size in sizes
    }


def losses(run: Path) -> list[float]:
    return [event["loss"] for event in events(run, "step")]


def hashes(crowd: Crowd) -> list[list[str]]:
    return [(crowd.folder / f"{rank}.hashes").read_text().splitlines() for rank in range(len(crowd.processes))]


# --- the same run


@pytest.mark.parametrize("size", [2, 4])
def test_losses_are_those_of_one_process(crowds: dict[int, tuple[Crowd, Path]], size: int) -> None:
    alone, together = crowds[1][1], crowds[size][1]
    assert len(losses(together)) == 20 and losses(alone)[-1] < 0.6 * losses(alone)[0]
    assert losses(together) == pytest.approx(losses(alone), abs=TOLERANCE)
    assert [(event["step"], event["bpb"]) for event in events(together, "validate")] == [
        (event["step"], pytest.approx(event["bpb"], abs=TOLERANCE)) for event in events(alone, "validate")
    ]
    assert [event["event"] for event in events(together)] == [event["event"] for event in events(alone)]


def test_replicas_are_one_bit_for_bit_after_every_step(crowds: dict[int, tuple[Crowd, Path]]) -> None:
    for size, (crowd, _) in crowds.items():
        found = hashes(crowd)
        assert len(found) == size and len(set(found[0])) == 20
        assert all(other == found[0] for other in found)


@pytest.mark.parametrize(
    "overrides",
    [
        ("train.dtype=bfloat16", "train.max_steps=12", "optim.grad_clip=0.0", "train.micro_batch_tokens=64"),
        ("train.max_steps=0", "train.max_seconds=2", "train.log_every=1"),
        ("average.ema_decay=0.0", "average.swa_below=1.0", "average.swa_every=2", "train.max_steps=12", "train.warmup_steps=3"),
    ],
    ids=["bfloat16", "timed", "swa and warm-up"],
)
def test_replicas_are_one_in_every_kind_of_run(tmp_path: Path, data: Path, overrides: tuple[str, ...]) -> None:
    """Also where one process's clock runs faster than the main one's, and after QAT has started."""
    crowd = finish(tmp_path / "crowd", 2, data, tmp_path / "run", *overrides, hooks=(hashing, Slow(1)))
    first, second = hashes(crowd)
    assert len(first) >= 6 and first == second
    assert len(events(tmp_path / "run", "qat")) == 1


def test_process_0_alone_writes_and_speaks(crowds: dict[int, tuple[Crowd, Path]]) -> None:
    crowd, run = crowds[4]
    assert [crowd.said(rank) for rank in (1, 2, 3)] == [[], [], []]
    assert [len((crowd.folder / f"{rank}.out").read_text()) > 0 for rank in range(4)] == [True, False, False, False]
    assert json.loads((crowd.folder / "0.out").read_text())["steps"] == 20
    assert {path.name for path in run.iterdir()} == {path.name for path in crowds[1][1].iterdir()}
    assert any("4 processes" in line for line in crowd.said(0))


# --- what passes between them, and when


@pytest.mark.parametrize("size", [2, 4])
def test_transfers_are_under_way_while_others_compute(crowds: dict[int, tuple[Crowd, Path]], size: int) -> None:
    """Everything is started, the largest bank first, before anything is waited for; a bank's update travels under the next one's work."""
    banks = {"qo": (4, 32, 32), "up": (2, 64, 32), "down": (2, 32, 64), "kv": (4, 16, 32)}  # micro's, by numbers of weights
    part = {name: (-(-rows // size), *matrix) for name, (rows, *matrix) in banks.items()}
    whole = {name: (rows * size, *matrix) for name, (rows, *matrix) in part.items()}
    others = f"sum ({26_727 - sum(a * b * c for a, b, c in banks.values())},)"
    expected = ["start sum ()", *(f"start scatter {part[name]}" for name in banks), f"start {others}"]
    expected += [*(f"wait scatter {part[name]}" for name in banks), f"wait {others}"]
    previous = None
    for name in banks:
        expected += [f"orthogonalise {part[name]}", f"start gather {whole[name]}"]
        expected += [f"wait gather {whole[previous]}"] if previous else []
        previous = name
    expected += [f"wait gather {whole['kv']}", "adam", "wait sum ()"]
    for rank in range(size):
        lines = json.loads((crowds[size][0].folder / f"{rank}.transfers").read_text())
        assert lines[: len(expected)] == expected
        assert lines[len(expected) : 2 * len(expected)] == expected, "and again"


def test_a_process_keeps_its_part_of_the_momentum_and_a_checkpoint_all_of_it(crowds: dict[int, tuple[Crowd, Path]]) -> None:
    kept = {}
    for size in (1, 4):
        newest = newest_checkpoint(crowds[size][1] / "checkpoints")
        checkpoint = load_checkpoint(newest.parent, torch.device("cpu")) if newest else None
        assert checkpoint is not None
        kept[size] = checkpoint.group("muon")
    assert {name: tensor.shape for name, tensor in kept[4].items()} == {name: tensor.shape for name, tensor in kept[1].items()}
    for name, tensor in kept[1].items():
        assert kept[4][name].sub(tensor).abs().max() < TOLERANCE and tensor.abs().max() > 100 * TOLERANCE


# --- ends


@pytest.mark.parametrize("size", [1, 4])
def test_an_interrupted_run_goes_on_with_any_number_of_processes(
    tmp_path: Path, data: Path, crowds: dict[int, tuple[Crowd, Path]], size: int
) -> None:
    """SIGTERM to one of two, and all stop after the same step."""
    run = tmp_path / "run"
    crowd = start(tmp_path / "crowd", [train_command(data, run, *ALIKE)] * 2, [Signal(1, signal.SIGTERM)])
    assert crowd.wait() == [130, 130]
    assert crowd.errors() == [f"error: {run}: stopped at step 7; resume it to continue"]
    finish(tmp_path / "resumed", size, data, run, *ALIKE)
    assert losses(run) == pytest.approx(losses(crowds[1][1]), abs=TOLERANCE)
    assert [event["step"] for event in events(run, "step")] == list(range(1, 21))


def test_two_processes_go_on_as_if_nothing_had_happened(tmp_path: Path, data: Path, crowds: dict[int, tuple[Crowd, Path]]) -> None:
    run = tmp_path / "run"
    crowd = start(tmp_path / "crowd", [train_command(data, run, *ALIKE)] * 2, [Signal(0, signal.SIGINT)])
    assert crowd.wait() == [130, 130]
    finish(tmp_path / "resumed", 2, data, run, *ALIKE)
    whole = crowds[2][1]
    assert (run / "weights.safetensors").read_bytes() == (whole / "weights.safetensors").read_bytes()
    assert untimed(run) == untimed(whole)


def test_a_batch_that_cannot_be_shared_out(tmp_path: Path, data: Path) -> None:
    crowd = start(tmp_path / "crowd", [train_command(data, tmp_path / "run")] * 3)
    assert crowd.wait() == [2, 2, 2]
    [line] = crowd.errors()
    assert line.endswith("train.batch_tokens: expected a multiple of 3 sequences for 3 processes, found 8")
    assert not (tmp_path / "run").exists()


def test_replicas_that_differ_end_the_run(tmp_path: Path, data: Path) -> None:
    crowd = start(tmp_path / "crowd", [train_command(data, tmp_path / "run", "train.verify_every=5")] * 2, [flip_a_bit])
    assert crowd.wait() == [2, 2]
    [line] = crowd.errors()
    assert "replicas differ: expected the EMA of tokens of rank 0 after step 5, found another on rank 1" in line
