"""What the log says of speed is of the steps since its last line; MFU is a share of a peak that is named."""

import pytest
import torch

from bytegolf.model.flops import training_flops_per_token
from bytegolf.training.schedule import Clock
from bytegolf.training.throughput import Throughput
from support.runs import micro

CPU = torch.device("cpu")


def test_readings_are_of_the_steps_since_the_last_one() -> None:
    recipe, clock = micro(), Clock(max_steps=100, max_seconds=0.0)
    throughput = Throughput(clock, recipe, CPU, peak=1e9)
    clock.step, clock.seconds = 10, 5.0
    throughput.read()
    clock.step, clock.seconds = 14, 6.0
    reading = throughput.read()
    speed = 4 * recipe.train.batch_tokens / 1.0
    assert reading["step_ms"] == pytest.approx(250) and reading["tokens_per_second"] == pytest.approx(speed) and reading["seconds"] == 6.0
    assert reading["mfu"] == pytest.approx(speed * training_flops_per_token(recipe) / 1e9)
    assert reading["peak_memory_mb"] > 10


def test_a_resumed_run_is_read_from_where_it_goes_on() -> None:
    clock = Clock(max_steps=100, max_seconds=0.0)
    throughput = Throughput(clock, micro(), CPU)
    clock.step, clock.seconds = 50, 500.0
    throughput.start()
    clock.step, clock.seconds = 51, 500.5
    assert throughput.read()["step_ms"] == pytest.approx(500)


def test_where_no_peak_is_known_there_is_no_mfu(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock(max_steps=100, max_seconds=0.0)
    throughput = Throughput.of(clock, micro(), CPU, torch.bfloat16, processes=2)
    clock.step, clock.seconds = 1, 1.0
    throughput.explain()
    assert "mfu" not in throughput.read() and capsys.readouterr().err == ""


def test_the_formula_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("bytegolf.training.throughput.peak_flops", lambda device: 989e12)
    throughput = Throughput.of(Clock(1, 0.0), micro(), CPU, torch.bfloat16, processes=8)
    assert throughput.peak == 8 * 989e12
    throughput.explain()
    assert f"tokens/s · {training_flops_per_token(micro()):,} FLOPs a token / 7.912e+15 FLOP/s" in capsys.readouterr().err
    assert Throughput.of(Clock(1, 0.0), micro(), CPU, torch.float32, processes=8).peak is None
