"""What a byte buys: bits per byte lost over float against the size of the whole file, for every way to pack, on the same weights.

    python benchmarks/packing.py RUN --data DIR --out benchmarks/results/packing.json
    python benchmarks/packing_page.py

Two references stand for what is common. The baseline's export: INT6 everywhere, a spacing per row, LZMA-9. And the practice of
the field: GPTQ in act order with damping 0.01, a spacing per row of 12.85 standard deviations over 31 (20 over 127 for the token
embedding), one byte a weight through brotli-11. What is lost is counted window by window of held-out text, non-overlapping, so
that ways are compared on the same tokens. At each reference's own loss the size of method rate is interpolated between its
budgets, in the logarithm of the loss; windows are drawn anew, with replacement, for a confidence interval.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import get_args
from unittest.mock import patch

import brotli
import numpy as np
import torch
from numpy.typing import NDArray

from bytegolf.artifact import adaptive_coder as adaptive
from bytegolf.artifact.container import Artifact, write_artifact
from bytegolf.artifact.finished_run import FinishedRun, read_run
from bytegolf.artifact.grid import quantize
from bytegolf.artifact.static_coder import encode_integers
from bytegolf.artifact.trellis_states import NEXT
from bytegolf.artifact.trellis_weights import TrellisStack, TrellisWeights
from bytegolf.config import Recipe
from bytegolf.flow.models import load_model
from bytegolf.model.gpt import GPT
from bytegolf.model.weights import weight_class
from bytegolf.names import CalibrationName, CoderName
from bytegolf.packing import viterbi
from bytegolf.packing.calibration import Moments, calibrate
from bytegolf.packing.fit import Fitted, fit
from bytegolf.packing.gptq import ErrorFeedback, feedback, round_with_feedback
from bytegolf.packing.lattice import RATE_SHARE, Lattice
from bytegolf.packing.methods import BaselineLadder, GridLadder, RateLadder
from bytegolf.packing.rate import Lattices, prepare_lattices
from bytegolf.storage.files import write_json
from bytegolf.storage.provenance import provenance
from bytegolf.text.dataset import open_data

BITS = (1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0)  # bits a weight, of the whole file
ABLATED_AT = (2.0, 3.0)
RESAMPLED = 2000
NO_TRELLIS = np.broadcast_to(np.array([[0, 0], [0, 2]]), (8, 2, 2)).copy()  # even levels alone: whole spacings
SOURCES: tuple[CalibrationName, ...] = get_args(CalibrationName)


@dataclass(frozen=True)
class Point:
    """One way to pack at one size. Losses are (windows,) in bits per byte, over float; divergences of the predictions too."""

    way: str
    bytes: int
    loss: NDArray[np.float64]
    divergence: NDArray[np.float64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--limit-bytes", type=int, default=100_000, help="of held-out text")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    run, data = read_run(arguments.run), open_data(arguments.data)
    judge = Judge(load_model(arguments.run).model(), run.recipe.score.window, *data.held_out(arguments.limit_bytes))
    ways = Ways(run)
    moments = calibrate(judge.model, run.recipe, data.train)
    lattices = {source: prepare_lattices(source, judge.model, run.weights, run.recipe, data.train) for source in SOURCES}
    points = [judge.point(*found) for found in ways.all(moments, lattices)]
    curve = [point for point in points if point.way == "rate"]
    result = {
        "date": f"{date.today()}",
        "recipe": run.recipe.name,
        "parameters": ways.parameters,
        "steps": run.folder.read_manifest()["steps"],
        "bytes_scored": judge.num_bytes,
        "bpb": judge.bpb,
        "saved": {base.way: saved(curve, base) for base in points if base.way in (BASELINE, PRACTICE)},
        "points": [described(point, ways.parameters) for point in points],
        "machine": provenance(),
    }
    print(json.dumps(result["saved"], indent=2))
    if arguments.out:
        write_json(arguments.out, result)


class Judge:
    """A model, and how much worse than it others are on held-out text."""

    def __init__(self, model: GPT, window: int, tokens: object, num_bytes: int) -> None:
        self.model = model
        text = torch.from_numpy(np.asarray(tokens[:]).astype(np.int64))  # type: ignore[index]
        self.windows = text[: (len(text) - 1) // window * window + 1].unfold(0, window + 1, window)
        self.num_bytes = round(num_bytes * (self.windows.numel() - len(self.windows)) / (len(text) - 1))
        with torch.no_grad():
            self.own = [model(window[None, :-1])[0].log_softmax(-1) for window in self.windows]
        self.nats, _ = self.measured(model)
        self.bpb = float(self.nats.sum()) / np.log(2) / self.num_bytes

    def measured(self, model: GPT) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return, for each window, summed nats of the targets and of the divergence of the predictions from the judge's own."""
        nats, divergences = [], []
        with torch.no_grad():
            for window, own in zip(self.windows, self.own, strict=True):
                found = model(window[None, :-1])[0].log_softmax(-1)
                nats.append(-float(found.gather(1, window[1:, None]).double().sum()))
                divergences.append(float((own.exp() * (own - found)).double().sum()))
        return np.array(nats), np.array(divergences)

    def point(self, way: str, size: int, model: GPT) -> Point:
        nats, divergence = self.measured(model)
        scale = len(self.windows) / np.log(2) / self.num_bytes
        found = Point(way, size, (nats - self.nats) * scale, divergence * scale)
        print(f"{way:<28}{size:>12,}{found.loss.mean():>+11.5f}{found.divergence.mean():>11.6f}", flush=True)
        return found


def described(point: Point, parameters: int) -> dict[str, object]:
    error = float(point.loss.std(ddof=1) / np.sqrt(len(point.loss)))
    return {
        "way": point.way,
        "bytes": point.bytes,
        "bits_per_weight": 8 * point.bytes / parameters,
        "bpb_lost": float(point.loss.mean()),
        "standard_error": error,
        "divergence": float(point.divergence.mean()),
    }


def saved(curve: list[Point], base: Point) -> dict[str, object]:
    """Return the share of bytes saved at a reference's loss, and at its divergence; with 95 % intervals, paired by window."""
    random, windows = np.random.default_rng(0), len(base.loss)
    draws = [np.arange(windows), *(random.integers(windows, size=windows) for _ in range(RESAMPLED))]
    found: dict[str, object] = {}
    for name in ("loss", "divergence"):
        every = np.array([getattr(point, name) for point in curve])
        own = getattr(base, name)
        shares = [1 - _size_at([point.bytes for point in curve], every[:, draw].mean(1), own[draw].mean()) / base.bytes for draw in draws]
        low, high = np.quantile(shares[1:], (0.025, 0.975))
        found[f"at_its_{name}"] = {"share": float(shares[0]), "interval": [float(low), float(high)], "of": base.bytes}
    return found


def _size_at(sizes: list[int], losses: NDArray[np.float64], loss: float) -> float:
    """Return where the curve reaches a loss, whose logarithm is nearly linear in size. Losses that noise leaves at 0 count as 1e-7."""
    falling = np.minimum.accumulate(np.maximum(losses, 1e-7))
    return float(np.interp(-np.log(max(loss, 1e-7)), -np.log(falling), sizes))


BASELINE, PRACTICE = "baseline INT6, LZMA-9", "GPTQ by rows, brotli-11"


class Ways:
    """All ways to pack one run: name, size and model of each."""

    def __init__(self, run: FinishedRun) -> None:
        self.run = run
        self.parameters = sum(weight.numel() for weight in run.weights.values())

    def all(self, moments: Moments, lattices: dict[CalibrationName, Lattices]) -> Iterator[tuple[str, int, GPT]]:
        export = fit(BaselineLadder(self.run.weights, self.recipe(coder="lzma", mlp_int=6, attention_int=6), self.run.tokenizer), 1 << 40)
        yield self.named(BASELINE, export)
        yield PRACTICE, *self.practice(moments, export.file.sections)
        for width in (4, 5):
            coarser = self.recipe(coder="lzma", mlp_int=width, attention_int=width)
            yield self.named(f"baseline INT{width}", fit(BaselineLadder(self.run.weights, coarser, self.run.tokenizer), 1 << 40))
        grids = GridLadder(self.run.weights, self.run.recipe, self.run.tokenizer, ErrorFeedback(moments, self.run.recipe.pack))
        for bits in BITS:
            yield self.named("gptq", fit(grids, self.limit(bits)))
            for source, prepared in lattices.items():
                yield self.rate(prepared, bits, "rate" if source == "text" else f"rate, from {source}")
        yield from self.coders(lattices["text"])
        yield from self.ablations(lattices["text"])

    def limit(self, bits: float) -> int:
        return int(bits * self.parameters / 8)

    def recipe(self, **pack: object) -> Recipe:
        return self.run.recipe.model_copy(update={"pack": self.run.recipe.pack.model_copy(update=pack)})

    def named(self, way: str, fitted: Fitted) -> tuple[str, int, GPT]:
        return way, fitted.size, fitted.artifact.model()

    def rate(self, lattices: Lattices, bits: float, way: str) -> tuple[str, int, GPT]:
        return self.named(way, fit(RateLadder(lattices, self.run.recipe, self.run.tokenizer), self.limit(bits)))

    def practice(self, moments: Moments, sections: dict[str, int]) -> tuple[int, GPT]:
        """Return size and model; header, tokenizer and controls as in a file of method baseline."""
        model, stream, weights = GPT(self.run.recipe.model), [], dict(self.run.weights)
        for name, weight in self.run.weights.items():
            if weight_class(name) == "control":
                continue
            stack = weight.float().reshape(-1, *weight.shape[-2:])
            clip, largest = (20, 127) if weight_class(name) == "embedding" else (12.85, 31)
            spacings = (stack.std(2, keepdim=True) * clip / largest).half().float().clamp(min=2**-24)
            learned = feedback(moments[name], 0.01, True) if name in moments else None
            rounded = quantize(stack, spacings) if learned is None else round_with_feedback(stack, spacings, learned)
            integers = rounded.clamp(-largest, largest)
            stream += [integers.to(torch.int8).numpy().tobytes(), spacings.half().numpy().tobytes()]
            weights[name] = (integers * spacings).reshape(weight.shape)
        model.load_state_dict(weights)
        kept = sum(sections[name] for name in ("container", "header", "tokenizer", "controls"))
        return kept + len(brotli.compress(b"".join(stream), quality=11, lgwin=24)), model.eval()

    def coders(self, lattices: Lattices) -> Iterator[tuple[str, int, GPT]]:
        """Code the same integers by other coders, at 3 bits a weight."""
        fitted = fit(RateLadder(lattices, self.run.recipe, self.run.tokenizer), self.limit(3.0))
        for coder in get_args(CoderName):
            yield f"rate, {coder}", len(write_artifact(replace(fitted.artifact, coder=coder)).data), fitted.artifact.model()

    def ablations(self, lattices: Lattices) -> Iterator[tuple[str, int, GPT]]:
        variants: dict[str, Callable[[str, Lattice], Lattice]] = {
            "spacings by size": _by_size,
            "no spacings by row": lambda _, lattice: replace(lattice, row_scales=np.zeros_like(lattice.row_scales)),
            "no spacings by column": lambda _, lattice: replace(lattice, column_scales=np.zeros_like(lattice.column_scales)),
            "no error feedback": lambda _, lattice: replace(lattice, shares=np.eye(len(lattice.shares))),
            "no rate term": lambda _, lattice: replace(lattice, shrinkage=np.zeros_like(lattice.shrinkage)),
            "all of the rate term": lambda _, lattice: replace(lattice, shrinkage=lattice.shrinkage / RATE_SHARE),
        }
        for bits in ABLATED_AT:
            yield self.rate(lattices, bits, "ablated: nothing")
            for name, change in variants.items():
                stacks = {parameter: [change(parameter, lattice) for lattice in stack] for parameter, stack in lattices.stacks.items()}
                yield self.rate(Lattices(stacks, lattices.fixed), bits, f"ablated: {name}")
            yield "ablated: histograms by row", *self.by_row(lattices, bits)
            yield "ablated: no trellis", *self.without_trellis(lattices, bits)

    def without_trellis(self, lattices: Lattices, bits: float) -> tuple[int, GPT]:
        """Use whole spacings alone, in the search and in the coder."""
        with patch.object(viterbi, "ARRIVALS", NO_TRELLIS), patch.object(adaptive, "NEXT", np.zeros_like(NEXT)):
            fitted = fit(RateLadder(lattices, self.run.recipe, self.run.tokenizer), self.limit(bits))
        model = GPT(self.run.recipe.model)
        values = {}
        assert isinstance(fitted.artifact.weights, TrellisWeights)
        for name, stack in fitted.artifact.weights.stacks.items():
            values[name] = torch.from_numpy(stack.integers * stack.weight_spacings()).reshape(self.run.weights[name].shape)
        model.load_state_dict(values)
        return len(fitted.file.data), model.eval()

    def by_row(self, lattices: Lattices, bits: float) -> tuple[int, GPT]:
        """Use the static coder. The level is searched here."""
        low, high = 0.5, 12.0
        for _ in range(12):
            level = (low + high) / 2
            low, high = (level, high) if self._size_by_row(lattices.at(level)) <= self.limit(bits) else (low, level)
        stacks = lattices.at(low)
        return self._size_by_row(stacks), self._artifact(stacks).model()

    def _artifact(self, stacks: dict[str, TrellisStack]) -> Artifact:
        return Artifact(self.run.recipe.model, self.run.recipe.score, self.run.tokenizer, TrellisWeights(stacks))

    def _size_by_row(self, stacks: dict[str, TrellisStack]) -> int:
        sections = write_artifact(self._artifact(stacks)).sections
        matrices: dict[str, list[NDArray[np.int32]]] = {}
        for name, stack in stacks.items():
            matrices.setdefault(weight_class(name), []).extend(stack.integers)
        coded = {kind: len(encode_integers(found)) + 4 for kind, found in matrices.items() if kind != "control"}
        return sum({**sections, **coded}.values())


def _by_size(parameter: str, lattice: Lattice) -> Lattice:
    """Set spacings in proportion to the root mean square of each matrix; of gains, which are few, to 1/32 of it."""
    finer = 32.0**2 if weight_class(parameter) == "control" else 1.0
    curvature = finer / max(float(np.square(lattice.columns).mean()), 1e-30)
    rows, columns = np.zeros_like(lattice.row_scales), np.zeros_like(lattice.column_scales)
    return replace(lattice, curvature=curvature, row_scales=rows, column_scales=columns)


if __name__ == "__main__":
    main()
