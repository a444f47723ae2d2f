"""Ways to pack, on the same weights: bytes, and bits per byte lost on the held-out text (protocol standard).

    python benchmarks/packing.py RUN --data DIR

First the seed system's fixed widths through each coder; then, at the size they take through zstd and at smaller ones, rounding to
the nearest and GPTQ, whose steps fill the budget. docs/packing.md keeps the output.
"""

import argparse
import io
from pathlib import Path
from typing import get_args

import numpy as np
import torch
import zstandard

from bytegolf.config import CoderName, MethodName
from bytegolf.flow import load_model
from bytegolf.model.gpt import GPT
from bytegolf.pack.calibrate import calibrate
from bytegolf.pack.fit import Fitted, fit
from bytegolf.pack.gptq import ErrorFeedback
from bytegolf.pack.quantize import Rounding, nearest
from bytegolf.score.protocols import score_tokens
from bytegolf.text.dataset import open_data
from bytegolf.train.record import FinishedRun, read_run

UNLIMITED = 1 << 40


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--limit-bytes", type=int, default=300_000)
    parser.add_argument("--share", type=float, action="append", help="of the seed's size, to pack into; repeatable")
    arguments = parser.parse_args()
    run, data = read_run(arguments.run), open_data(arguments.data)
    tokens, num_bytes = data.held_out(arguments.limit_bytes)

    def bpb(model: GPT) -> float:
        return score_tokens(model, tokens, num_bytes, "standard", run.recipe.score).bpb

    loaded = load_model(arguments.run)
    lossless = bpb(loaded.model)
    print(f"{arguments.run.name}: float32 {lossless:.5f} bpb on {num_bytes:,} bytes\n")
    print(f"{'method':<8}{'coder':<8}{'bytes':>12}{'bits a weight':>16}{'bpb lost':>12}")

    def show(method: MethodName, coder: CoderName, limit: int, rounding: Rounding = nearest) -> int:
        fitted = pack(run, method, coder, limit, rounding)
        size = len(fitted.file.data)
        weights = sum(weight.numel() for weight in run.weights.values())
        lost = bpb(fitted.artifact.model()) - lossless
        print(f"{method:<8}{coder:<8}{size:>12,}{8 * size / weights:>16.3f}{lost:>+12.5f}", flush=True)
        return size

    sizes = {coder: show("seed", coder, UNLIMITED) for coder in ("zlib", "zstd", "lzma", "range")}
    print(f"{'':<8}{'pickled':<8}{len(pickled(pack(run, 'seed', 'zstd', UNLIMITED, nearest))):>12,}  as the seed wrote it, through zstd")
    feedback = ErrorFeedback(calibrate(loaded.model, run.recipe, data.train), run.recipe.pack)
    for coder in get_args(CoderName):
        show("rate", coder, sizes["zstd"])
    for share in arguments.share or (1.0, 0.8, 0.65, 0.5):
        show("rate", "range", int(share * sizes["zstd"]))
        show("gptq", "range", int(share * sizes["zstd"]), feedback)


def pack(run: FinishedRun, method: MethodName, coder: CoderName, limit: int, rounding: Rounding) -> Fitted:
    chosen = run.recipe.pack.model_copy(update={"method": method, "coder": coder})
    return fit(run.weights, run.recipe.model_copy(update={"pack": chosen}), run.tokenizer, limit, rounding=rounding)


def pickled(fitted: Fitted) -> bytes:
    """The same weights in the seed's own container: a torch file of int8 and float16 tensors by name, through zstd -22."""
    artifact, tensors, kinds = fitted.artifact, {}, {}
    for name, weight in artifact.weights.items():
        for place in range(len(weight.integers)):
            own = f"{name}.{place}.weight"
            kinds[own] = "float16" if place in weight.kept else "int"
            if place in weight.kept:
                tensors[own] = torch.from_numpy(weight.kept[place])
            else:
                tensors[f"{own}.q"] = torch.from_numpy(weight.integers[place].astype(np.int8))
                tensors[f"{own}.scale"] = torch.from_numpy(weight.steps[place])
    for name, control in artifact.controls.items():
        for place, vector in enumerate(control.reshape(-1, control.shape[-1]) if control.ndim > 1 else [control]):
            tensors[f"{name}.{place}"], kinds[f"{name}.{place}"] = torch.from_numpy(np.array(vector)), "float16"
    file = io.BytesIO()
    torch.save({"w": tensors, "m": kinds}, file)
    return zstandard.ZstdCompressor(level=22).compress(file.getvalue())


if __name__ == "__main__":
    main()
