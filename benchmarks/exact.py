"""What exact arithmetic costs: its speed beside the float32 model's, and how far its scores are from float32's.

    python benchmarks/exact.py quickstart
    python benchmarks/exact.py quickstart --run runs/quickstart/run --data runs/quickstart/data
    python benchmarks/exact.py v11_banked --window 512 --steps 24

Three ways to read: one text token by token, 64 of them side by side, and whole windows in one pass. Token by token, the
probabilities of all tokens are computed, as coding needs them; of windows, those of the targets. float32 reads token by
token as the protocol streaming does, and on one thread, which is its fastest. Without a run, weights and tokens are drawn.
Prints a table and writes benchmarks/results/exact.json. Both models take turns, and the best time of each counts: ratios
compare, times on a shared machine do not. Tokens in a second of processor time, which counts all threads, depend less on others.
"""

import argparse
import json
import math
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import numba
import numpy as np
import torch
from numpy.typing import NDArray

from bytegolf.artifact.finished_run import read_run
from bytegolf.exact.model import ExactModel
from bytegolf.exact.output import integer_probabilities
from bytegolf.exact.reader import Reader, read_windows
from bytegolf.model.gpt import GPT, model_from_weights
from bytegolf.model.stream import Stream
from bytegolf.recipes import load_recipe
from bytegolf.runtime.threads import on_threads, tune_process
from bytegolf.storage.files import write_json
from bytegolf.storage.provenance import provenance
from bytegolf.text.dataset import open_data

RESULTS = Path(__file__).parent / "results" / "exact.json"
LANES = 64
Tokens64 = NDArray[np.int64]


class Case(NamedTuple):
    """Both models, windows of tokens with one more at their end, (windows, window + 1), and the bytes that a token stands for."""

    model: GPT
    exact: ExactModel
    texts: Tokens64
    bytes_per_token: float | None  # of real text


def main() -> None:
    tune_process()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", nargs="?", default="quickstart")
    parser.add_argument("--run", type=Path, help="a finished run of the recipe, whose weights are read")
    parser.add_argument("--data", type=Path, help="data whose held-out text is read")
    parser.add_argument("--window", type=int, default=0, help="tokens; 0 is the recipe's own")
    parser.add_argument("--windows", type=int, default=32, help="scored in one pass")
    parser.add_argument("--steps", type=int, default=0, help="tokens of each text that are read one by one; 0 is a window")
    parser.add_argument("--rounds", type=int, default=3)
    result = measure(**vars(parser.parse_args()))
    print(f"{result['recipe']}, window {result['window']}, {result['weights']} weights, {result['threads']} threads")
    print(f"{'':<12}{'a processor-second':>20}{'exact, tokens/s':>18}{'float32, tokens/s':>20}{'exact/float32':>16}")
    for row in result["rows"]:
        print(
            f"{row['way']:<12}{row['exact_tokens_per_processor_second']:>20,.0f}{row['exact_tokens_per_second']:>18,.0f}{row['float32_tokens_per_second']:>20,.0f}{row['ratio']:>16.2f}"
        )
    bpb = "" if result["bpb_difference"] is None else f", {result['bpb_difference']:+.1e} bits per byte"
    print(f"exact - float32: {result['nats_difference']:+.1e} nats a token on {result['tokens']:,}{bpb}; at most {result['most']:.1e}")
    kept: list[dict[str, Any]] = json.loads(RESULTS.read_text())["results"] if RESULTS.exists() else []
    results = [old for old in kept if any(old[key] != result[key] for key in ("recipe", "window", "weights"))]
    machine: dict[str, str | int] = {**provenance(), "numba": numba.__version__}
    write_json(RESULTS, {"date": f"{date.today()}", "machine": machine, "results": [*results, result]})


def measure(recipe: str, run: Path | None, data: Path | None, window: int, windows: int, steps: int, rounds: int) -> dict[str, Any]:
    """Return tokens per second of both models in each way, and by how much their scores differ."""
    window = window or load_recipe(recipe).score.window
    case = drawn_case(recipe, window, windows) if run is None or data is None else trained_case(run, data, window, windows)
    steps, inputs = steps or window, case.texts[:, :-1]
    lanes = np.resize(inputs, (LANES, window))[:, :steps]
    ways: dict[str, tuple[int, Callable[[], object], Callable[[], object]]] = {
        "one text": (steps, lambda: read_exactly(case.exact, lanes[:1], window), lambda: read_in_float32(case.model, lanes[:1], window)),
        "64 texts": (lanes.size, lambda: read_exactly(case.exact, lanes, window), lambda: read_in_float32(case.model, lanes, window)),
        "windows": (inputs.size, lambda: exact_nats(case), lambda: float32_nats(case)),
    }
    rows: list[dict[str, Any]] = []
    for way, (tokens, exact, float32) in ways.items():
        seconds, processor = [math.inf, math.inf], math.inf
        for _ in range(rounds + 1):  # the first to warm up and compile
            for number, read in enumerate((exact, float32)):
                began, used = time.perf_counter(), time.process_time()
                read()
                seconds[number] = min(seconds[number], time.perf_counter() - began)
                processor = min(processor, time.process_time() - used) if number == 0 else processor
        rates = [tokens / each for each in (*seconds, processor)]
        columns = ("exact_tokens_per_second", "float32_tokens_per_second", "exact_tokens_per_processor_second")
        rows.append({"way": way, **dict(zip(columns, rates, strict=True)), "ratio": rates[0] / rates[1]})
    difference = exact_nats(case) - float32_nats(case)
    mean, per_token = float(difference.mean()), case.bytes_per_token
    return {
        "recipe": recipe, "window": window, "weights": "drawn" if per_token is None else "trained", "threads": torch.get_num_threads(),
        "rows": rows, "tokens": difference.size, "nats_difference": mean, "most": float(abs(difference).max()),
        "bpb_difference": None if per_token is None else mean / math.log(2) / per_token,
    }  # fmt: skip


def drawn_case(recipe: str, window: int, windows: int) -> Case:
    """Return a model of drawn weights and drawn tokens."""
    model = GPT(load_recipe(recipe).model).eval()
    model.initialise(1)
    draw = torch.Generator().manual_seed(0)
    for parameter in model.parameters():  # at initialisation blocks do nothing
        parameter.data += 0.02 * torch.randn(parameter.shape, generator=draw)
    texts = torch.randint(2, model.config.vocab_size, (windows, window + 1), generator=draw)
    return Case(model, exact_of(model), texts.numpy(), None)


def trained_case(run: Path, data: Path, window: int, windows: int) -> Case:
    """Return the model of a run and windows of held-out text, evenly spaced."""
    finished, held_out = read_run(run), open_data(data)
    model = model_from_weights(finished.recipe.model, finished.weights, torch.device("cpu"))
    stream, num_bytes = held_out.held_out()
    tokens = np.asarray(stream[0 : len(stream)]).astype(np.int64)
    starts = np.linspace(0, len(tokens) - window - 1, windows).astype(int)
    texts = np.stack([tokens[start : start + window + 1] for start in starts])
    return Case(model, exact_of(model), texts, num_bytes / len(tokens))


def exact_of(model: GPT) -> ExactModel:
    return ExactModel.of(model.config, {name: parameter.detach().numpy() for name, parameter in model.named_parameters()})


def read_exactly(model: ExactModel, texts: Tokens64, window: int) -> None:
    reader = Reader(model, len(texts), window)
    for column in texts.T:
        integer_probabilities(model.logits(reader.hidden(column[:, None])))


def read_in_float32(model: GPT, texts: Tokens64, window: int) -> None:
    stream = Stream(model, reach=window - 1)
    with torch.inference_mode(), on_threads(1):  # more are of no use to operations as small as these
        for column in torch.from_numpy(texts.copy()).T:
            stream.logits(column[:, None]).softmax(dim=-1)


def exact_nats(case: Case) -> NDArray[np.float64]:
    return case.exact.nats(read_windows(case.exact, case.texts[:, :-1]), case.texts[:, 1:])


def float32_nats(case: Case) -> NDArray[np.float64]:
    batches = torch.from_numpy(case.texts).split(max(1, 8192 // case.texts.shape[1]))
    with torch.inference_mode():
        return torch.cat([case.model.nats(case.model.hidden(batch[:, :-1]), batch[:, 1:]) for batch in batches]).double().numpy()


if __name__ == "__main__":
    main()
