"""How long a sweep takes with two runs at a time on half of the threads each, against one run at a time on all of them.

    python benchmarks/sweep.py                           # tiny, two cells of 60 steps, three times each way
    python benchmarks/sweep.py small --steps 20          # another recipe

Both ways train the same two cells on the same threads in all; only how they are shared out differs. The ways take turns, so that
what else the machine does falls on both, and the ratio is that of the medians. Before them a sweep of one step each fills the
compiler's cache. `whole` is from the command to its end, with the start of each process; `training` is the clock of the runs
alone, as they log it. Prints a table and writes benchmarks/results/sweep.json.
"""

import argparse
import shutil
import tempfile
import time
from datetime import date
from pathlib import Path
from statistics import median

import bytegolf as bg
from bytegolf.runtime.workers import usable_cores
from bytegolf.storage.files import write_json
from bytegolf.storage.provenance import provenance

RESULTS = Path(__file__).parent / "results"
SEEDS = (1, 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", nargs="?", default="tiny")
    parser.add_argument("--data", type=Path, help="a data folder; by default stdlib, prepared for the recipe")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    cores = usable_cores()
    ways = {"one at a time": (1, cores), "two at a time": (2, max(1, cores // 2))}
    rows: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
    with tempfile.TemporaryDirectory() as scratch:
        data = arguments.data or Path(scratch) / "data"
        if arguments.data is None:
            bg.prepare(["stdlib"], data, recipe=arguments.recipe)
        for jobs, threads in ways.values():
            timed(arguments.recipe, data, Path(scratch) / "sweep", 1, jobs, threads)
        for _ in range(arguments.repeats):
            for way, (jobs, threads) in ways.items():
                rows[way].append(timed(arguments.recipe, data, Path(scratch) / "sweep", arguments.steps, jobs, threads))
    print(f"{'':<16}{'runs x threads':>16}{'whole':>10}{'training':>10}")
    middle = {way: tuple(median(column) for column in zip(*times, strict=True)) for way, times in rows.items()}
    for way, (jobs, threads) in ways.items():
        print(f"{way:<16}{f'{jobs} x {threads}':>16}{middle[way][0]:>8.1f} s{middle[way][1]:>8.1f} s")
    ratios = [two / one for one, two in zip(*middle.values(), strict=True)]
    print(f"{'two against one':<32}{ratios[0]:>9.2f}x{ratios[1]:>9.2f}x")
    write_json(
        RESULTS / "sweep.json",
        {
            "date": f"{date.today()}",
            "provenance": provenance(),
            "recipe": arguments.recipe,
            "steps": arguments.steps,
            "seconds": {way: [{"whole": whole, "training": training} for whole, training in times] for way, times in rows.items()},
            "ratio": dict(zip(("whole", "training"), ratios, strict=True)),
        },
    )


def timed(recipe: str, data: Path, out: Path, steps: int, jobs: int, threads: int) -> tuple[float, float]:
    """Return the seconds of a sweep of two cells from begin to end, and those that its runs trained, of runs at once the longest."""
    chosen = bg.load_recipe(recipe, [f"train.max_steps={steps}"])
    began = time.perf_counter()
    result = bg.sweep(chosen, data, out, seeds=SEEDS, jobs=jobs, threads=threads)
    whole = time.perf_counter() - began
    shutil.rmtree(out)
    assert result.ok, [cell.error for cell in result.cells]
    seconds = [cell.seconds or 0.0 for cell in result.cells]
    return whole, sum(seconds) if jobs == 1 else max(seconds)


if __name__ == "__main__":
    main()
