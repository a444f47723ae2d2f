"""How this machine is shared out among cells, and how they are stopped."""

import time
from contextlib import closing
from pathlib import Path

import pytest

from bytegolf.errors import InputError
from bytegolf.experiments import local
from bytegolf.experiments.local import Room
from bytegolf.experiments.measure import Measure
from bytegolf.experiments.work import Work
from bytegolf.storage.claim import claimed
from support.runs import MICRO


@pytest.mark.parametrize(
    ("cores", "cells", "jobs", "threads", "expected"),
    [
        (2, 4, 0, 0, (2, 1)),
        (2, 1, 0, 0, (1, 2)),
        (64, 6, 0, 0, (6, 10)),
        (64, 100, 0, 0, (64, 1)),
        (64, 100, 0, 16, (4, 16)),
        (64, 100, 4, 0, (4, 16)),
        (2, 4, 8, 0, (8, 1)),
        (2, 4, 0, 8, (1, 8)),
    ],
)
def test_cores_are_shared_out(
    monkeypatch: pytest.MonkeyPatch, cores: int, cells: int, jobs: int, threads: int, expected: tuple[int, int]
) -> None:
    monkeypatch.setattr(local, "usable_cores", lambda: cores)
    room = Room.of(cells, jobs, threads)
    assert (room.jobs, room.threads) == expected


def test_gpus_are_shared_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    monkeypatch.setattr(local, "usable_cores", lambda: 8)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert Room.of(5, device="auto") == Room(2, 4, ("0", "1"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    assert [one["CUDA_VISIBLE_DEVICES"] for one in Room.of(5, 3, device="cuda").environments()] == ["3", "5", "3"]
    assert Room.of(5, device="cpu").gpus == Room.of(5, device="cuda:1").gpus == ()


def test_the_one_gpu_of_a_mac(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "has_mps", lambda: True)
    monkeypatch.setattr(local, "usable_cores", lambda: 8)
    assert Room.of(5, device="auto") == Room.of(5, device="mps") == Room(1, 8)
    assert Room.of(5, device="cpu") == Room(5, 1)


@pytest.mark.parametrize(("jobs", "threads"), [(-1, 0), (0, -1)])
def test_numbers_that_are_none(jobs: int, threads: int) -> None:
    with pytest.raises(InputError, match="expected at least 1, or 0 to choose, found -1"):
        Room.of(3, jobs, threads)


def work(root: Path, name: str, *training: str) -> Work:
    data = ("--data", str(root / "nowhere"))
    return Work(name, root / name, root / "logs" / f"{name}.log", training, data, Measure(None, packs=False), 1)


@pytest.mark.slow
def test_a_failure_is_told_in_one_line(tmp_path: Path) -> None:
    works = [work(tmp_path, "a", "no-recipe"), work(tmp_path, "b", str(MICRO)), work(tmp_path, "c", "--no-option")]
    errors = {outcome.work.name: outcome.error for outcome in Room.of(3, jobs=2).run(works) if outcome}
    assert "found 'no-recipe'" in str(errors["a"]) and "nowhere" in str(errors["b"]) and "--no-option" in str(errors["c"])
    assert not any("\n" in str(error) or str(error).startswith("error") for error in errors.values())
    assert (tmp_path / "logs" / "a.log").read_text().startswith("$ bytegolf train no-recipe --data ")


@pytest.mark.slow
def test_closing_stops_what_runs_and_what_waits(tmp_path: Path, data: Path) -> None:
    endless = (str(MICRO), "--set", "train.max_steps=1000000", "--set", "qat.start=1")
    works = [Work(**{**vars(work(tmp_path, name, *endless)), "data": ("--data", str(data))}) for name in "abc"]
    with closing(Room(2, 1).run(works)) as outcomes:
        while not all((tmp_path / name / "log.jsonl").exists() for name in "ab"):
            assert next(outcomes) is None
    assert not (tmp_path / "c").exists()
    for name in "ab":
        assert "stopped at step" in (tmp_path / "logs" / f"{name}.log").read_text()
        assert list((tmp_path / name / "checkpoints").glob("step-*"))


@pytest.mark.slow
def test_work_waits_for_a_process_that_still_writes(tmp_path: Path, data: Path) -> None:
    """As one that a killed sweep left does, while it ends."""
    training = (str(MICRO), "--set", "train.max_steps=1", "--set", "qat.start=1")
    mine = Work(**{**vars(work(tmp_path, "a", *training)), "data": ("--data", str(data))})
    with closing(Room(1, 1).run([mine])) as outcomes:
        with claimed(mine.run, folder=True):
            until = time.monotonic() + 3
            while time.monotonic() < until:
                assert next(outcomes) is None
            assert not (mine.run / "recipe.toml").exists()
        assert [outcome.error for outcome in outcomes if outcome] == [None]
    assert (mine.run / "manifest.json").exists() and [log.name for log in (tmp_path / "logs").iterdir()] == ["a.log"]
