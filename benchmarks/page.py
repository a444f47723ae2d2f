"""Write docs/speed.md from the benchmarks' results, so that no figure is copied by hand.

make bench               # measures, then makes the page
python benchmarks/page.py
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "speed.md"
RESULTS = ROOT / "benchmarks" / "results"


def main() -> None:
    PAGE.write_text(page())


def page() -> str:
    speed, scoring = _results("speed"), _results("scoring")
    corpora = [_results(f"corpus-{size}")["speeds"][0] for size in ("1MB", "1GB")]
    machine = speed["machine"]
    return (
        "\n\n".join(
            [
                "# Speed",
                f"Measured on {speed['date']}: {machine['cpus']} cores of {machine['processor']}, {speed['speeds'][0]['device']}, "
                f"torch {machine['torch']}, Python {machine['python']}. `make bench` measures anew and makes this page.",
                "Ratios compare; times on a shared machine do not. A step's *useful work* is 6 FLOPs per weight in a matrix product and "
                "6·L·T·D for causal attention, for each token; the *matrix product* is of two 2048 × 2048 matrices in the same precision, "
                "taking turns with the steps of the same run; all are medians.",
                "## Training\n\n    bytegolf bench tiny small benchmarks/full_size.toml --out benchmarks/results/speed.json",
                _table(["", *(row["recipe"] for row in speed["speeds"])], _training(speed["speeds"])),
                f"From the command to the first step, compilation aside: {speed['start_up_seconds']:.1f} s.",
                "Neither speed nor memory depends on how long the corpus is: `bytegolf bench tiny --corpus-tokens N`.",
                _table(["tokens", "tokens/s", "share", "peak memory, MB"], [_corpus(result) for result in corpora]),
                "## Scoring\n\n    python benchmarks/scoring.py v10_banked",
                "Against the way of the baseline's scripts (every position through every block and the head, then all but the last "
                "targets dropped), on the same weights in float32; streaming once its cache is full.",
                _table(
                    [
                        "recipe",
                        "window",
                        "stride",
                        "sliding, times as fast",
                        "bits differ by at most",
                        "streaming, times as fast as sliding",
                    ],
                    [_scoring(result) for result in scoring["results"]],
                ),
            ]
        )
        + "\n"
    )


def _results(name: str) -> dict[str, Any]:
    results: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text())
    return results


def _training(speeds: Sequence[dict[str, Any]]) -> list[list[str]]:
    rows = [
        ("parameters", lambda speed: f"{speed['parameters']:,}"),
        ("compute", lambda speed: speed["dtype"]),
        *((f"{part}, ms", lambda speed, part=part: f"{speed['milliseconds'][part]:.1f}") for part in speeds[0]["milliseconds"]),
        ("tokens/s", lambda speed: f"{speed['tokens_per_second']:,.0f}"),
        ("useful work, GFLOP/s", lambda speed: f"{speed['gflops']:.0f}"),
        ("matrix product, GFLOP/s", lambda speed: f"{speed['product_gflops']:.0f}"),
        ("**share**", lambda speed: f"**{speed['share']:.1%}**"),
        ("peak memory, MB", lambda speed: f"{speed['peak_memory_mb']:,.0f}"),
        *(
            (f"scoring, {protocol}, tokens/s", lambda speed, protocol=protocol: f"{speed['scored_tokens_per_second'][protocol]:,.0f}")
            for protocol in speeds[0]["scored_tokens_per_second"]
        ),
    ]
    return [[name, *(cell(speed) for speed in speeds)] for name, cell in rows]


def _corpus(speed: dict[str, Any]) -> list[str]:
    return [
        f"{speed['corpus_tokens']:,}",
        f"{speed['tokens_per_second']:,.0f}",
        f"{speed['share']:.1%}",
        f"{speed['peak_memory_mb']:,.0f}",
    ]


def _scoring(result: dict[str, Any]) -> list[str]:
    sliding = next(row for row in result["rows"] if row["way"] == "sliding")
    return [
        result["recipe"],
        f"{result['window']:,}",
        str(result["stride"]),
        f"{sliding['times_the_baseline']:.2f}",
        f"{sliding['difference']:.1e}",
        f"{result['streaming_gain']:.1f}",
    ]


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    rule = "|".join("---" if index == 0 else "---:" for index in range(len(columns)))
    return "\n".join([f"| {' | '.join(columns)} |", f"|{rule}|", *(f"| {' | '.join(row)} |" for row in rows)])


if __name__ == "__main__":
    main()
