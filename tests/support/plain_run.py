"""A whole training run as one loop over formulas: the reference model, optimisers, schedule, late QAT and averages, in float64.

It shares no code with `bytegolf.training`, `bytegolf.model` or `bytegolf.artifact`; from the package come only the recipe's numbers.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bytegolf.config import Recipe
from support.model_reference import reference_logits
from support.training_reference import BANKS, PlainOptimizer, nats_per_token, sequences

Weights = dict[str, Tensor]


@dataclass
class PlainRun:
    """The result of a run."""

    weights: Weights  # after the last step
    final: Weights = field(default_factory=dict)  # the average
    losses: list[float] = field(default_factory=list)
    qat_step: int | None = None  # steps taken before fake quantisation began


def plain_run(initial: Mapping[str, Tensor], recipe: Recipe, tokens: np.ndarray, bits: Mapping[Any, float]) -> PlainRun:
    """Train from `initial` weights by the formulas; once QAT is due each class of weights is rounded at its `bits`."""
    train, average = recipe.train, recipe.average
    run = PlainRun({name: weight.detach().double() for name, weight in initial.items()})
    optimizer = PlainOptimizer(run.weights, recipe.optim)
    per_batch = train.batch_tokens // train.sequence_length
    rows = sequences(tokens, train.sequence_length, per_batch * train.max_steps, train.seed)
    ema: Weights = {}
    collected: list[Weights] = []
    for step in range(train.max_steps):
        progress = step / train.max_steps
        if recipe.qat.start < 1 and progress >= recipe.qat.start and run.qat_step is None:
            run.qat_step, ema, collected = step, {}, []  # weights trained for another grid leave the averages
        scale = min(1.0, (1 - progress) / train.warmdown)

        leaves = {name: weight.clone().requires_grad_() for name, weight in run.weights.items()}
        seen = {name: on_the_grid(name, leaf, bits) for name, leaf in leaves.items()} if run.qat_step is not None else leaves
        batch = torch.from_numpy(np.stack(rows[step * per_batch : (step + 1) * per_batch]))
        loss = nats_per_token(reference_logits(seen, recipe.model, batch[:, :-1]), batch)
        gradients = dict(zip(leaves, torch.autograd.grad(loss, list(leaves.values())), strict=True))

        run.losses.append(float(loss.detach()))
        run.weights = optimizer.step(gradients, step, scale)
        if average.ema_decay:
            decay = average.ema_decay
            ema = {name: decay * ema[name] + (1 - decay) * weight if ema else weight for name, weight in run.weights.items()}
        if scale < average.swa_below and (step + 1) % average.swa_every == 0:
            collected.append(run.weights)
    run.final = ema or mean(collected) or run.weights
    return run


def on_the_grid(name: str, weight: Tensor, bits: Mapping[Any, float]) -> Tensor:
    """Return each matrix rounded to multiples of its own spacing; the gradient is the rounded weight's.

    The spacing is the one at which a normal distribution of the matrix's root mean square would take `bits` a weight.
    """
    if kind(name) not in bits:
        return weight
    normal_bits = math.log2(math.sqrt(2 * math.pi * math.e))
    matrices = weight.detach() if weight.dim() == 3 else weight.detach()[None]
    rounded = []
    for matrix in matrices:
        spacing = math.sqrt(float((matrix**2).mean())) * 2 ** (normal_bits - bits[kind(name)])
        rounded.append(torch.round(matrix / spacing) * spacing if spacing else matrix)
    return weight + (torch.stack(rounded).reshape(weight.shape) - weight.detach())


def kind(name: str) -> str:
    """Return the class of weights that the packer counts a parameter to."""
    if name in BANKS:
        return "mlp" if name in ("banks.up", "banks.down") else "attention"
    if name in ("tokens", "head"):
        return "embedding"
    ending = name.split(".")[-1]
    return ending if ending in ("table", "projection") else "control"


def mean(collected: list[Weights]) -> Weights:
    """Return the mean of two or more; a single one has none."""
    if len(collected) < 2:
        return {}
    return {name: torch.stack([weights[name] for weights in collected]).mean(dim=0) for name in collected[0]}
