"""Losses and scores on one axis, by step and by time."""

import json
import math
import re
from typing import Any

import pytest

from bytegolf.reporting.groups import grouped
from bytegolf.reporting.run_report import RunReport
from bytegolf.reporting.sections.training import training_section
from support.reports import EVENTS, MANIFEST, ParsedPage, a_run


def charts(*runs: RunReport) -> list[dict[str, Any]]:
    """Return what is drawn by step, and by time."""
    return [json.loads(found) for found in re.findall(r'json">(.*?)</script>', training_section(grouped(runs)))]


def line(chart: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [line for line in chart["lines"] if line["name"] == name]
    return dict(found)


def test_losses_and_scores_stand_on_one_axis() -> None:
    """A loss of a training token in nats is as many bits per byte as its bits over its bytes."""
    by_step, by_time = charts(a_run(manifest={**MANIFEST, "bytes_per_token": 2.5}))
    expected = [5.4321 / math.log(2) / 2.5, 3.2123 / math.log(2) / 2.5]
    for chart, xs in ((by_step, ["10", "20"]), (by_time, ["1", "3"])):
        training, held_out = line(chart, "training"), line(chart, "held out")
        assert training["x"] == held_out["x"] == xs and held_out["y"] == ["2.877", "1.877"]
        assert [float(y) for y in training["y"]] == pytest.approx(expected, abs=0.001)
    assert by_step["x"] == "step" and by_time["x"] == "seconds of training"


def test_each_run_has_its_own_tokens() -> None:
    runs = [a_run(name, f"optim.matrix_lr={rate}", manifest={**MANIFEST, "bytes_per_token": ratio}) for name, rate, ratio in
            (("bytes", 0.01, 1.0), ("words", 0.02, 5.0))]  # fmt: skip
    by_step, _ = charts(*runs)
    first, second = (float(line(by_step, f"{name}: training")["y"][0]) for name in ("bytes", "words"))
    assert first == pytest.approx(5 * second, rel=0.001)


def test_a_run_that_has_not_ended_takes_its_bytes_per_token_from_its_seeds() -> None:
    by_step, _ = charts(a_run("ended"), a_run("killed", "train.seed=2", manifest=None, scores=[], events=EVENTS[:1]))
    assert line(by_step, "killed: training")["y"] == ["5.432"]


def test_losses_without_bytes_are_in_nats() -> None:
    run = a_run(manifest=None, scores=[])
    by_step, _ = charts(run)
    assert line(by_step, "training")["y"] == ["5.432", "3.212"] and [found["name"] for found in by_step["lines"]] == ["training"]
    assert "nats per token" in ParsedPage(training_section(grouped([run]))).text["p"]


def test_many_losses_are_smoothed_and_shown_behind_their_mean() -> None:
    """The mean of a straight line is the line, its ends included."""
    events = [{"event": "step", "step": step, "loss": 1000.0 - step, "seconds": float(step)} for step in range(1, 501)]
    section = training_section(grouped([a_run(events=events)]))
    by_step, _ = charts(a_run(events=events))
    drawn = line(by_step, "training")
    assert [float(y.replace(",", "")) + float(x) for x, y in zip(drawn["x"], drawn["y"], strict=True)] == pytest.approx([1000.0] * 500)
    assert len(ParsedPage(section).having("faint")) == 2


def test_the_table_has_every_validation() -> None:
    events = [{"event": "step", "step": step, "loss": 2.0, "seconds": 1.0} for step in range(1, 1001)]
    events.insert(500, {"event": "validate", "step": 500, "bpb": 1.2345})
    page = ParsedPage(training_section(grouped([a_run(events=events)])))
    assert "1.2345" in page.text["td"] and "of 1,000 logged steps" in page.text["p"]
    assert 40 <= sum(tag == "tr" for tag, _ in page.tags) <= 43


def test_a_line_where_late_quantisation_began() -> None:
    assert "late QAT begins" in ParsedPage(training_section(grouped([a_run()]))).text["span"]


def test_no_events_are_no_section() -> None:
    assert training_section(grouped([a_run(events=[{"event": "import", "checkpoint": "a.pt"}])])) == ""
