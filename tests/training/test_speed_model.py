"""Lanes that the clock will allow, before the run."""

import pytest

from bytegolf.training import speed_model as pace
from bytegolf.training.speed_model import predicted_steps
from support.runs import micro


def test_a_run_of_steps_needs_no_measuring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "_seconds_per_token", lambda recipe: pytest.fail("measured"))
    assert predicted_steps(micro("train.max_steps=77")) == 77


@pytest.mark.parametrize(
    ("max_steps", "max_seconds", "steps"),
    [(0, 25.6, 100), (60, 25.6, 60), (200, 25.6, 100), (0, 0.001, 1)],
)
def test_seconds_become_steps(monkeypatch: pytest.MonkeyPatch, max_steps: int, max_seconds: float, steps: int) -> None:
    """A batch of 256 tokens at a millisecond each."""
    monkeypatch.setattr(pace, "_seconds_per_token", lambda recipe: 0.001)
    assert predicted_steps(micro(f"train.max_steps={max_steps}", f"train.max_seconds={max_seconds}")) in (steps, steps - 1)


def test_this_machine_is_measured() -> None:
    assert 1e-8 < pace._seconds_per_token(micro()) < 1e-2
