"""What experts gain and cost: bits per byte of the held-out text without each of their parts, and how fast they score and code.

    python benchmarks/experts.py RUN_OR_ARTIFACT --data DIR
    python benchmarks/experts.py RUN_OR_ARTIFACT --data DIR --lanes 64
    python benchmarks/experts.py RUN_OR_ARTIFACT --text FILE      # any other text

The model reads in exact arithmetic, as `streaming` does, and every variant takes its frequencies in turn. Times are of the experts
alone, the best of the pieces of text: others on the machine only make them longer. Prints a table and writes
benchmarks/results/experts.json.
"""

import argparse
import json
import math
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bytegolf.arrays import Tokens
from bytegolf.config import BOS, ExpertsConfig, ScoreConfig
from bytegolf.exact.model import ExactModel
from bytegolf.exact.output import Frequencies, integer_probabilities
from bytegolf.exact.reader import Reader
from bytegolf.experts.experts import Experts
from bytegolf.experts.split import TOTAL_BITS
from bytegolf.flow.models import load_model
from bytegolf.storage.files import write_json
from bytegolf.storage.provenance import provenance
from bytegolf.text.dataset import open_data
from bytegolf.text.tokenizer import Tokenizer

RESULTS = Path(__file__).parent / "results"
CODED_LANES, CODED_TOKENS = 64, 64

VARIANTS: dict[str, dict[str, Any]] = {
    "all experts": {},
    "linear mixing alone": {"candidates": 0},
    "without skip contexts": {"skips": False},
    "without the indirect context": {"indirect": False},
    "without matches": {"match": 0},
    "n-grams and matches, mixed linearly": {"candidates": 0, "skips": False, "indirect": False},
    **{f"n-grams of up to {order}": {"orders": order} for order in range(1, 6)},
    "8 candidates": {"candidates": 8},
    "logistic rate 0.01": {"logistic_rate": 0.01},
    "logistic rate 0.04": {"logistic_rate": 0.04},
    "linear rate 0.1": {"linear_rate": 0.1},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    text = parser.add_mutually_exclusive_group(required=True)
    text.add_argument("--data", type=Path)
    text.add_argument("--text", type=Path)
    parser.add_argument("--limit-bytes", type=int, default=0)
    parser.add_argument("--lanes", type=int, default=1, help="parts of the text that are read side by side")
    arguments = parser.parse_args()
    loaded = load_model(arguments.source)
    model = loaded.exact_model()
    if arguments.data:
        tokens, num_bytes = open_data(arguments.data).held_out(arguments.limit_bytes)
        tokens = np.asarray(tokens[:])
    else:
        tokens, num_bytes = encoded(arguments.text, loaded.tokenizer, arguments.limit_bytes)
    name = (arguments.data or arguments.text).name
    result = {
        "text": name,
        "lanes": arguments.lanes,
        "bytes": num_bytes,
        **measure(model, loaded.score, tokens, num_bytes, arguments.lanes),
    }
    print_result(result)
    file = RESULTS / "experts.json"
    kept: list[dict[str, Any]] = json.loads(file.read_text())["results"] if file.exists() else []
    results = [old for old in kept if any(old[key] != result[key] for key in ("text", "lanes", "bytes"))]
    write_json(file, {"date": f"{date.today()}", "machine": provenance(), "results": [*results, result]})


def encoded(file: Path, tokenizer: Tokenizer, limit_bytes: int) -> tuple[Tokens, int]:
    """Return the tokens of a text file, a BOS before them, and its bytes."""
    text = file.read_bytes()[: limit_bytes or None].decode(errors="ignore")
    return np.array([BOS, *tokenizer.encode(text)], np.uint16), len(text.encode())


def measure(model: ExactModel, score: ScoreConfig, tokens: Tokens, num_bytes: int, lanes: int) -> dict[str, Any]:
    """Return bits per byte and microseconds a token of every variant."""
    vocab_size, length = model.config.vocab_size, (len(tokens) - 1) // lanes
    starts = np.arange(lanes)[:, None] * length
    inputs, targets = tokens[starts + np.arange(length)], tokens[starts + np.arange(1, length + 1)]
    variants = {name: Experts(changed(change), vocab_size, lanes) for name, change in VARIANTS.items()}
    bits, times = dict.fromkeys(["model alone", *variants], 0.0), dict.fromkeys(variants, math.inf)
    beginning: list[Frequencies] = []
    for rows_TLV, targets_TL in pieces(model, score, inputs, targets):
        totals, own = rows_TLV.sum(-1), np.take_along_axis(rows_TLV, targets_TL[..., None].astype(np.int64), -1)[..., 0]
        bits["model alone"] += float(np.sum(np.log2(totals) - np.log2(own)))
        for name, experts in variants.items():
            began = time.perf_counter()
            frequencies = experts.score(rows_TLV, targets_TL)
            times[name] = min(times[name], (time.perf_counter() - began) / targets_TL.size)
            bits[name] += float(np.sum(TOTAL_BITS - np.log2(frequencies)))
        if len(beginning) * targets_TL.size < CODED_LANES * CODED_TOKENS:
            beginning.append(rows_TLV.reshape(-1, vocab_size))
    whole = len(tokens) - 1
    scale = whole / (length * lanes) / num_bytes  # the tokens that fill no lane cost as much as the others
    return {
        "tokens": whole,
        "rows": [{"variant": name, "bpb": bits[name] * scale, "microseconds": 1e6 * times.get(name, 0.0)} for name in bits],
        "coding_microseconds": 1e6 * coding_seconds(np.concatenate(beginning), tokens),
    }  # fmt: skip


def changed(change: dict[str, Any]) -> ExpertsConfig:
    """Return another configuration. A match of 0 tokens is none at all: one longer than any memory."""
    change = change if change.get("match") != 0 else {"match": 32, "history_bits": 4}
    return ExpertsConfig(**change)


def pieces(model: ExactModel, score: ScoreConfig, inputs: Tokens, targets: Tokens) -> Iterator[tuple[Frequencies, NDArray[np.integer]]]:
    """Yield the model's frequencies of a piece of each lane, (T, L, V), and what came, (T, L)."""
    reader = Reader(model, len(inputs), score.window)
    for first in range(0, inputs.shape[1], score.stride):
        piece = inputs[:, first : first + score.stride]
        reader.forget(max(0, reader.length + piece.shape[1] - score.window))
        frequencies, _ = integer_probabilities(model.logits(reader.hidden(piece)))
        yield np.ascontiguousarray(frequencies.transpose(1, 0, 2)), targets[:, first : first + score.stride].T


def coding_seconds(rows: Frequencies, tokens: Tokens) -> float:
    """Return how long whole distributions take, a token, in lanes side by side."""
    steps = len(rows) // CODED_LANES
    experts = Experts(ExpertsConfig(), rows.shape[1], CODED_LANES)
    side_by_side = rows[: steps * CODED_LANES].reshape(CODED_LANES, steps, -1).swapaxes(0, 1)
    came = tokens[1 : steps * CODED_LANES + 1].reshape(CODED_LANES, steps).T
    best = math.inf
    for row, token in zip(side_by_side, came, strict=True):
        row = np.ascontiguousarray(row)
        began = time.perf_counter()
        experts.predict(row)
        experts.update(token)
        best = min(best, time.perf_counter() - began)
    return best / CODED_LANES


def print_result(result: dict[str, Any]) -> None:
    print(f"{result['text']}: {result['bytes']:,} bytes, {result['tokens']:,} tokens in {result['lanes']} lanes")
    print(f"{'':<40}{'bpb':>8}{'microseconds a token':>24}")
    for row in result["rows"]:
        print(f"{row['variant']:<40}{row['bpb']:>8.4f}{row['microseconds']:>24.1f}")
    print(f"coding, {CODED_LANES} lanes: {result['coding_microseconds']:.1f} microseconds a token")


if __name__ == "__main__":
    main()
