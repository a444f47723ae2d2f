"""Try an optimiser of your own on the banks, against Muon: the same weights at first, the same batches, the same clock.

    python examples/new_optimizer.py DATA --recipe tiny --steps 60

DATA is a folder made by `bytegolf prepare`. Here it is Lion (Chen et al. 2023, arxiv.org/abs/2302.06675), which moves every weight by the
same amount. How it comes to stay: docs/how-to-extend.md
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import bytegolf as bg
from bytegolf.config import OptimConfig
from bytegolf.model.gpt import GPT
from bytegolf.runtime.parallel import Group
from bytegolf.text.batches import run_batches
from bytegolf.text.dataset import Dataset, open_data
from bytegolf.training.bank_optimizer import BankOptimizer, MakeBankOptimizer
from bytegolf.training.late_qat import QatPlan
from bytegolf.training.learner import Learner
from bytegolf.training.muon import Muon
from bytegolf.training.schedule import learning_rate_scale

SLOWER = 0.05  # Lion's rate over Muon's: where Muon turns a matrix, Lion moves each of its weights


class Lion(BankOptimizer):
    """Moves each weight by the sign of its interpolated momentum; decay, checkpoints and many processes come with the house."""

    @classmethod
    def of(cls, banks: Sequence[Tensor], config: OptimConfig, dtype: torch.dtype, group: Group) -> "Lion":
        """Return a recipe's Lion; its momentum is float32, whatever `dtype` is computed in."""
        return cls(banks, {"lr": SLOWER * config.matrix_lr, "weight_decay": config.matrix_weight_decay / SLOWER}, group)

    def update(self, gradient: Tensor, state: dict[str, Tensor], settings: Mapping[str, Any]) -> Tensor:
        """Return the signs of 0.9 m + 0.1 g, after which m becomes 0.99 m + 0.01 g."""
        momentum = state.setdefault("momentum", torch.zeros_like(gradient))
        direction = momentum.lerp(gradient, 0.1).sign()
        momentum.lerp_(gradient, 0.01)
        return direction


def losses(recipe: bg.Recipe, data: Dataset, steps: int, make_banks: MakeBankOptimizer) -> list[float]:
    """Return the loss of each step, in nats, of a new model whose banks are moved by an optimiser."""
    model = GPT(recipe.model)
    model.initialise(recipe.train.seed)
    learner = Learner(recipe, model, QatPlan({}), make_banks=make_banks)
    with run_batches(recipe, data.train) as batches:
        return [float(learner.step(next(batches), step, learning_rate_scale(step, step / steps, recipe.train))) for step in range(steps)]


def main() -> None:
    """Read the command line, train twice, and print the mean loss of every tenth part of the steps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--recipe", default="tiny")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--set", dest="overrides", action="append", default=[], metavar="section.key=value", help="as of bytegolf train")
    options = parser.parse_args()

    recipe, data = bg.load_recipe(options.recipe, options.overrides), open_data(options.data)
    muon = losses(recipe, data, options.steps, Muon.of)
    lion = losses(recipe, data, options.steps, Lion.of)
    part = max(1, options.steps // 10)
    print("steps     Muon    Lion")
    for first in range(0, options.steps, part):
        means = [sum(each[first : first + part]) / len(each[first : first + part]) for each in (muon, lion)]
        print(f"{first:5}{means[0]:9.4f}{means[1]:8.4f}")


if __name__ == "__main__":
    main()
