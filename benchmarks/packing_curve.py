"""What a byte buys: bits per byte lost over float against the size of the whole file, for every way to pack, on the same weights.

    python benchmarks/packing_curve.py RUN --data DIR --out benchmarks/results/packing_curve.json

Two baselines stand for what is common. The seed system's export: INT6 everywhere, a step per row, LZMA-9. And the practice of
the field: GPTQ in act order with damping 0.01, a step per row of 12.85 standard deviations over 31 (20 over 127 for the token
embedding), one byte a weight through brotli-11. Losses are of the held-out text, protocol standard. Of a baseline the size of
method rate is interpolated at its own loss; of each ingredient method rate is measured without it.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from unittest.mock import patch

import brotli
import numpy as np
import torch
from torch import Tensor

from bytegolf.artifact.container import Artifact, write_artifact
from bytegolf.artifact.entropy import encode_integers
from bytegolf.artifact.grid import quantize
from bytegolf.config import Recipe
from bytegolf.flow import load_model
from bytegolf.model.gpt import GPT, weight_class
from bytegolf.pack import viterbi
from bytegolf.pack.calibrate import Moments, calibrate
from bytegolf.pack.fit import fit, fit_lattices
from bytegolf.pack.gptq import ErrorFeedback, feedback, round_with_feedback
from bytegolf.pack.rate import Lattice, Lattices, prepare_lattices
from bytegolf.run import provenance, write_json
from bytegolf.score.protocols import score_tokens
from bytegolf.text.dataset import open_data
from bytegolf.train.record import FinishedRun, read_run

BITS = (1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 8.0)  # bits a weight, of the whole file
ABLATED_AT = (2.5, 3.5, 4.5)
UNLIMITED = 1 << 40
NO_TRELLIS = np.broadcast_to(np.array([[0, 0], [0, 2]]), (8, 2, 2)).copy()  # even levels alone: whole steps


@dataclass(frozen=True)
class Point:
    method: str
    bytes: int
    bits_per_weight: float
    bpb_lost: float
    divergence: float  # of the predictions from the float model's, in bits a byte; has less noise than the loss


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--limit-bytes", type=int, default=300_000)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--no-ablations", action="store_true")
    arguments = parser.parse_args()
    run, data = read_run(arguments.run), open_data(arguments.data)
    bench = Bench(run, load_model(arguments.run).model, *data.held_out(arguments.limit_bytes))
    moments = calibrate(bench.model, run.recipe, data.train)
    lattices = {
        source: prepare_lattices(source, bench.model, run.weights, run.recipe, data.train if source == "text" else None)
        for source in ("text", "self", "random")
    }
    points = [*bench.baselines(moments), *bench.curves(moments, lattices)]
    if not arguments.no_ablations:
        points += bench.ablations(lattices["text"])
    saved = {baseline: bench.saved(points, baseline) for baseline in ("seed int6 lzma", "gptq rows brotli")}
    result = {
        "date": f"{date.today()}",
        "run": run.recipe.name,
        "parameters": bench.parameters,
        "bytes_scored": bench.num_bytes,
        "bpb": bench.lossless,
        "saved": saved,
        "points": [asdict(point) for point in points],
        "machine": provenance(),
    }
    print(json.dumps(saved, indent=2))
    if arguments.out:
        write_json(arguments.out, result)


class Bench:
    """A run, and how much worse than it others are."""

    def __init__(self, run: FinishedRun, model: GPT, tokens: object, num_bytes: int) -> None:
        self.run, self.model, self.num_bytes = run, model, num_bytes
        self.tokens = np.asarray(tokens[:])  # type: ignore[index]
        self.parameters = sum(weight.numel() for weight in run.weights.values())
        self.lossless = self.bpb(model)
        length = run.recipe.score.window
        whole = min(len(self.tokens) // length, max(1, 8192 // length)) * length
        self.windows = torch.from_numpy(self.tokens[:whole].astype(np.int64)).view(-1, length)
        self.bytes_per_token = num_bytes / len(self.tokens)

    def bpb(self, model: GPT) -> float:
        return score_tokens(model, self.tokens, self.num_bytes, "standard", self.run.recipe.score).bpb

    def divergence(self, model: GPT) -> float:
        """Kullback-Leibler, of some windows."""
        total = 0.0
        with torch.no_grad():
            for window in self.windows.split(1):
                ours, theirs = (each(window).log_softmax(-1) for each in (self.model, model))
                total += float((ours.exp() * (ours - theirs)).sum(-1).mean())
        return total / len(self.windows) / np.log(2) / self.bytes_per_token

    def point(self, method: str, size: int, model: GPT) -> Point:
        found = Point(method, size, 8 * size / self.parameters, self.bpb(model) - self.lossless, self.divergence(model))
        print(f"{method:<28}{size:>12,}{found.bits_per_weight:>9.3f}{found.bpb_lost:>+11.5f}{found.divergence:>11.6f}", flush=True)
        return found

    def recipe(self, **pack: object) -> Recipe:
        return self.run.recipe.model_copy(update={"pack": self.run.recipe.pack.model_copy(update=pack)})

    def baselines(self, moments: Moments) -> Iterator[Point]:
        recipe = self.recipe(method="seed", coder="lzma", mlp_int=6, attention_int=6)
        seed = fit(self.run.weights, recipe, self.run.tokenizer, UNLIMITED)
        yield self.point("seed int6 lzma", len(seed.file.data), seed.artifact.model())
        yield self.point("gptq rows brotli", *self.practice(moments, seed.file.sections))

    def practice(self, moments: Moments, sections: dict[str, int]) -> tuple[int, GPT]:
        """Size and model; header, tokenizer and controls as in a file of the seed's."""
        model, stream = GPT(self.run.recipe.model), []
        weights = dict(self.run.weights)
        for name, weight in self.run.weights.items():
            if weight_class(name) == "control":
                continue
            stack = weight.float().reshape(-1, *weight.shape[-2:])
            reach = 20 / 127 if weight_class(name) == "embedding" else 12.85 / 31
            steps = (stack.std(2, keepdim=True) * reach).half().float().clamp(min=2**-24)
            learned = feedback(moments[name], 0.01, True) if name in moments else None
            rounded = quantize(stack, steps) if learned is None else round_with_feedback(stack, steps, learned)
            integers = rounded.clamp(-127, 127)
            stream += [integers.to(torch.int8).numpy().tobytes(), steps.half().numpy().tobytes()]
            weights[name] = (integers * steps).reshape(weight.shape)
        model.load_state_dict(weights)
        kept = sum(sections[name] for name in ("container", "header", "tokenizer", "controls"))
        return kept + len(brotli.compress(b"".join(stream), quality=11, lgwin=24)), model.eval()

    def curves(self, moments: Moments, lattices: dict[str, Lattices]) -> Iterator[Point]:
        rounding = ErrorFeedback(moments, self.run.recipe.pack)
        for bits in BITS:
            limit = int(bits * self.parameters / 8)
            fitted = fit(self.run.weights, self.recipe(method="gptq"), self.run.tokenizer, limit, rounding=rounding)
            yield self.point("gptq", len(fitted.file.data), fitted.artifact.model())
            for source, prepared in lattices.items():
                fitted = fit_lattices(prepared, self.run.recipe, self.run.tokenizer, limit)
                yield self.point(f"rate, {source}", len(fitted.file.data), fitted.artifact.model())

    def ablations(self, lattices: Lattices) -> Iterator[Point]:
        def without(change: Callable[[Lattice], Lattice]) -> Lattices:
            changed = object.__new__(Lattices)
            changed.stacks = {name: [change(lattice) for lattice in stack] for name, stack in lattices.stacks.items()}
            changed.mean_bits = lattices.mean_bits
            return changed

        variants: dict[str, Lattices] = {
            "all": lattices,
            "no error feedback": without(lambda lattice: replace(lattice, shares=np.eye(len(lattice.shares)))),
            "no rate term": without(lambda lattice: replace(lattice, aims=np.zeros_like(lattice.aims))),
            "no steps by row": without(lambda lattice: replace(lattice, row_scales=np.zeros_like(lattice.row_scales))),
            "no steps by column": without(lambda lattice: replace(lattice, column_scales=np.zeros_like(lattice.column_scales))),
        }
        for bits in ABLATED_AT:
            limit = int(bits * self.parameters / 8)
            for name, variant in variants.items():
                fitted = fit_lattices(variant, self.run.recipe, self.run.tokenizer, limit)
                yield self.point(f"rate, {name}", len(fitted.file.data), fitted.artifact.model())
                if name == "all":
                    yield self.point("rate, histograms by row", self.by_row(fitted.artifact), fitted.artifact.model())
            yield self.without_trellis(lattices, limit)

    def by_row(self, artifact: Artifact) -> int:
        """Size with the coder of versions 1 and 2."""
        sections = write_artifact(artifact).sections
        matrices: dict[str, list[np.ndarray]] = {}
        for name, weight in artifact.weights.items():
            matrices.setdefault(weight_class(name), []).extend(weight.integers)
        coded = {kind: len(encode_integers(found)) + 4 for kind, found in matrices.items() if kind != "control"}
        return sum({**sections, **coded}.values())

    def without_trellis(self, lattices: Lattices, limit: int) -> Point:
        """Whole steps, coded by row: what a decoder without a trellis would read. The level is searched here."""
        low, high = 0.5, 12.0
        with patch.object(viterbi, "ARRIVALS", NO_TRELLIS), patch.object(viterbi, "TRELLIS_ERROR", 1 / 12):
            for _ in range(12):
                level = (low + high) / 2
                weights = lattices.at(level)
                size = self.by_row(Artifact(self.run.recipe.model, self.run.recipe.score, self.run.tokenizer, weights, {}))
                low, high = (level, high) if size <= limit else (low, level)
        model = GPT(self.run.recipe.model)
        values: dict[str, Tensor] = {}
        for name, weight in weights.items():
            steps = torch.from_numpy(weight.grid_steps())
            values[name] = (torch.from_numpy(weight.integers).float() * steps).reshape(self.run.weights[name].shape)
        model.load_state_dict(values)
        return self.point("rate, no trellis", size, model.eval())

    def saved(self, points: list[Point], baseline: str) -> dict[str, float]:
        """Bytes of method rate at the baseline's own loss, interpolated in its logarithm, and the share that is saved."""
        [base] = [point for point in points if point.method == baseline]
        curve = sorted((point for point in points if point.method == "rate, text"), key=lambda point: point.bytes)
        saved = {}
        for by, measure in (("loss", lambda p: p.bpb_lost), ("divergence", lambda p: p.divergence)):
            losses = np.log([max(measure(point), 1e-7) for point in curve])
            size = float(np.interp(-np.log(max(measure(base), 1e-7)), -losses, [point.bytes for point in curve]))
            saved[f"bytes_at_its_{by}"] = round(size)
            saved[f"share_saved_at_its_{by}"] = round(1 - size / base.bytes, 4)
        return saved


if __name__ == "__main__":
    main()
