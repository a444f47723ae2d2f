"""How fast this machine trains and scores a recipe, as a share of what its matrix product reaches in the same run.

The step measured is the training loop's own: the same batches, loss, optimisers and averages, on random tokens. Shares
compare between machines and days; times do not, least of all on a machine that is shared.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bytegolf.config import Recipe, TextConfig
from bytegolf.model.flops import training_flops_per_token
from bytegolf.model.gpt import GPT, parameter_count
from bytegolf.packing.plan import plan_artifact
from bytegolf.recipes import recipe_toml
from bytegolf.runtime.device import choose_device, choose_dtype, peak_memory
from bytegolf.scoring.protocols import ProtocolName, score_tokens
from bytegolf.text.batches import Batches, run_batches
from bytegolf.text.prepare import prepare
from bytegolf.text.shards import ShardWriter, TokenStream
from bytegolf.training.late_qat import QatPlan
from bytegolf.training.learner import Learner

PRODUCT = 2048  # rows and columns of the matrices whose product sets the scale
PARTS = ("data", "forward", "backward", "optimiser", "average")
WARM_STEPS, LEAST_STEPS = 2, 5
START_UP_TEXT = "a few words, and a few more of them\n" * 5_000
CORPUS_PIECE = 1 << 20  # tokens drawn at a time
SCORED: tuple[ProtocolName, ...] = ("standard", "sliding", "streaming")  # a chunk of `ttt` is sliding, and then training
SCORED_STRIDES = 8  # after a first window, that the sliding protocols score


@dataclass(frozen=True)
class Speed:
    """Medians over the steps of one run."""

    recipe: str
    parameters: int
    device: str
    dtype: str
    threads: int
    corpus_tokens: int
    compile_seconds: float  # until the first loss and gradients are there
    steps: int
    milliseconds: dict[str, float]  # of each part of a step
    tokens_per_second: float
    gflops: float
    product_gflops: float
    share: float
    peak_memory_mb: float
    scored_tokens_per_second: dict[str, float]  # by protocol, in float32


@dataclass(frozen=True)
class BenchResult:
    """What one run of the benchmark found."""

    date: str
    machine: dict[str, Any]
    start_up_seconds: float
    speeds: list[Speed]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def measure(recipe: Recipe, seconds: float, corpus_tokens: int) -> Speed:
    """Train `recipe` for about `seconds` on random text and score some with each protocol.

    Products take turns with the steps, so that what else the machine does slows both.
    """
    learner = _learner(recipe)
    device, dtype = learner.device, learner.model.compute_dtype
    with tempfile.TemporaryDirectory() as folder:
        tokens = _corpus(Path(folder), recipe, corpus_tokens)
        began = _now(device)
        if recipe.train.compile:
            learner.compile()
        compiled = _now(device) - began
        with run_batches(recipe, tokens) as batches:
            times = _times(learner, batches, seconds)
        *parts_of_steps, products = (statistics.median(column) for column in zip(*times, strict=True))
        parts = dict(zip(PARTS, parts_of_steps, strict=True))
        product_rate = 2 * PRODUCT**3 / products
        speed = recipe.train.batch_tokens / sum(parts.values())
        flops = speed * training_flops_per_token(recipe)
        return Speed(
            recipe=recipe.name,
            parameters=parameter_count(recipe.model),
            device=torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
            dtype=str(dtype).removeprefix("torch."),
            threads=torch.get_num_threads(),
            corpus_tokens=corpus_tokens,
            compile_seconds=compiled,
            steps=len(times),
            milliseconds={name: 1e3 * part for name, part in parts.items()},
            tokens_per_second=speed,
            gflops=flops / 1e9,
            product_gflops=product_rate / 1e9,
            share=flops / product_rate,
            peak_memory_mb=peak_memory(device) / 1e6,
            scored_tokens_per_second={protocol: _scoring_rate(learner, protocol) for protocol in SCORED},
        )


def start_up_seconds(recipe: Recipe) -> float:
    """From the command `bytegolf train` to the begin of its first step, compilation aside: a process of its own, on a small text."""
    values = recipe.model_dump()
    values["model"]["vocab_size"], values["train"]["compile"] = 260, False
    with tempfile.TemporaryDirectory() as name:
        texts, data, file = Path(name, "texts"), Path(name, "data"), Path(name, "recipe.toml")
        texts.mkdir()
        for index in range(4):
            (texts / f"{index}.txt").write_text(f"{index} {START_UP_TEXT}")
        prepare([str(texts)], data, text=TextConfig(tokenizer="bytes"), val_docs=1)
        file.write_text(recipe_toml(Recipe.model_validate(values)))
        command = [sys.executable, "-m", "bytegolf", "train", str(file), "--data", str(data), "--out", str(Path(name, "run"))]
        began = time.perf_counter()
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            said = ""
            for said in process.stderr:
                if said.startswith("train: 0"):
                    seconds = time.perf_counter() - began
                    process.kill()
                    return seconds
    raise RuntimeError(f"the run did not begin: {said.strip()}")


def _learner(recipe: Recipe) -> Learner:
    device = choose_device(recipe.train.device)
    model = GPT(recipe.model, choose_dtype(recipe.train.dtype, device)).to(device)
    model.initialise(recipe.train.seed)
    return Learner(recipe, model, QatPlan(plan_artifact(recipe).bits))


def _corpus(folder: Path, recipe: Recipe, tokens: int) -> TokenStream:
    draw = np.random.default_rng(0)
    with ShardWriter(folder, "train") as writer:
        for begin in range(0, tokens, CORPUS_PIECE):
            writer.write(draw.integers(recipe.model.vocab_size, size=min(CORPUS_PIECE, tokens - begin)))
    return TokenStream(sorted(folder.glob("train_*.bin")))


def _times(learner: Learner, batches: Batches, seconds: float) -> list[list[float]]:
    """Seconds of the parts of each step, and of a square product after it."""
    matrix = torch.randn(PRODUCT, PRODUCT, device=learner.device).to(learner.model.compute_dtype)
    times: list[list[float]] = []
    began = time.perf_counter()
    while len(times) < WARM_STEPS + LEAST_STEPS or time.perf_counter() - began < seconds:
        step = _step(learner, batches, len(times))
        times.append([*step, _best_of(2, lambda: matrix @ matrix, learner.device)])
    return times[WARM_STEPS:]


def _step(learner: Learner, batches: Batches, step: int) -> list[float]:
    """What `Learner.step` does, with a look at the clock between its parts."""
    device = learner.device
    began = _now(device)
    parts = learner.micro_batches(next(batches))
    data = _now(device) - began
    forward = backward = 0.0
    for part in parts:
        before = _now(device)
        loss = learner.loss(part) / len(parts)
        between = _now(device)
        loss.backward()
        forward, backward = forward + between - before, backward + _now(device) - between
    before = _now(device)
    learner.optimizers.step(step, scale=1.0)
    between = _now(device)
    learner.averages.update(learner.weights, step, 1.0)
    return [data, forward, backward, between - before, _now(device) - between]


def _scoring_rate(learner: Learner, protocol: ProtocolName) -> float:
    """Tokens per second that a protocol scores of random text, by the recipe's window and stride."""
    recipe = learner.recipe
    model = GPT(recipe.model).to(learner.device)
    model.load_state_dict(learner.weights)
    config = recipe.score
    count = 1 + config.window + SCORED_STRIDES * config.stride
    tokens = np.random.default_rng(1).integers(recipe.model.vocab_size, size=count).astype(np.uint16)
    seconds = _best_of(2, lambda: score_tokens(model, tokens, count - 1, protocol, config), learner.device)
    return (count - 1) / seconds


def _best_of(repeats: int, work: Callable[[], object], device: torch.device) -> float:
    seconds = []
    for _ in range(repeats):
        began = _now(device)
        work()
        seconds.append(_now(device) - began)
    return min(seconds)


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
