"""The log as programs read it, the log as people do, and cutting the first back."""

import json
from pathlib import Path
from typing import Any

import pytest

from bytegolf.training.log import EventLog
from support.runs import small_disk


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_an_event_is_an_object_and_a_line(tmp_path: Path) -> None:
    third = 1 / 3
    with EventLog(tmp_path / "log.jsonl", tmp_path / "train.log") as log:
        log.write("step", step=7, loss=third)
        assert read(tmp_path / "log.jsonl") == [{"event": "step", "step": 7, "loss": third}], "flushed, and in full precision"
        assert (tmp_path / "train.log").read_text().split() == ["step", "step", "7", "loss", "0.33333"]
        log.write("qat", bits={"mlp": 4.0})
        assert log.position == tuple((tmp_path / name).stat().st_size for name in ("log.jsonl", "train.log"))
    assert [event["event"] for event in read(tmp_path / "log.jsonl")] == ["step", "qat"]


def test_what_only_programs_need_is_no_line(tmp_path: Path) -> None:
    with EventLog(tmp_path / "log.jsonl", tmp_path / "train.log") as log:
        log.record("clock", step=0, progress=0.1 + 0.2)
        assert read(tmp_path / "log.jsonl") == [{"event": "clock", "step": 0, "progress": 0.1 + 0.2}], "flushed, and in full precision"
    assert (tmp_path / "train.log").read_text() == ""


def test_a_log_is_cut_back_to_where_it_still_holds(tmp_path: Path) -> None:
    with EventLog(tmp_path / "log.jsonl", tmp_path / "train.log") as log:
        log.write("step", step=1)
        position = log.position
        log.write("step", step=2)
    with EventLog(tmp_path / "log.jsonl", tmp_path / "train.log", position) as log:
        log.write("step", step=3)
    assert [event["step"] for event in read(tmp_path / "log.jsonl")] == [1, 3]
    assert [line.split() for line in (tmp_path / "train.log").read_text().splitlines()] == [["step", "step", "1"], ["step", "step", "3"]]


def test_a_new_log_begins_empty(tmp_path: Path) -> None:
    for name in ("log.jsonl", "train.log"):
        (tmp_path / name).write_text("left by an attempt without a checkpoint\n")
    with EventLog(tmp_path / "log.jsonl", tmp_path / "train.log") as log:
        log.write("step", step=1)
    assert read(tmp_path / "log.jsonl") == [{"event": "step", "step": 1}]
    assert (tmp_path / "train.log").read_text().split() == ["step", "step", "1"]


@pytest.mark.parametrize("full", ["log.jsonl", "train.log"])
def test_a_full_disk_is_named(tmp_path: Path, full: str) -> None:
    """When it is written, and when the log is closed, which tries once more."""
    (tmp_path / full).write_bytes(b"-" * 1000)
    with EventLog(tmp_path / "log.jsonl", tmp_path / "train.log", (1000, 1000)) as log:
        with small_disk(1020), pytest.raises(OSError, match="File too large") as caught:
            log.write("step", step=1, loss=5.0)
        assert caught.value.filename == str(tmp_path / full)
    with small_disk(1020), pytest.raises(OSError, match="File too large") as caught:  # noqa: SIM117 - the log closes on the full disk
        with EventLog(tmp_path / "log.jsonl", tmp_path / "train.log", (1000, 1000)) as log:
            log.write("step", step=1, loss=5.0)
    assert caught.value.filename == str(tmp_path / full)
