"""Pace, share of the peak, memory."""

import pytest
import torch

from bytegolf.model.flops import training_flops_per_token
from bytegolf.train import gauge as module
from bytegolf.train.gauge import Gauge
from bytegolf.train.schedule import Clock

from .cases import micro

CPU = torch.device("cpu")


def test_a_reading_is_of_the_steps_since_the_last_one() -> None:
    clock = Clock(100, 0.0, step=10, seconds=50.0)
    gauge = Gauge(clock, micro(), CPU, peak=1e9)
    clock.step, clock.seconds = 14, 52.0
    first = gauge.read()
    assert (first["seconds"], first["step_ms"], first["tokens_per_second"]) == (52.0, 500.0, 512.0)
    assert first["mfu"] == pytest.approx(512.0 * training_flops_per_token(micro()) / 1e9)
    assert 10 < first["peak_memory_mb"] < 1e5
    clock.step, clock.seconds = 15, 56.0
    assert gauge.read()["step_ms"] == 4000.0


@pytest.mark.parametrize(("dtype", "peak"), [(torch.bfloat16, 4e12), (torch.float32, None)])
def test_the_peak_is_that_of_all_processes_in_bfloat16(monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype, peak: float | None) -> None:
    monkeypatch.setattr(module, "peak_flops", lambda device: 1e12)
    assert Gauge.of(Clock(1, 0.0), micro(), CPU, dtype, 4).peak == peak


def test_where_the_peak_is_unknown_there_is_no_mfu(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock(100, 0.0)
    gauge = Gauge.of(clock, micro(), CPU, torch.bfloat16, 2)
    clock.step, clock.seconds = 1, 1.0
    assert "mfu" not in gauge.read()
    gauge.explain()
    assert capsys.readouterr().err == ""
    Gauge(clock, micro(), CPU, peak=2e12).explain()
    assert f"tokens/s · {training_flops_per_token(micro()):,} FLOPs a token / 2e+12 FLOP/s" in capsys.readouterr().err
