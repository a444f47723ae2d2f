"""`bench`: a column for each recipe, and the result as a file."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from bytegolf.config import Recipe
from bytegolf.flow import bench as bench_flow
from bytegolf.training.speed import BenchResult, Speed
from support.command_line import RunCli
from support.runs import MICRO

SPEED = Speed(
    recipe="micro", parameters=26_727, device="cpu", dtype="float32", threads=1, corpus_tokens=65_536, compile_seconds=0.0,
    steps=3, milliseconds={"forward": 12.3}, tokens_per_second=4321.0, gflops=1.0, product_gflops=4.0, share=0.25,
    peak_memory_mb=200.0, scored_tokens_per_second={"sliding": 999.0},
)  # fmt: skip


def test_bench(run_cli: RunCli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is measured and written is tested beside the measurements."""

    def measured(recipes: list[Recipe], *, seconds: float, corpus_tokens: int) -> BenchResult:
        assert (seconds, corpus_tokens) == (0.5, 65_536) and all(recipe.train.seed == 3 for recipe in recipes)
        return BenchResult("2026-01-31", {"cpu": "one"}, 2.5, [replace(SPEED, recipe=recipe.name) for recipe in recipes])

    monkeypatch.setattr(bench_flow, "bench", measured)
    command = (
        "bench",
        MICRO,
        "tiny",
        "--seconds",
        0.5,
        "--corpus-tokens",
        65_536,
        "--set",
        "train.seed=3",
        "--out",
        tmp_path / "speed.json",
    )
    result = run_cli(*command, "--json").json
    assert result == json.loads((tmp_path / "speed.json").read_text())
    assert result["speeds"] == [asdict(SPEED), asdict(replace(SPEED, recipe="tiny"))]
    shown = run_cli(*command).out
    for words in ("micro", "tiny", "26,727", "12.3 ms", "4,321 tokens/s", "25.0%", "scoring, sliding", "2.5 s"):
        assert words in shown
