"""Train a small model on text of your own, pack it into a number of bytes, and see what that cost.

    python examples/train_and_pack.py OUT --source notes/ --budget 500000 --steps 400

Without --source it reads the source of Python's standard library; 400 steps take two or three minutes on two cores.
The same from the shell: bytegolf prepare, train, pack, score.
"""

import argparse
from pathlib import Path

import bytegolf as bg


def train_and_pack(out: Path, source: str, budget: int, overrides: list[str]) -> bg.PackResult:
    """Return the packed model of a run in the folder `out`, which must not exist yet."""
    recipe = bg.load_recipe("tiny", overrides)
    planned = bg.plan(recipe)
    print(f"{planned.parameters:,} parameters")

    data, run = out / "data", out / "run"
    prepared = bg.prepare([source], data, vocab=recipe.model.vocab_size)
    print(f"{prepared.train_bytes:,} bytes to learn from, {prepared.val_bytes:,} bytes held out")

    trained = bg.train(recipe, data, run)
    print(f"{trained.steps} steps: {trained.val_bpb:.4f} bits per byte")

    return bg.pack(run, budget=budget, data=data)  # with data the model is scored before and after


def main() -> None:
    """Read the command line, train, pack, and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="a folder for data and run")
    parser.add_argument("--source", default="stdlib", help="a file or folder of text")
    parser.add_argument("--budget", type=int, default=500_000, help="bytes that the packed model may take")
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--set", dest="overrides", action="append", default=[], metavar="section.key=value", help="as of bytegolf train")
    options = parser.parse_args()

    overrides = [f"train.max_steps={options.steps}", *options.overrides]
    packed = train_and_pack(options.out, options.source, options.budget, overrides)
    print(f"{packed.file}: {packed.bytes:,} bytes of {packed.budget:,}, {packed.bits_per_weight:.2f} bits per weight")
    print(f"bits per byte: {packed.bpb_before:.4f} before packing, {packed.bpb_after:.4f} after")


if __name__ == "__main__":
    main()
