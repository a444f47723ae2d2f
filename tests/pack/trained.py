"""A small model that has learned something, so that its inputs are correlated as those of real models are."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from bytegolf.config import Recipe
from bytegolf.model.gpt import GPT
from bytegolf.text.batches import Batches
from bytegolf.text.shards import ShardWriter, TokenStream
from bytegolf.text.tokenizer import BytesTokenizer
from bytegolf.train.learner import Learner
from train.cases import BITS, documents, micro

STEPS = 300
HELD_OUT = 6000  # tokens


def train_small(folder: Path) -> tuple[Recipe, dict[str, Tensor], TokenStream, NDArray[np.uint16]]:
    """The micro recipe, its weights after some hundred steps, the tokens it learned from and others: words of a small vocabulary."""
    recipe = micro("qat.start=1.0", "average.ema_decay=0.0")
    text = BytesTokenizer().encode("".join(documents()))
    with ShardWriter(folder, "train") as writer:
        writer.write(text[:-HELD_OUT])
    stream = TokenStream(sorted(folder.glob("train_*.bin")))
    model = GPT(recipe.model)
    model.initialise(1)
    learner = Learner(recipe, model, BITS)
    length = recipe.train.sequence_length
    with Batches(stream, length, recipe.train.batch_tokens // length, 0, recipe.model.vocab_size) as batches:
        for step in range(STEPS):
            learner.step(next(batches), step, 1.0 - step / STEPS)
    return recipe, {name: weight.clone() for name, weight in learner.weights.items()}, stream, text[-HELD_OUT:]
