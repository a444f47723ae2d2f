"""The speed of training and scoring a recipe here, as a share of what the matrix product reaches in the same run.

The step measured is the training loop's own: the same batches, loss, optimisers and averages, on random tokens. Shares
compare between machines and days; times do not, least of all on a machine that is shared.
"""

import statistics
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bytegolf.config import Recipe
from bytegolf.model.flops import training_flops_per_token
from bytegolf.model.gpt import GPT
from bytegolf.model.shapes import parameter_count
from bytegolf.names import ProtocolName
from bytegolf.runtime.device import device_name, peak_memory
from bytegolf.scoring.protocols import score_tokens
from bytegolf.storage.files import errors_name
from bytegolf.text.batches import run_batches
from bytegolf.training.learner import Learner
from bytegolf.training.step_timing import PRODUCT, StepSeconds, best_of, new_learner, now, random_corpus, time_steps

SCORED: tuple[ProtocolName, ...] = ("standard", "sliding", "streaming")  # a chunk of `ttt` is sliding, and then training
SCORED_STRIDES = 8  # after a first window, that the sliding protocols score


@dataclass(frozen=True)
class Speed:
    """The speed of one recipe on this machine: medians over the steps of one run."""

    recipe: str
    parameters: int
    device: str
    dtype: str
    threads: int
    corpus_tokens: int
    compile_seconds: float  # until the first loss and gradients are there
    steps: int
    milliseconds: dict[str, float]  # of each phase of a step
    tokens_per_second: float
    gflops: float
    product_gflops: float
    share: float  # of the product's FLOP/s that training reaches
    peak_memory_mb: float
    scored_tokens_per_second: dict[str, float]  # by protocol, in float32


@dataclass(frozen=True)
class BenchResult:
    """The result of one run of the benchmark: all recipes, and the machine."""

    date: str
    machine: dict[str, Any]
    start_up_seconds: float
    speeds: list[Speed]

    def to_json(self) -> dict[str, Any]:
        """Return the result as an object for JSON."""
        return asdict(self)


def measure(recipe: Recipe, seconds: float, corpus_tokens: int) -> Speed:
    """Train `recipe` for about `seconds` on `corpus_tokens` random tokens, score some with each protocol, and return the speeds."""
    learner = new_learner(recipe)
    device, dtype = learner.device, learner.model.compute_dtype
    with tempfile.TemporaryDirectory() as folder:
        with errors_name(Path(folder)):
            tokens = random_corpus(Path(folder), recipe, corpus_tokens)
        began = now(device)
        if recipe.train.compile:
            learner.compile()
        compile_seconds = now(device) - began
        with run_batches(recipe, tokens) as batches:
            steps, products = time_steps(learner, batches, seconds)
        phases = dict(zip(StepSeconds._fields, map(statistics.median, zip(*steps, strict=True)), strict=True))
        product_flops = 2 * PRODUCT**3 / statistics.median(products)
        tokens_per_second = recipe.train.batch_tokens / sum(phases.values())
        flops = tokens_per_second * training_flops_per_token(recipe)
        return Speed(
            recipe=recipe.name,
            parameters=parameter_count(recipe.model),
            device=device_name(device),
            dtype=str(dtype).removeprefix("torch."),
            threads=torch.get_num_threads(),
            corpus_tokens=corpus_tokens,
            compile_seconds=compile_seconds,
            steps=len(steps),
            milliseconds={name: 1e3 * phase for name, phase in phases.items()},
            tokens_per_second=tokens_per_second,
            gflops=flops / 1e9,
            product_gflops=product_flops / 1e9,
            share=flops / product_flops,
            peak_memory_mb=peak_memory(device) / 1e6,
            scored_tokens_per_second={protocol: _scoring_speed(learner, protocol) for protocol in SCORED},
        )


def _scoring_speed(learner: Learner, protocol: ProtocolName) -> float:
    """Return the tokens per second that a protocol scores of random text, by the recipe's window and stride."""
    recipe = learner.recipe
    model = GPT(recipe.model).to(learner.device)
    model.load_state_dict(learner.weights)
    config = recipe.score
    count = 1 + config.window + SCORED_STRIDES * config.stride
    tokens = np.random.default_rng(1).integers(recipe.model.vocab_size, size=count).astype(np.uint16)
    seconds = best_of(2, lambda: score_tokens(model, tokens, count - 1, protocol, config), learner.device)
    return (count - 1) / seconds
