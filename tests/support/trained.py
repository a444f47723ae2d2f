"""A small model that has learned something, so that its inputs are correlated as those of real models are."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bytegolf.config import Recipe
from bytegolf.model.gpt import GPT
from bytegolf.packing.calibration import Moments, calibrate
from bytegolf.packing.rate import Lattices, prepare_lattices
from bytegolf.scoring.protocols import score_tokens
from bytegolf.text.batches import Batches
from bytegolf.text.shards import ShardWriter, TokenStream
from bytegolf.text.tokenizer import BytesTokenizer
from bytegolf.training.late_qat import QatPlan
from bytegolf.training.learner import Learner
from support.runs import BITS, documents, micro

STEPS = 300
HELD_OUT = 6000  # tokens


@dataclass(frozen=True)
class Trained:
    """The micro recipe, its weights after some hundred steps, the tokens it learned from and others: words of a small vocabulary."""

    recipe: Recipe
    weights: Mapping[str, Tensor]
    stream: TokenStream
    held_out: NDArray[np.uint16]

    @property
    def model(self) -> GPT:
        model = GPT(self.recipe.model)
        model.load_state_dict(dict(self.weights))
        return model.eval()

    @cached_property
    def moments(self) -> Moments:
        return calibrate(self.model, self.recipe, self.stream)

    @cached_property
    def lattices(self) -> Lattices:
        return prepare_lattices("text", self.model, self.weights, self.recipe, self.stream)

    def bpb(self, model: GPT) -> float:
        return score_tokens(model, self.held_out, len(self.held_out), "standard", self.recipe.score).bpb

    def divergence(self, model: GPT) -> float:
        """How far its predictions are from the trained model's, in nats per token: has less noise than the loss."""
        tokens = torch.from_numpy(self.held_out[: len(self.held_out) // 32 * 32].astype(np.int64)).view(-1, 32)
        with torch.no_grad():
            trained, found = (each(tokens).log_softmax(-1) for each in (self.model, model))
        return float((trained.exp() * (trained - found)).sum(-1).mean())


def train_small(folder: Path) -> Trained:
    recipe = micro("qat.start=1.0", "average.ema_decay=0.0")
    text = BytesTokenizer().encode("".join(documents()))
    with ShardWriter(folder, "train") as writer:
        writer.write(text[:-HELD_OUT])
    stream = TokenStream(sorted(folder.glob("train_*.bin")))
    model = GPT(recipe.model)
    model.initialise(1)
    learner = Learner(recipe, model, QatPlan(BITS))
    length = recipe.train.sequence_length
    with Batches(stream, length, recipe.train.batch_tokens // length, 0, recipe.model.vocab_size) as batches:
        for step in range(STEPS):
            learner.step(next(batches), step, 1.0 - step / STEPS)
    return Trained(recipe, {name: weight.clone() for name, weight in learner.weights.items()}, stream, text[-HELD_OUT:])
