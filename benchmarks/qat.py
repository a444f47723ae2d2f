"""Whether late quantisation-aware training repays: bits per byte after packing, with and without, at equal steps.

    python benchmarks/qat.py tiny --data DIR --out DIR --seed 1 --seed 2 --budget 240000 --budget 300000 --start 0.85 --set …

Each seed is trained once without. From its checkpoint at `--start` one run per budget goes on with QAT, which makes it the run
that had QAT from the beginning of its recipe on. All are packed by the recipe's method and scored by the sliding protocol.
"""

import argparse
import shutil
from pathlib import Path

import bytegolf as bg
from bytegolf.config import Recipe
from bytegolf.recipes import load_recipe, recipe_toml
from bytegolf.storage.files import write_atomically
from bytegolf.storage.run_folder import RunFolder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, action="append", required=True)
    parser.add_argument("--budget", type=int, action="append", required=True)
    parser.add_argument("--start", type=float, default=0.85)
    parser.add_argument("--set", action="append", default=[], dest="changes")
    arguments = parser.parse_args()

    def recipe(seed: int, start: float, *more: str) -> Recipe:
        changes = (*arguments.changes, f"train.seed={seed}", f"qat.start={start}", *more)
        steps = load_recipe(arguments.recipe, changes).train.max_steps
        return load_recipe(arguments.recipe, (*changes, f"train.checkpoint_every={round(arguments.start * steps)}"))

    print("seed   budget    without   with QAT   (bpb after packing; in brackets before)", flush=True)
    for seed in arguments.seed:
        plain = arguments.out / f"seed{seed}"
        bg.train(recipe(seed, 1.0), arguments.data, plain, resume=True)
        for budget in arguments.budget:
            rounded = arguments.out / f"seed{seed}-{budget}"
            branch(plain, rounded, recipe(seed, arguments.start, f"pack.budget={budget}"), arguments.data)
            without, with_qat = (bg.pack(run, budget=budget, data=arguments.data) for run in (plain, rounded))
            gain = float(with_qat.bpb_after or 0) - float(without.bpb_after or 0)
            print(
                f"{seed:>4} {budget:>8,}   {without.bpb_after:.5f} ({without.bpb_before:.5f})   "
                f"{with_qat.bpb_after:.5f} ({with_qat.bpb_before:.5f})   {gain:+.5f}",
                flush=True,
            )


def branch(plain: Path, run: Path, recipe: Recipe, data: Path) -> None:
    """Train `recipe` from the only checkpoint of the run `plain`."""
    if not run.exists():
        shutil.copytree(plain, run, ignore=lambda _, names: [name for name in names if name == RunFolder(plain).manifest.name])
        write_atomically(RunFolder(run).recipe, recipe_toml(recipe))
    bg.train(recipe, data, run, resume=True)


if __name__ == "__main__":
    main()
