"""Scoring speed: sliding windows as the baseline scores them and as bytegolf does, and streaming.

    python benchmarks/scoring.py v10_banked                      # windows of the recipe's own length
    python benchmarks/scoring.py v10_banked --window 1024
    python benchmarks/scoring.py tiny --compiled                 # also with compiled functions

The baseline's way, in float32 on the same weights: every position through every block and the head, attention by torch's
own kernel, then all but the last targets dropped. Streaming is timed once its cache is full. Prints a table and writes
benchmarks/results/scoring.json. Ways take turns, and the best time of each counts: ratios compare, times on a
shared machine do not.
"""

import argparse
import json
import math
import time
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from bytegolf.model.attention import Cache, Context, Rotary, without_own_value
from bytegolf.model.banks import BlockWeights
from bytegolf.model.block import BlockControls, BlockInputs
from bytegolf.model.compiled import ModelFunctions, compiled_functions
from bytegolf.model.embeddings import Scaled
from bytegolf.model.gpt import GPT
from bytegolf.model.norm import rms_norm
from bytegolf.model.observe import Observe
from bytegolf.model.stream import Stream
from bytegolf.recipes import load_recipe
from bytegolf.runtime.device import choose_device
from bytegolf.runtime.threads import tune_process
from bytegolf.storage.files import write_json
from bytegolf.storage.provenance import provenance

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    tune_process()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", nargs="?", default="v10_banked")
    parser.add_argument("--window", type=int, default=0, help="tokens; 0 is the recipe's own")
    parser.add_argument("--stride", type=int, default=64)
    parser.add_argument("--windows", type=int, default=32, help="in the baseline's batch: 32 in its scripts")
    parser.add_argument("--batch", type=int, default=8192, help="tokens in a batch of bytegolf's")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--compiled", action="store_true")
    result = measure(**vars(parser.parse_args()))
    print(f"{result['recipe']}, window {result['window']}, stride {result['stride']}, float32 on {result['device']}")
    print(f"{'':<20}{'ms/token':>10}{'times faster':>14}{'bits differ by':>18}")
    for row in result["rows"]:
        difference = "another protocol" if row["difference"] is None else f"{row['difference']:.1e}"
        print(f"{row['way']:<20}{row['ms_per_token']:>10.3f}{row['times_the_baseline']:>14.2f}{difference:>18}")
    print(f"streaming is {result['streaming_gain']:.1f} times cheaper than sliding")
    file = RESULTS / "scoring.json"
    kept = json.loads(file.read_text())["results"] if file.exists() else []
    results = [old for old in kept if any(old[key] != result[key] for key in ("recipe", "window", "stride"))]
    results.append(result)
    write_json(file, {"date": f"{date.today()}", "machine": provenance(), "results": results})


def measure(recipe: str, window: int, stride: int, windows: int, batch: int, rounds: int, compiled: bool) -> dict[str, Any]:
    """Return the milliseconds per scored token of each way, and by how many bits its scores differ from the baseline's at most."""
    loaded, device = load_recipe(recipe), choose_device("auto")
    window = window or loaded.score.window
    size = max(1, batch // window)
    model = GPT(loaded.model).to(device).eval()
    model.initialise(1)
    draw = torch.Generator().manual_seed(0)
    for parameter in model.parameters():  # at initialisation blocks do nothing
        parameter.data += 0.02 * torch.randn(parameter.shape, generator=draw).to(device)
    text = torch.randint(2, loaded.model.vocab_size, (window + windows * stride + 1,), generator=draw).to(device)
    starts = range(stride, windows * stride + 1, stride)
    inputs = torch.stack([text[start : start + window] for start in starts])
    targets = torch.stack([text[start + window - stride + 1 : start + window + 1] for start in starts])
    stream = Stream(model, window - stride)

    def streaming() -> Tensor:
        model.functions = ModelFunctions()
        return torch.cat([stream.nats(row[None, -stride:], target[None]) for row, target in zip(inputs, targets, strict=True)])

    ways: dict[str, Callable[[], Tensor]] = {
        "baseline": lambda: baseline_nats(model, inputs, targets),
        "sliding": partial(nats_by, model, ModelFunctions(), inputs, targets, size),
        **({"sliding, compiled": partial(nats_by, model, compiled_functions(), inputs, targets, size)} if compiled else {}),
        "streaming": streaming,
    }
    best = dict.fromkeys(ways, float("inf"))
    nats: dict[str, Tensor] = {}
    with torch.inference_mode():
        stream.nats(text[None, :window], text[None, :window])
        for _ in range(rounds + 1):  # the first to warm up and compile
            for name, way in ways.items():
                began = _now(device)
                nats[name] = way()
                best[name] = min(best[name], _now(device) - began)
    milliseconds = {name: 1e3 * seconds / targets.numel() for name, seconds in best.items()}
    return {
        "recipe": recipe, "window": window, "stride": stride, "windows": windows, "batch": batch,
        "device": str(device), "threads": torch.get_num_threads(),
        "rows": [
            {
                "way": name, "ms_per_token": milliseconds[name], "times_the_baseline": milliseconds["baseline"] / milliseconds[name],
                "difference": None if name == "streaming" else float((nats[name] - nats["baseline"]).abs().max()) / math.log(2),
            }
            for name in ways
        ],
        "streaming_gain": milliseconds["sliding"] / milliseconds["streaming"],
    }  # fmt: skip


def nats_by(model: GPT, functions: ModelFunctions, inputs: Tensor, targets: Tensor, size: int) -> Tensor:
    model.functions = functions
    return torch.cat([model.nats(model.hidden(x, y.shape[1]), y) for x, y in zip(inputs.split(size), targets.split(size), strict=True)])


def baseline_nats(model: GPT, inputs: Tensor, targets: Tensor) -> Tensor:
    """Return the nats of every target as the baseline finds them: of whole windows, then the last targets of each."""
    model.functions = ModelFunctions(block=baseline_block)
    cap, head = model.config.logit_softcap, model.tokens if model.head is None else model.head
    logits = cap * torch.tanh(F.linear(rms_norm(model.hidden(inputs)), head) / cap)
    return F.cross_entropy(logits[:, -targets.shape[1] :].flatten(0, 1), targets.flatten(), reduction="none").view(targets.shape)


def baseline_block(
    x: Tensor,
    x0: Tensor,
    inputs: BlockInputs,
    context: Context,
    last: int | None = None,
    cache: Cache | None = None,
    observe: Observe | None = None,
) -> Tensor:
    """Compute a block as the baseline writes it, one operation after the other."""
    weights, controls, value_embedding, skip, exclusive, leak = inputs
    if skip is not None:
        x = x + skip.gain * skip.activations
    if controls.residual_mix is not None:
        x = controls.residual_mix[0] * x + controls.residual_mix[1] * x0
    read = rms_norm(x) * controls.depth_scale
    x = x + controls.attention_scale * baseline_attention(read, weights, controls, value_embedding, context.rotary, exclusive)
    read = rms_norm(x) * controls.depth_scale
    return x + controls.mlp_scale * F.linear(F.leaky_relu(F.linear(read, weights.up), leak).square(), weights.down)


def baseline_attention(
    x: Tensor, weights: BlockWeights, controls: BlockControls, value_embedding: Scaled | None, rotary: Rotary, exclusive: bool
) -> Tensor:
    head_dim = len(weights.q) // len(controls.q_gain)

    def heads(projected: Tensor) -> Tensor:
        return projected.unflatten(-1, (-1, head_dim)).transpose(1, 2)

    def rotated(x_BHTh: Tensor) -> Tensor:
        half = rotary.cos.shape[-1]
        u, w, rest = x_BHTh[..., :half], x_BHTh[..., half : 2 * half], x_BHTh[..., 2 * half :]
        return torch.cat((u * rotary.cos + w * rotary.sin, w * rotary.cos - u * rotary.sin, rest), dim=-1)

    v = F.linear(x, weights.v)
    if value_embedding is not None:
        v = v + value_embedding.scale * value_embedding.values
    q, k, v = rotated(rms_norm(heads(F.linear(x, weights.q)))), rotated(rms_norm(heads(F.linear(x, weights.k)))), heads(v)
    y = F.scaled_dot_product_attention(q * controls.q_gain[:, None, None], k, v, is_causal=True, enable_gqa=True)
    if exclusive:
        y = without_own_value(y.unflatten(1, (v.shape[1], -1)), v[:, :, None]).flatten(1, 2)
    return F.linear(y.transpose(1, 2).flatten(2), weights.out)


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


if __name__ == "__main__":
    main()
