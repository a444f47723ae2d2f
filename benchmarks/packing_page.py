"""Write docs/packing-measured.md and its picture from the benchmark's results, so that no figure is copied by hand.

python benchmarks/packing_page.py
"""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PAGE, PICTURE = ROOT / "docs" / "packing-measured.md", ROOT / "docs" / "packing.svg"
RESULTS = ROOT / "benchmarks" / "results" / "packing.json"

CURVES = {"gptq": "#adb5bd", "rate": "#4c6ef5"}
BASELINE, PRACTICE = "baseline INT6, LZMA-9", "GPTQ by rows, brotli-11"
DOTS = {"baseline INT4": "#e8590c", "baseline INT5": "#e8590c", BASELINE: "#e8590c", PRACTICE: "#2b8a3e"}
ABLATED = "ablated: "
WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 720, 420, 70, 20, 190, 50

Point = dict[str, Any]


def main() -> None:
    results = json.loads(RESULTS.read_text())
    PAGE.write_text(page(results))
    PICTURE.write_text(picture(results["points"]))


def page(results: dict[str, Any]) -> str:
    points, machine = results["points"], results["machine"]
    by_way: dict[str, list[Point]] = {}
    for point in points:
        by_way.setdefault(point["way"], []).append(point)
    sources = [way for way in by_way if way == "rate" or way.startswith("rate, from")]
    return (
        "\n\n".join(
            [
                "# Packing, measured",
                f"One trained run of `{results['recipe']}`, {results['parameters']:,} parameters, {results['steps']:,} steps, "
                f"{results['bpb']:.4f} bpb in float32 on the first {results['bytes_scored']:,} held-out bytes, windows that do not "
                f"overlap. {results['date']}, {machine['cpus']} cores of {machine['processor']}, torch {machine['torch']}, "
                f"Python {machine['python']}. Made by\n\n"
                "    python benchmarks/packing.py RUN --data data --out benchmarks/results/packing.json\n"
                "    python benchmarks/packing_page.py",
                "*Lost* is bits per byte over float32, ± its standard error over windows; *divergence* that of the predictions from "
                "the float32 model's, in bits per byte: it cannot be negative, and has less noise. Sizes are of whole files, tokenizer "
                "included.",
                "![Loss against size](packing.svg)",
                "## Against what is common",
                "The baseline's export is INT6 everywhere with a spacing per row, LZMA-9 over one byte a weight. The practice of the "
                "field is GPTQ in act order, damping 0.01, a spacing per row of 12.85 standard deviations over 31 (20 over 127 for the "
                "token embedding), brotli-11. At their own loss method `rate` takes",
                _table(
                    ["reference", "its bytes", "lost", "fewer bytes at its loss, 95 % interval", "at its divergence"],
                    [_saved(way, by_way[way][0], results["saved"][way]) for way in (BASELINE, PRACTICE)],
                ),
                "## Loss against size",
                _table(
                    ["bits a weight", "bytes", "gptq", *sources, "divergence of gptq", "of rate"],
                    [_row(*row) for row in zip(by_way["gptq"], *(by_way[way] for way in sources), strict=True)],
                ),
                "`rate` learns from training text; *from self* from text of the model's own, *from random* from random tokens.",
                "The baseline's widths, each with a spacing per row, through LZMA-9: "
                + "; ".join(
                    f"{way} {found[0]['bytes']:,} bytes, {_lost(found[0])}" for way, found in by_way.items() if way.startswith("baseline")
                )
                + ".",
                "## Without one ingredient",
                "Divergence, times that of all together, at the same size.",
                _table(["", *(f"{point['bits_per_weight']:.1f} bits" for point in by_way[ABLATED + "nothing"])], _ablations(by_way)),
                "## Coders",
                "The same integers of method `rate` at 3 bits a weight: "
                + ", ".join(f"{way.removeprefix('rate, ')} {by_way[way][0]['bytes']:,}" for way in by_way if _is_coder(way))
                + " bytes.",
            ]
        )
        + "\n"
    )


def _is_coder(way: str) -> bool:
    return way.startswith("rate, ") and "from" not in way


def _saved(way: str, base: Point, saved: dict[str, Any]) -> list[str]:
    by_loss, by_divergence = saved["at_its_loss"], saved["at_its_divergence"]
    return [
        way,
        f"{base['bytes']:,}",
        _lost(base),
        f"**{by_loss['share']:.1%}** ({by_loss['interval'][0]:.1%} to {by_loss['interval'][1]:.1%})",
        f"{by_divergence['share']:.1%} ({by_divergence['interval'][0]:.1%} to {by_divergence['interval'][1]:.1%})",
    ]


def _row(gptq: Point, rate: Point, *others: Point) -> list[str]:
    return [
        f"{gptq['bits_per_weight']:.2f}",
        f"{rate['bytes']:,}",
        *(_lost(point) for point in (gptq, rate, *others)),
        *(f"{point['divergence']:.5f}" for point in (gptq, rate)),
    ]


def _lost(point: Point) -> str:
    return f"{point['bpb_lost']:+.4f} ± {point['standard_error']:.4f}"


def _ablations(by_way: dict[str, list[Point]]) -> list[list[str]]:
    whole = by_way[ABLATED + "nothing"]
    rows = []
    for way, points in by_way.items():
        if way.startswith(ABLATED) and points is not whole:
            ratios = [f"{point['divergence'] / base['divergence']:.2f}" for point, base in zip(points, whole, strict=True)]
            rows.append([way.removeprefix(ABLATED), *ratios])
    return rows


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, ["---"] * len(head), *rows))


# --- the picture


def picture(points: Sequence[Point]) -> str:
    """Divergence, on a logarithmic scale, over bits a weight."""
    shown = [point for point in points if point["way"] in (*CURVES, *DOTS) and point["bits_per_weight"] <= 8.2]
    low = math.floor(math.log10(min(point["divergence"] for point in shown)))
    high = math.ceil(math.log10(max(point["divergence"] for point in shown)))

    def x(bits: float) -> float:
        return LEFT + (bits - 1) / 7.5 * (WIDTH - LEFT - RIGHT)

    def y(divergence: float) -> float:
        return TOP + (high - math.log10(divergence)) / (high - low) * (HEIGHT - TOP - BOTTOM)

    def at(point: Point) -> str:
        return f"{x(point['bits_per_weight']):.1f},{y(point['divergence']):.1f}"

    across = f'x1="{LEFT}" x2="{WIDTH - RIGHT}"'
    lines = [y(10.0**exponent) for exponent in range(low, high + 1)]
    marks = [f'<line {across} y1="{line:.1f}" y2="{line:.1f}" stroke="#dee2e6"/>' for line in lines]
    marks += [_text(LEFT - 8, y(10.0**e) + 4, f"1e{e}", anchor="end") for e in range(low, high + 1)]
    marks += [_text(x(bits), HEIGHT - BOTTOM + 18, f"{bits}", anchor="middle") for bits in range(1, 9)]
    marks += [_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, "bits a weight, of the whole file", anchor="middle")]
    marks += [_text(LEFT, TOP - 6, "divergence from float32, bits per byte")]
    for way, colour in CURVES.items():
        curve = [point for point in shown if point["way"] == way]
        marks.append(f'<polyline points="{" ".join(map(at, curve))}" fill="none" stroke="{colour}" stroke-width="2.5"/>')
        marks.append(_text(x(curve[-1]["bits_per_weight"]) + 8, y(curve[-1]["divergence"]) + 4, way, colour))
    for point in shown:
        if point["way"] in DOTS:
            place, colour = at(point).split(","), DOTS[point["way"]]
            marks.append(f'<circle cx="{place[0]}" cy="{place[1]}" r="4.5" fill="{colour}"/>')
            marks.append(_text(float(place[0]) + 8, float(place[1]) - 6, point["way"], colour))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="system-ui, sans-serif" font-size="13">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>{"".join(marks)}</svg>\n'
    )


def _text(x: float, y: float, text: str, colour: str = "#495057", anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}">{text}</text>'


if __name__ == "__main__":
    main()
