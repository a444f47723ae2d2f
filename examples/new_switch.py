"""Try a change of the architecture, against the model as it is: the same batches, seed by seed.

    python examples/new_switch.py DATA --recipe tiny --steps 60 --seeds 1,2,3

DATA is a folder made by `bytegolf prepare`. The change here is a learned gain on what the head reads. How it becomes a switch of the
recipe, which packs, scores and proves: docs/how-to-extend.md
"""

import argparse
from pathlib import Path

import torch
from torch import Tensor, nn

import bytegolf as bg
from bytegolf.config import ModelConfig
from bytegolf.model.gpt import GPT
from bytegolf.scoring.protocols import score_tokens
from bytegolf.text.batches import run_batches
from bytegolf.text.dataset import Dataset, open_data
from bytegolf.training.late_qat import QatPlan
from bytegolf.training.learner import Learner
from bytegolf.training.schedule import learning_rate_scale


class Gained(GPT):
    """The model with a gain for each channel of the last norm. By its name it is a control: AdamW moves it, without decay."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.final_gain = nn.Parameter(torch.ones(config.model_dim))

    def head_input(self, x_BTD: Tensor) -> Tensor:
        """Return what the head multiplies, the normed and gained hidden states (B, T, D)."""
        return super().head_input(x_BTD) * self.final_gain.to(x_BTD.dtype)


def bits_per_byte(recipe: bg.Recipe, data: Dataset, steps: int, model: GPT, limit_bytes: int) -> float:
    """Return the score of a new model after so many steps, on the beginning of the held-out text."""
    model.initialise(recipe.train.seed)
    learner = Learner(recipe, model, QatPlan({}))
    with run_batches(recipe, data.train) as batches:
        for step in range(steps):
            learner.step(next(batches), step, learning_rate_scale(step, step / steps, recipe.train))
    tokens, num_bytes = data.held_out(limit_bytes)
    return score_tokens(model.eval(), tokens, num_bytes, "standard", recipe.score).bpb


def main() -> None:
    """Read the command line, train both models once for every seed, and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--recipe", default="tiny")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--seeds", default="1,2,3", help="at least two")
    parser.add_argument("--limit-bytes", type=int, default=65_536, help="of held-out text to score")
    parser.add_argument("--set", dest="overrides", action="append", default=[], metavar="section.key=value", help="as of bytegolf train")
    options = parser.parse_args()

    data = open_data(options.data)
    scores: dict[type[GPT], list[str]] = {GPT: [], Gained: []}
    for seed in options.seeds.split(","):
        recipe = bg.load_recipe(options.recipe, [*options.overrides, f"train.seed={seed}"])
        for kind, found in scores.items():
            bpb = bits_per_byte(recipe, data, options.steps, kind(recipe.model), options.limit_bytes)
            found.append(f"{seed}:{bpb}")
            print(f"seed {seed}, {kind.__name__}: {bpb:.5f} bits per byte")
    result = bg.compare([",".join(scores[Gained])], [",".join(scores[GPT])])
    print(f"the gain is worth {-result.samples.difference:.5f} bits per byte, p = {result.verdict.p_value:.3g}")


if __name__ == "__main__":
    main()
