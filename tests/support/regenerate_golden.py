"""Write the golden numbers anew: `make golden`, after a change that is meant to alter them.

The difference in git is what the reviewer reads: the commit says why each number moved. Tests never write these files.
"""

import json
import tempfile
from pathlib import Path

import torch

from support.golden import RUNS, SIZES, golden_losses, golden_sizes

LOSSES = Path(__file__).parents[1].joinpath("golden", "losses.json")
ARTIFACT_SIZES = Path(__file__).parents[1].joinpath("golden", "artifact_sizes.json")


def losses_of(case: str) -> dict[str, list[float]]:
    with tempfile.TemporaryDirectory() as folder:
        return golden_losses(case, Path(folder))


if __name__ == "__main__":
    torch.set_num_threads(1)
    LOSSES.write_text(json.dumps({case: losses_of(case) for case in RUNS}, indent=1) + "\n")
    ARTIFACT_SIZES.write_text(json.dumps({case: golden_sizes(case) for case in SIZES}, indent=1) + "\n")
