"""How long a report takes: three seeds of one run, their logs stretched to 5,000 logged steps each.

    python benchmarks/report.py runs/quickstart/run

Everything else of the runs is as it is: weights, artifact, receipt, bits along the text. Times the command from its start to its end,
start-up of Python included, and writes benchmarks/results/report.json: the median of five.
"""

import argparse
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

from bytegolf.storage.files import write_json
from bytegolf.storage.provenance import provenance
from bytegolf.storage.run_folder import RunFolder

RESULT = Path(__file__).parent / "results" / "report.json"
STEPS, SEEDS, ROUNDS = 5000, (1, 2, 3), 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="a finished run")
    with tempfile.TemporaryDirectory() as place:
        result = measure(parser.parse_args().run, Path(place))
    write_json(RESULT, result)
    print(f"{result['runs']} runs of {result['steps']:,} logged steps: {result['seconds']:.2f} s, a page of {result['bytes']:,} bytes")


def measure(run: Path, place: Path) -> dict[str, Any]:
    """Return the seconds of the command, median and least, and the size of the page."""
    runs = [seeded(run, place / f"seed-{seed}", seed) for seed in SEEDS]
    page, seconds = place / "page.html", []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "bytegolf", "report", *map(str, runs), "--out", str(page)], check=True, capture_output=True)
        seconds.append(time.perf_counter() - start)
    return {
        "runs": len(runs),
        "steps": STEPS,
        "seconds": round(statistics.median(seconds), 3),
        "least_seconds": round(min(seconds), 3),
        "bytes": page.stat().st_size,
        "date": date.today().isoformat(),
        "machine": provenance(),
    }


def seeded(run: Path, copy: Path, seed: int) -> Path:
    """Copy a run under another seed, with a log of `STEPS` steps that repeats its own losses."""
    shutil.copytree(run, copy, ignore=shutil.ignore_patterns("report.html", "checkpoints"))
    recipe = copy / "recipe.toml"
    recipe.write_text(re.sub(r"(?m)^seed = \d+", f"seed = {seed}", recipe.read_text()))
    events = RunFolder(run).events()
    steps = [event for event in events if event["event"] == "step"]
    stretched = [
        {**steps[number * len(steps) // STEPS], "step": number + 1, "loss": steps[number * len(steps) // STEPS]["loss"] + seed / 50}
        for number in range(STEPS)
    ]
    others = [event for event in events if event["event"] != "step"]
    (copy / "log.jsonl").write_text("".join(json.dumps(event) + "\n" for event in [*stretched, *others]))
    return copy


if __name__ == "__main__":
    main()
