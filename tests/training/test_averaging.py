"""Averages against the loops they stand for."""

import pytest
import torch
from torch import Tensor

from bytegolf.config import AverageConfig
from bytegolf.training.averaging import Averages

STEPS = 20


def history(dtype: torch.dtype = torch.float32) -> list[dict[str, Tensor]]:
    """Weights after each of STEPS steps."""
    generator = torch.Generator().manual_seed(0)
    shapes = {"vector": (3,), "bank": (2, 3, 4), "scale": ()}
    return [{name: torch.randn(shape, generator=generator).to(dtype) for name, shape in shapes.items()} for _ in range(STEPS)]


def rate(step: int) -> float:
    """1 for the first half, then falling to 0; `step` counts from 1."""
    return min(1.0, 2 * (STEPS - step) / STEPS)


def feed(config: AverageConfig, weights: list[dict[str, Tensor]]) -> Averages:
    averages = Averages(config)
    for step, current in enumerate(weights, start=1):
        averages.update(current, step, rate(step))
    return averages


def test_the_ema_is_a_plain_loop() -> None:
    weights = history()
    expected = {name: weight.double() for name, weight in weights[0].items()}
    for current in weights[1:]:
        expected = {name: 0.8 * expected[name] + 0.2 * current[name].double() for name in expected}
    found = feed(AverageConfig(ema_decay=0.8), weights).ema
    for name, average in expected.items():
        torch.testing.assert_close(found[name].double(), average, rtol=0, atol=1e-6)


@pytest.mark.parametrize("every", [1, 2, 3])
def test_the_swa_is_the_mean_of_late_weights(every: int) -> None:
    weights = history()
    late = [current for step, current in enumerate(weights, start=1) if rate(step) < 0.7 and step % every == 0]
    averages = feed(AverageConfig(swa_below=0.7, swa_every=every), weights)
    assert averages.swa_count == len(late)
    for name, found in averages.swa.items():
        expected = torch.stack([current[name].double() for current in late]).mean(dim=0)
        torch.testing.assert_close(found.double(), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_averages_are_float32_whatever_the_weights_are(dtype: torch.dtype) -> None:
    """In bfloat16 a moving average would stand still."""
    averages = feed(AverageConfig(ema_decay=0.9, swa_below=1.0, swa_every=1), history(dtype))
    for average in (*averages.ema.values(), *averages.swa.values()):
        assert average.dtype == torch.float32


def test_a_slow_drift_is_followed() -> None:
    """With a decay of 0.997 an average in bfloat16 would go a fifth of the way."""
    averages = Averages(AverageConfig(ema_decay=0.997))
    for step in range(1, 1501):
        averages.update({"w": torch.full((4,), 1 + step * 1e-4)}, step, 1.0)
    exact = 1 + 1e-4
    for step in range(2, 1501):
        exact = 0.997 * exact + 0.003 * (1 + step * 1e-4)
    torch.testing.assert_close(averages.ema["w"], torch.full((4,), exact), rtol=1e-5, atol=0)


def test_averages_are_copies() -> None:
    weights = {"w": torch.ones(2)}
    averages = Averages(AverageConfig(ema_decay=0.5, swa_below=1.0, swa_every=1))
    averages.update(weights, 1, 0.5)
    weights["w"].zero_()
    assert averages.ema["w"].sum() == averages.swa["w"].sum() == 2
    averages.ema["w"].zero_()
    assert averages.swa["w"].sum() == 2


def test_a_restart_forgets_everything_before() -> None:
    weights = history()
    config = AverageConfig(ema_decay=0.8, swa_below=1.0, swa_every=1)
    averages = feed(config, weights[:12])
    averages.restart()
    assert (averages.ema, averages.swa, averages.swa_count) == ({}, {}, 0)
    fresh = Averages(config)
    for step, current in enumerate(weights[12:], start=13):
        averages.update(current, step, rate(step))
        fresh.update(current, step, rate(step))
    assert averages.swa_count == fresh.swa_count == 8
    for name in weights[0]:
        assert torch.equal(averages.ema[name], fresh.ema[name]) and torch.equal(averages.swa[name], fresh.swa[name])


def test_the_ema_wins_over_the_swa_and_that_over_the_weights() -> None:
    weights = history()
    last = weights[-1]

    both = feed(AverageConfig(ema_decay=0.8, swa_below=1.0, swa_every=1), weights)
    assert both.best(last) is both.ema

    swa = feed(AverageConfig(swa_below=1.0, swa_every=1), weights)
    assert not swa.ema and swa.best(last) is swa.swa

    neither = feed(AverageConfig(), weights)
    assert not neither.ema and not neither.swa
    assert all(torch.equal(found, last[name]) for name, found in neither.best(last).items())


def test_one_late_weight_is_no_mean() -> None:
    weights = history()
    single = feed(AverageConfig(swa_below=1.0, swa_every=11), weights)
    assert single.swa_count == 1, "after step 11, the first of the second half"
    assert all(torch.equal(found, weights[-1][name]) for name, found in single.best(weights[-1]).items())
