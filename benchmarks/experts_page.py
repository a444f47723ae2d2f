"""Write docs/experts-measured.md from the benchmark's results, so that no figure is copied by hand.

python benchmarks/experts.py …      # measures
python benchmarks/experts_page.py   # makes the page
"""

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "experts-measured.md"
RESULTS = ROOT / "benchmarks" / "results" / "experts.json"
MODEL, ALL = "model alone", "all experts"


def main() -> None:
    PAGE.write_text(page(json.loads(RESULTS.read_text())))


def page(measured: dict[str, Any]) -> str:
    """Return the page of these results."""
    results, machine = measured["results"], measured["machine"]
    variants = [row["variant"] for row in results[0]["rows"]]
    header = ["", *(f"{result['text']}, {lanes(result)}" for result in results)]
    table = [[name, *(bpb(result, name) for result in results)] for name in variants]
    speeds = [["scoring", *(microseconds(row_of(result, ALL)["microseconds"]) for result in results)]]
    speeds += [
        ["scoring, linear mixing alone", *(microseconds(row_of(result, "linear mixing alone")["microseconds"]) for result in results)]
    ]
    speeds += [["coding, 64 lanes", *(microseconds(result["coding_microseconds"]) for result in results)]]
    said = dict.fromkeys(f"{result['text']} has {result['bytes']:,} bytes in {result['tokens']:,} tokens" for result in results)
    sizes = ", ".join(said)
    return (
        "\n\n".join(
            [
                "# What experts gain, measured",
                f"Measured on {measured['date']}: {machine['cpus']} cores of {machine['processor']}, shared with others, "
                f"Python {machine['python']}, with the model of `quickstart` after 665 steps in float32. What each part is: "
                "[Experts](experts.md). `benchmarks/experts_page.py` makes this page of `benchmarks/results/experts.json`.",
                "    python benchmarks/experts.py RUN --data DIR\n    python benchmarks/experts.py RUN --data DIR --lanes 64\n"
                "    python benchmarks/experts.py RUN --text FILE --limit-bytes 200000",
                f"Text: {sizes}. `data` is the held-out part of the Python standard library, `prose.txt` the user manual of Vim.",
                "## Bits per byte",
                markdown(header, table),
                "## Microseconds a token",
                "Of the experts alone, without the model, on one core, in the fastest piece of text: "
                "what others on the machine add is left out. "
                "Scoring asks for one frequency a token, coding for all of its distribution.",
                markdown(header, speeds),
            ]
        )
        + "\n"
    )


def row_of(result: dict[str, Any], variant: str) -> dict[str, Any]:
    return next(row for row in result["rows"] if row["variant"] == variant)


def bpb(result: dict[str, Any], variant: str) -> str:
    """Return a figure, and how it compares with the model alone."""
    alone, figure = row_of(result, MODEL)["bpb"], row_of(result, variant)["bpb"]
    return f"{figure:.4f}" if variant == MODEL else f"{figure:.4f} ({100 * (figure / alone - 1):+.1f} %)"


def microseconds(figure: float) -> str:
    return f"{figure:.1f}"


def lanes(result: dict[str, Any]) -> str:
    return "1 lane" if result["lanes"] == 1 else f"{result['lanes']} lanes"


def markdown(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    main()
