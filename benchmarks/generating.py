"""How fast text is generated: tokens a second of one text, its first ones and those in sight of a full window.

    python benchmarks/generating.py quickstart --run runs/quickstart/run
    python benchmarks/generating.py v11_banked

Without a run, weights and prompts are drawn. Each token is predicted and drawn by top-p 0.95, as `bytegolf generate` does.
Prints a table and writes benchmarks/results/generating.json. The best of some rounds counts; tokens in a second of processor
time, which counts all threads, depend less on what else runs.
"""

import argparse
import json
import time
from datetime import date
from pathlib import Path
from typing import Any

import numba
import numpy as np

from bytegolf.artifact.finished_run import read_run
from bytegolf.coding.lane_predictor import LanePredictor
from bytegolf.coding.sampling import Dice, Sampling
from bytegolf.config import ModelConfig
from bytegolf.exact.model import ExactModel
from bytegolf.model.shapes import parameter_count, parameter_shapes
from bytegolf.recipes import load_recipe
from bytegolf.runtime.threads import tune_process
from bytegolf.storage.files import write_json
from bytegolf.storage.provenance import provenance

RESULTS = Path(__file__).parent / "results" / "generating.json"


def main() -> None:
    tune_process()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", nargs="?", default="quickstart")
    parser.add_argument("--run", type=Path, help="a finished run of the recipe, whose weights are read")
    parser.add_argument("--tokens", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    result = measure(**vars(parser.parse_args()))
    print(f"{result['recipe']}, {result['parameters']:,} {result['weights']} weights, window {result['window']}")
    for row in result["rows"]:
        speed, per_processor = row["tokens_per_second"], row["per_processor_second"]
        print(f"  {row['in_sight']:>5,} tokens in sight {speed:>8,.0f} tokens/s, {per_processor:>8,.0f} a processor-second")
    kept: list[dict[str, Any]] = json.loads(RESULTS.read_text())["results"] if RESULTS.exists() else []
    results = [old for old in kept if old["recipe"] != result["recipe"]]
    machine: dict[str, str | int] = {**provenance(), "numba": numba.__version__}
    write_json(RESULTS, {"date": f"{date.today()}", "machine": machine, "results": [*results, result]})


def measure(recipe: str, run: Path | None, tokens: int, rounds: int) -> dict[str, Any]:
    """Return tokens per second at the start of a text, and where the window is full."""
    loaded = load_recipe(recipe)
    window = loaded.score.window
    trained = {} if run is None else {name: values.numpy() for name, values in read_run(run).weights.items()}
    model, rows = ExactModel.of(loaded.model, trained or drawn_weights(loaded.model)), []
    for in_sight in (0, window - tokens):
        best = {"in_sight": in_sight, "tokens_per_second": 0.0, "per_processor_second": 0.0}
        for _ in range(rounds):
            predictor = LanePredictor(model, None, 1, window)
            predictor.read(np.random.default_rng(1).integers(2, loaded.model.vocab_size, (1, in_sight)))
            began, used = time.perf_counter(), time.process_time()
            generate(predictor, tokens)
            best["tokens_per_second"] = max(best["tokens_per_second"], tokens / (time.perf_counter() - began))
            best["per_processor_second"] = max(best["per_processor_second"], tokens / (time.process_time() - used))
        rows.append(best)
    return {
        "recipe": recipe,
        "window": window,
        "parameters": parameter_count(loaded.model),
        "weights": "trained" if trained else "drawn",
        "rows": rows,
    }


def generate(predictor: LanePredictor, tokens: int) -> None:
    dice, sampling = Dice(1), Sampling(top_p=0.95)
    for _ in range(tokens):
        token = dice.draw(sampling.shares(predictor.predict()[0]))
        predictor.observe(np.array([token]))


def drawn_weights(config: ModelConfig) -> dict[str, np.ndarray[Any, np.dtype[np.float32]]]:
    draw = np.random.default_rng(1)
    shapes = parameter_shapes(config).items()
    return {name: draw.normal(0, (shape[-1] if shape else 1) ** -0.5, shape).astype(np.float32) for name, shape in shapes}


if __name__ == "__main__":
    main()
