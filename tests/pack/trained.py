"""A small model that has learned something, so that its inputs are correlated as those of real models are."""

from pathlib import Path

import torch
from torch import Tensor

from bytegolf.config import Recipe
from bytegolf.model.gpt import GPT
from bytegolf.text.shards import TokenStream
from bytegolf.train.learner import Learner
from train.cases import BITS, micro, write_stream

STEPS = 300


def train_small(folder: Path) -> tuple[Recipe, dict[str, Tensor], TokenStream]:
    """The micro recipe, its weights after some hundred steps, and the tokens it learned from."""
    recipe = micro("qat.start=1.0", "average.ema_decay=0.0", "train.max_steps=300", "train.batch_tokens=512", "model.mlp_mult=3.0")
    torch.manual_seed(0)
    stream = write_stream(folder, tokens=16_384)
    model = GPT(recipe.model)
    model.initialise(1)
    learner = Learner(recipe, model, BITS)
    rows, length = recipe.train.batch_tokens // recipe.train.sequence_length, recipe.train.sequence_length
    generator = torch.Generator().manual_seed(0)
    for step in range(STEPS):
        starts = torch.randint(len(stream) - length - 1, (rows,), generator=generator)
        batch = torch.stack([torch.from_numpy(stream[int(start) : int(start) + length + 1].astype("int64")) for start in starts])
        learner.step(batch.numpy(), step, 1.0 - step / STEPS)
    return recipe, {name: weight.clone() for name, weight in learner.weights.items()}, stream
