"""Timing a step in phases does not change the step."""

from pathlib import Path

import torch

from bytegolf.recipes import load_recipe
from bytegolf.text.batches import run_batches
from bytegolf.training.step_timing import LEAST_STEPS, new_learner, random_corpus, time_steps, timed_step
from support.runs import MICRO


def test_measuring_takes_the_steps_that_training_takes(tmp_path: Path) -> None:
    """Timed in phases, a learner ends with the weights that whole steps lead to."""
    recipe = load_recipe(MICRO)
    tokens = random_corpus(tmp_path, recipe, 1 << 16)
    timed, untimed = new_learner(recipe), new_learner(recipe)
    with run_batches(recipe, tokens) as batches:
        for step in range(3):
            timed_step(timed, batches, step)
    with run_batches(recipe, tokens) as batches:
        for step in range(3):
            untimed.step(next(batches), step, 1.0)
    assert all(torch.equal(timed.weights[name], weight) for name, weight in untimed.weights.items())


def test_some_steps_are_timed_however_little_time_there_is(tmp_path: Path) -> None:
    recipe = load_recipe(MICRO)
    with run_batches(recipe, random_corpus(tmp_path, recipe, 1 << 14)) as batches:
        steps, products = time_steps(new_learner(recipe), batches, seconds=0.0)
    assert len(steps) == len(products) == LEAST_STEPS
    assert all(seconds > 0 for step in steps for seconds in step)
