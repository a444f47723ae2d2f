"""Which class of weight repays more bits: loss over float at equal file size, for shares of the budget.

    python benchmarks/precision.py RUN --data DIR --budget 300000 --budget 450000

Prints bits per byte lost on the held-out text (protocol standard) for each way of sharing out the bits. The shares
in packing/allocate.py were chosen from its output; docs/experiments.md keeps it.
"""

import argparse
from dataclasses import replace
from pathlib import Path

from bytegolf.artifact.finished_run import read_run
from bytegolf.flow.models import load_model
from bytegolf.model.gpt import GPT
from bytegolf.model.weights import Bits
from bytegolf.packing.allocate import GRIDS
from bytegolf.packing.fit import fit
from bytegolf.packing.methods import GridLadder
from bytegolf.scoring.protocols import score_tokens
from bytegolf.text.dataset import open_data

SHARES: tuple[Bits, ...] = (
    {},
    {"mlp": 0.5},
    {"attention": 0.5},
    {"embedding": 0.5},
    {"embedding": 1.0},
    {"embedding": 1.5},
    {"embedding": 2.0},
    {"table": 0.5},
    {"table": -0.5},
    {"table": -1.0},
    {"projection": 1.0},
    {"embedding": 1.5, "table": -0.5},
    {"embedding": 2.0, "table": -0.5},
    {"embedding": 2.0, "table": -1.0},
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--budget", type=int, action="append", required=True)
    parser.add_argument("--limit-bytes", type=int, default=300_000)
    arguments = parser.parse_args()
    run = read_run(arguments.run)
    tokens, num_bytes = open_data(arguments.data).held_out(arguments.limit_bytes)

    def bpb(model: GPT) -> float:
        return score_tokens(model, tokens, num_bytes, "standard", run.recipe.score).bpb

    float_bpb = bpb(load_model(arguments.run).model())
    print(f"float32: {float_bpb:.5f} bpb")
    for budget in arguments.budget:
        for share in SHARES:
            allocation = replace(GRIDS, above={**dict.fromkeys(GRIDS.above, 0.0), **share})
            fitted = fit(GridLadder(run.weights, run.recipe, run.tokenizer, allocation=allocation), budget)
            lost = bpb(fitted.artifact.model()) - float_bpb
            named = ", ".join(f"{kind} {bits:+g}" for kind, bits in share.items()) or "all equal"
            print(f"{budget:>10,}  {named:<32}{lost:>+9.5f} bpb   {len(fitted.file.data):,} bytes", flush=True)


if __name__ == "__main__":
    main()
