"""Steps that the clock will allow, before the run."""

import pytest

from bytegolf.config import Recipe
from bytegolf.training.speed_model import predicted_steps, seconds_per_token
from support.runs import micro


def refuse(recipe: Recipe) -> float:
    raise AssertionError("measured")


def test_a_run_of_steps_needs_no_measuring() -> None:
    assert predicted_steps(micro("train.max_steps=77"), refuse) == 77


@pytest.mark.parametrize(
    ("max_steps", "max_seconds", "steps"),
    [(0, 25.6, 100), (60, 25.6, 60), (200, 25.6, 100), (0, 0.001, 1)],
)
def test_seconds_become_steps(max_steps: int, max_seconds: float, steps: int) -> None:
    """A batch of 256 tokens at a millisecond each."""
    recipe = micro(f"train.max_steps={max_steps}", f"train.max_seconds={max_seconds}")
    assert predicted_steps(recipe, lambda _: 0.001) in (steps, steps - 1)


def test_this_machine_is_measured() -> None:
    assert 1e-8 < seconds_per_token(micro()) < 1e-2
