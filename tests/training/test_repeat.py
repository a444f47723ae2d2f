"""A timed run, repeated from its log while the clock says something else."""

import itertools
import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import bytegolf as bg
from bytegolf.config import Recipe
from bytegolf.errors import InputError
from bytegolf.storage.files import sha256_of, write_json
from bytegolf.storage.run_folder import RunFolder
from bytegolf.training import schedule
from support.records import read_json
from support.runs import AtEvent, Killed, Stopwatch, events, kill, micro, prepared, untimed

TIMED = micro("train.max_steps=0", "train.max_seconds=20", "train.checkpoint_every=5", "train.log_every=3", "average.swa_below=0.9")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepared(tmp_path_factory)


@pytest.fixture
def pace(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """How long a step takes from here on, about; no two are the same."""

    def keep(seconds: float) -> None:
        draw = random.Random(seconds)
        times = itertools.accumulate(draw.uniform(0.5, 1.5) * seconds for _ in itertools.count())
        monkeypatch.setattr(schedule, "time", SimpleNamespace(perf_counter=lambda: next(times)))

    return keep


def weights(run: Path) -> bytes:
    return RunFolder(run).weights.read_bytes()


def clock(run: Path) -> list[tuple[int, float]]:
    return [(event["step"], event["progress"]) for event in events(run, "clock")]


@pytest.fixture
def timed(tmp_path: Path, data: Path, pace: Callable[[float], None]) -> Path:
    """A finished run of some twenty steps; every step after it will take half as long."""
    pace(1.0)
    bg.train(TIMED, data, tmp_path / "timed")
    pace(0.5)
    return tmp_path / "timed"


def test_a_replay_is_the_run_bit_for_bit(timed: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bg.train(TIMED, data, tmp_path / "again", replay=timed)
    assert "replay: the weights of" in capsys.readouterr().err
    assert weights(tmp_path / "again") == weights(timed) and untimed(tmp_path / "again") == untimed(timed)
    assert read_json(tmp_path / "again" / "manifest.json")["replay"] == {
        "run": str(timed),
        "weights_sha256": sha256_of(timed / "weights.safetensors"),
    }
    assert read_json(timed / "manifest.json")["replay"] is None
    bg.train(TIMED, data, tmp_path / "no-replay")
    assert len(clock(tmp_path / "no-replay")) > 1.5 * len(clock(timed)), "so it is not the clock of this machine that was repeated"


def test_a_replay_has_the_pace_of_the_run(data: Path, tmp_path: Path, pace: Callable[[float], None]) -> None:
    """A warm-down in steps, and QAT by the rate it leads to, rest on how many steps the clock had left."""
    recipe = micro("train.max_steps=0", "train.max_seconds=20", "train.warmdown_steps=12", "qat.start=1.0", "qat.below_scale=0.6")
    pace(1.0)
    bg.train(recipe, data, tmp_path / "timed")
    pace(0.5)
    bg.train(recipe, data, tmp_path / "again", replay=tmp_path / "timed")
    assert weights(tmp_path / "again") == weights(tmp_path / "timed")
    assert untimed(tmp_path / "again") == untimed(tmp_path / "timed")
    assert events(tmp_path / "timed", "qat")


def test_every_step_of_a_timed_run_has_its_progress(timed: Path) -> None:
    """However seldom the fuller lines are written; people are spared."""
    ticks = clock(timed)
    assert [step for step, _ in ticks] == list(range(read_json(timed / "manifest.json")["steps"])) and len(ticks) > 10
    progress = dict(ticks)
    assert all(event["progress"] == progress[event["step"] - 1] for event in events(timed, "step"))
    assert "clock" not in RunFolder(timed).text_log.read_text()
    assert [event["event"] for event in events(timed) if event["event"] == "qat"] == ["qat"]


def test_a_replay_can_be_replayed(timed: Path, data: Path, tmp_path: Path) -> None:
    bg.train(TIMED, data, tmp_path / "again", replay=timed)
    bg.train(TIMED, data, tmp_path / "and-again", replay=tmp_path / "again")
    assert weights(tmp_path / "and-again") == weights(timed)


def test_a_run_that_was_killed_and_resumed_is_replayed_as_one(
    data: Path, tmp_path: Path, pace: Callable[[float], None], at_event: AtEvent
) -> None:
    """The steps between the checkpoint and the kill were taken twice, at other rates; only the second time counts."""
    pace(1.0)
    at_event(3, kill)
    with pytest.raises(Killed):
        bg.train(TIMED, data, tmp_path / "timed")
    pace(1.3)
    bg.train(TIMED, data, tmp_path / "timed", resume=True)
    pace(0.5)
    bg.train(TIMED, data, tmp_path / "again", replay=tmp_path / "timed")
    assert weights(tmp_path / "again") == weights(tmp_path / "timed") and clock(tmp_path / "again") == clock(tmp_path / "timed")


def test_a_replay_that_was_killed_continues(timed: Path, data: Path, tmp_path: Path, at_event: AtEvent) -> None:
    at_event(3, kill)
    with pytest.raises(Killed):
        bg.train(TIMED, data, tmp_path / "again", replay=timed)
    before = RunFolder(tmp_path / "again").log.read_bytes()
    with pytest.raises(InputError, match="again: expected the replay the run began with, found another"):
        bg.train(TIMED, data, tmp_path / "again", resume=True)
    assert RunFolder(tmp_path / "again").log.read_bytes() == before
    bg.train(TIMED, data, tmp_path / "again", resume=True, replay=timed)
    assert weights(tmp_path / "again") == weights(timed) and untimed(tmp_path / "again") == untimed(timed)


def test_a_run_of_its_own_does_not_become_a_replay(timed: Path, data: Path, tmp_path: Path, at_event: AtEvent) -> None:
    at_event(3, kill)
    with pytest.raises(Killed):
        bg.train(TIMED, data, tmp_path / "own")
    with pytest.raises(InputError, match="own: expected the replay the run began with, found another"):
        bg.train(TIMED, data, tmp_path / "own", resume=True, replay=timed)


def test_a_run_capped_by_steps_needs_no_record(data: Path, tmp_path: Path) -> None:
    recipe = micro("train.max_steps=8", "train.log_every=5")
    bg.train(recipe, data, tmp_path / "run")
    assert events(tmp_path / "run", "clock") == []
    bg.train(recipe, data, tmp_path / "again", replay=tmp_path / "run")
    assert weights(tmp_path / "again") == weights(tmp_path / "run") and untimed(tmp_path / "again") == untimed(tmp_path / "run")


# --- what cannot be repeated


def cut_manifest(run: Path) -> None:
    (run / "manifest.json").unlink()


def edit_log(change: Callable[[list[dict[str, Any]]], object]) -> Callable[[Path], None]:
    def edit(run: Path) -> None:
        found = RunFolder(run).events()
        change(found)
        RunFolder(run).log.write_text("".join(json.dumps(event) + "\n" for event in found))

    return edit


def edit_manifest(**changes: object) -> Callable[[Path], None]:
    return lambda run: write_json(run / "manifest.json", {**read_json(run / "manifest.json"), **changes})


REFUSED: dict[str, tuple[Recipe, Callable[[Path], object], str]] = {
    "unfinished": (TIMED, cut_manifest, "timed: expected a finished run"),
    "another recipe": (
        TIMED.model_copy(update={"train": TIMED.train.model_copy(update={"seed": 4})}),
        lambda run: None,
        r"replay: expected the recipe of .*timed, found train\.seed = 4 instead of 1",
    ),
    "other data": (TIMED, edit_manifest(data_sha256="0" * 64), r"replay: expected the data of .*timed \(000000000000\)"),
    "another tokenizer": (TIMED, edit_manifest(tokenizer_sha256="0" * 64), r"replay: expected the tokenizer of .*timed \(000000000000\)"),
    "a step gone": (TIMED, edit_log(lambda log: log.pop(5)), r"log\.jsonl: expected the progress of each of \d+ steps"),
    "the last steps gone": (TIMED, edit_log(lambda log: log.__delitem__(slice(12, None))), r"log\.jsonl: expected the progress of each"),
    "no steps": (TIMED, edit_log(lambda log: log.clear()), r"log\.jsonl: expected the progress of each"),
    "no number": (TIMED, edit_log(lambda log: log[0].update(progress="half")), r"log\.jsonl: expected the progress of each"),
    "no share": (TIMED, edit_log(lambda log: log[0].update(progress=1.5)), r"log\.jsonl: expected the progress of each"),
    "no event": (TIMED, lambda run: RunFolder(run).log.write_text("[1]\n"), r"log\.jsonl: expected an event in line 1"),
    "no log": (TIMED, lambda run: RunFolder(run).log.unlink(), r"log\.jsonl: expected the log of a run, found No such file"),
}


@pytest.fixture(scope="module")
def finished_timed(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second a step. Read only."""
    run = tmp_path_factory.mktemp("finished") / "timed"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schedule, "time", SimpleNamespace(perf_counter=Stopwatch().perf_counter))
        bg.train(TIMED, data, run)
    return run


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_repeated_leaves_no_folder(data: Path, tmp_path: Path, finished_timed: Path, case: str) -> None:
    recipe, change, message = REFUSED[case]
    run = shutil.copytree(finished_timed, tmp_path / "timed")
    change(run)
    with pytest.raises(InputError, match=message):
        bg.train(recipe, data, tmp_path / "again", replay=run)
    assert not (tmp_path / "again").exists()


# --- what may not come out the same


def test_another_installation_is_named(timed: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit_manifest(torch="1.0", machine="abacus")(timed)
    bg.train(TIMED, data, tmp_path / "again", replay=timed)
    shown = capsys.readouterr().err
    assert "warning: replay: torch, machine differ from those of" in shown and "replay: the weights of" in shown


def test_other_weights_are_named(timed: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit_log(lambda log: [event.update(progress=event["progress"] / 2) for event in log if event["event"] == "clock"])(timed)
    bg.train(TIMED, data, tmp_path / "again", replay=timed)
    assert "warning: replay: the weights are not those of" in capsys.readouterr().err
