"""Timing the phases of a training step, beside a matrix product that sets the scale."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from bytegolf.config import Recipe
from bytegolf.model.gpt import GPT
from bytegolf.packing.plan import plan_artifact
from bytegolf.runtime.device import choose_device, choose_dtype, synchronize
from bytegolf.text.batches import Batches
from bytegolf.text.shards import ShardWriter, TokenStream
from bytegolf.training.late_qat import QatPlan
from bytegolf.training.learner import Learner

PRODUCT = 2048  # rows and columns of the matrices whose product sets the scale
WARM_STEPS, LEAST_STEPS = 2, 5
CORPUS_PIECE = 1 << 20  # tokens drawn at a time


class StepSeconds(NamedTuple):
    """Seconds that the phases of one step took."""

    data: float
    forward: float
    backward: float
    optimiser: float
    average: float


def new_learner(recipe: Recipe) -> Learner:
    """Return a learner with fresh weights on the recipe's device."""
    device = choose_device(recipe.train.device)
    model = GPT(recipe.model, choose_dtype(recipe.train.dtype, device)).to(device)
    model.initialise(recipe.train.seed)
    return Learner(recipe, model, QatPlan(plan_artifact(recipe).bits))


def random_corpus(folder: Path, recipe: Recipe, tokens: int) -> TokenStream:
    """Write `tokens` random tokens of the recipe's vocabulary into `folder` and return them as a stream."""
    draw = np.random.default_rng(0)
    with ShardWriter(folder, "train") as writer:
        for begin in range(0, tokens, CORPUS_PIECE):
            writer.write(draw.integers(recipe.model.vocab_size, size=min(CORPUS_PIECE, tokens - begin)))
    return TokenStream(sorted(folder.glob("train_*.bin")))


def time_steps(learner: Learner, batches: Batches, seconds: float) -> tuple[list[StepSeconds], list[float]]:
    """Take steps for about `seconds`; return the time of each, and of a product of two square matrices after each.

    Products take turns with the steps, so that whatever else the machine does slows both.
    """
    matrix = torch.randn(PRODUCT, PRODUCT, device=learner.device).to(learner.model.compute_dtype)
    steps: list[StepSeconds] = []
    products: list[float] = []
    began = time.perf_counter()
    while len(steps) < WARM_STEPS + LEAST_STEPS or time.perf_counter() - began < seconds:
        steps.append(timed_step(learner, batches, len(steps)))
        products.append(best_of(2, lambda: matrix @ matrix, learner.device))
    return steps[WARM_STEPS:], products[WARM_STEPS:]


def timed_step(learner: Learner, batches: Batches, step: int) -> StepSeconds:
    """Do what `Learner.step` does on one process, with a look at the clock between its phases."""
    device = learner.device
    began = now(device)
    micro_batches = learner.micro_batches(next(batches))
    data = now(device) - began
    forward = backward = 0.0
    for micro_batch in micro_batches:
        before = now(device)
        loss = learner.loss(micro_batch) / len(micro_batches)
        between = now(device)
        loss.backward()
        forward, backward = forward + between - before, backward + now(device) - between
    before = now(device)
    learner.optimizers.step(step, scale=1.0)
    between = now(device)
    learner.averages.update(learner.weights, step, 1.0)
    return StepSeconds(data, forward, backward, between - before, now(device) - between)


def best_of(repeats: int, work: Callable[[], object], device: torch.device) -> float:
    """Return the seconds of the fastest of `repeats` runs of `work`."""
    seconds = []
    for _ in range(repeats):
        began = now(device)
        work()
        seconds.append(now(device) - began)
    return min(seconds)


def now(device: torch.device) -> float:
    """Return the time once the device has done all it was given."""
    synchronize(device)
    return time.perf_counter()
