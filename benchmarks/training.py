"""Training speed of recipes, as a share of what this machine's matrix product reaches in the same run.

    make bench                                # tiny and small
    python benchmarks/training.py tiny        # one of them

Prints a table and writes benchmarks/results/training-DATE.json with machine and versions. Ratios compare; absolute
times on a shared machine do not.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional as F

from bytegolf.model.gpt import GPT
from bytegolf.pack.plan import training_flops_per_token
from bytegolf.recipes import load_recipe
from bytegolf.run import provenance, write_json
from bytegolf.train.device import choose_device, choose_dtype
from bytegolf.train.optim import Optimizers

RESULTS = Path(__file__).parent / "results"
PRODUCT = 2048  # rows and columns of the matrices whose product sets the scale


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", nargs="*", default=["tiny", "small"])
    parser.add_argument("--steps", type=int, default=8)
    arguments = parser.parse_args()
    rows = [measure(name, arguments.steps) for name in arguments.recipes]
    print(f"{'recipe':<12}{'forward':>10}{'backward':>10}{'optimiser':>11}{'tokens/s':>11}{'GFLOP/s':>10}{'product':>10}{'share':>8}")
    for row in rows:
        print(
            f"{row['recipe']:<12}{row['forward_ms']:>7.0f} ms{row['backward_ms']:>7.0f} ms{row['optimiser_ms']:>8.0f} ms"
            f"{row['tokens_per_second']:>11,.0f}{row['gflops']:>10.0f}{row['product_gflops']:>10.0f}{row['share']:>8.1%}"
        )
    file = RESULTS / f"training-{datetime.now(UTC):%Y-%m-%d}.json"
    write_json(file, {"date": f"{datetime.now(UTC):%Y-%m-%d}", "machine": provenance(), "rows": rows})
    print(json.dumps({"written": str(file.relative_to(RESULTS.parents[1]))}))


def measure(name: str, steps: int) -> dict[str, Any]:
    """Median times of a step's parts over `steps` steps, the machine's product rate measured before and after."""
    recipe = load_recipe(name)
    device = choose_device(recipe.train.device)
    dtype = choose_dtype(recipe.train, device)
    model = GPT(recipe.model, dtype).to(device)
    model.initialise(recipe.train.seed)
    optimizers = Optimizers(model, recipe.optim, dtype)
    length = recipe.train.sequence_length
    tokens = torch.randint(recipe.model.vocab_size, (recipe.train.batch_tokens // length, length + 1), device=device)

    def step(index: int) -> tuple[float, float, float]:
        marks = [clock(device)]
        loss = F.cross_entropy(model(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten())
        marks.append(clock(device))
        loss.backward()
        marks.append(clock(device))
        optimizers.step(index, scale=1.0)
        marks.append(clock(device))
        return marks[1] - marks[0], marks[2] - marks[1], marks[3] - marks[2]

    rates = [product_rate(device, dtype)]
    times = [step(index) for index in range(steps + 2)][2:]
    rates.append(product_rate(device, dtype))
    forward, backward, optimiser = (statistics.median(parts) for parts in zip(*times, strict=True))
    speed = recipe.train.batch_tokens / (forward + backward + optimiser)
    gflops = speed * training_flops_per_token(recipe) / 1e9
    return {
        "recipe": name,
        "dtype": str(dtype).removeprefix("torch."),
        "device": str(device),
        "threads": torch.get_num_threads(),
        "steps": steps,
        "forward_ms": 1e3 * forward,
        "backward_ms": 1e3 * backward,
        "optimiser_ms": 1e3 * optimiser,
        "tokens_per_second": speed,
        "gflops": gflops,
        "product_gflops": max(rates) / 1e9,
        "share": gflops * 1e9 / max(rates),
    }


def product_rate(device: torch.device, dtype: torch.dtype) -> float:
    """FLOP/s of the best of several square products."""
    matrix = torch.randn(PRODUCT, PRODUCT, device=device).to(dtype)
    return 2 * PRODUCT**3 / best_of(5, lambda: matrix @ matrix, device)


def best_of(repeats: int, work: Callable[[], object], device: torch.device) -> float:
    seconds = []
    for _ in range(repeats):
        began = clock(device)
        work()
        seconds.append(clock(device) - began)
    return min(seconds)


def clock(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


if __name__ == "__main__":
    main()
