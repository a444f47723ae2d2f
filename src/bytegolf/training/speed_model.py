"""Predicting how fast this machine will train a recipe, from a few sequences measured before the run."""

import time
from collections.abc import Callable

import torch

from bytegolf.config import Recipe
from bytegolf.model.gpt import GPT
from bytegolf.runtime.device import choose_device, choose_dtype, synchronize

MEASURED_TOKENS = 4096


def seconds_per_token(recipe: Recipe) -> float:
    """Return the seconds of forward and backward per token, on the recipe's device and not compiled: the best of three."""
    length = recipe.train.sequence_length
    device = choose_device(recipe.train.device)
    model = GPT(recipe.model, choose_dtype(recipe.train.dtype, device)).to(device)
    tokens = torch.randint(recipe.model.vocab_size, (max(1, MEASURED_TOKENS // length), length + 1), device=device)
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        model(tokens[:, :-1], tokens[:, 1:]).backward()
        synchronize(device)
        seconds.append(time.perf_counter() - began)
    return min(seconds) / tokens[:, 1:].numel()


def predicted_steps(recipe: Recipe, measure: Callable[[Recipe], float] = seconds_per_token) -> int:
    """Return the steps that the recipe's clock will allow on this machine at least.

    Where seconds decide, `measure` times a few sequences without compiling: that would take longer than all of a plan should.
    """
    config = recipe.train
    if not config.max_seconds:
        return config.max_steps
    by_time = int(config.max_seconds / (config.batch_tokens * measure(recipe)))
    return max(1, min(by_time, config.max_steps) if config.max_steps else by_time)
