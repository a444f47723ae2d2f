"""The log as programs read it, the log as people do, and cutting the first back."""

import json
from pathlib import Path

from bytegolf.train.log import EventLog


def read(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_an_event_is_an_object_and_a_line(tmp_path: Path) -> None:
    third = 1 / 3
    with EventLog(tmp_path / "log.jsonl", tmp_path / "train.log") as log:
        log.write("step", step=7, loss=third)
        assert read(tmp_path / "log.jsonl") == [{"event": "step", "step": 7, "loss": third}], "flushed, and in full precision"
        assert (tmp_path / "train.log").read_text().split() == ["step", "step", "7", "loss", "0.33333"]
        log.write("qat", bits={"mlp": 4.0})
        assert log.position == (tmp_path / "log.jsonl").stat().st_size
    assert [event["event"] for event in read(tmp_path / "log.jsonl")] == ["step", "qat"]


def test_a_log_is_cut_back_to_where_it_still_holds(tmp_path: Path) -> None:
    with EventLog(tmp_path / "log.jsonl", tmp_path / "train.log") as log:
        log.write("step", step=1)
        position = log.position
        log.write("step", step=2)
    with EventLog(tmp_path / "log.jsonl", tmp_path / "train.log", position) as log:
        log.write("step", step=3)
    assert [event["step"] for event in read(tmp_path / "log.jsonl")] == [1, 3]


def test_a_new_log_begins_empty(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text("left by an attempt without a checkpoint\n")
    with EventLog(tmp_path / "log.jsonl", tmp_path / "train.log") as log:
        log.write("step", step=1)
    assert read(tmp_path / "log.jsonl") == [{"event": "step", "step": 1}]
