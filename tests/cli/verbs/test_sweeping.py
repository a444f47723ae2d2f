"""`sweep`: what it prints, its exit status, and mistakes."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bytegolf.contest.run_scores import AT_THE_END
from support.command_line import RunCli
from support.runs import micro
from support.scored_runs import scored_run

SWEEP = ("sweep", "micro.toml", "--data", "data", "--out", "new", "--seeds", "1,2")
KEYS = {"sweep", "recipe", "figure", "threads", "ok", "finished", "cells", "configurations"}


def test_print_and_a_sweep_whose_cells_are_finished(desk: Path, run_cli: RunCli) -> None:
    lines = run_cli(*SWEEP, "--print").out.splitlines()
    assert len(lines) == 2 and all(line.startswith(f"bytegolf train {desk}/new/recipe.toml --set train.seed=") for line in lines)
    for seed in (1, 2):
        scored_run(desk / "new" / "cells" / f"seed={seed}", seed, val_bpb=1.3 + seed / 100, recipe=micro(f"train.seed={seed}"))
    shown = run_cli(*SWEEP, "--json").json
    assert shown.keys() >= KEYS and shown["ok"] and shown["figure"] == AT_THE_END
    assert "2 of 2 cells finished" in run_cli(*SWEEP).out


def test_a_failed_cell_is_status_2_with_the_result_on_stdout(desk: Path, run_cli: RunCli) -> None:
    run_cli(*SWEEP, "--print")
    for seed in (1, 2):
        scored_run(desk / "new" / "cells" / f"seed={seed}", seed, val_bpb=1.3)
    (desk / "new" / "cells" / "seed=2" / "manifest.json").write_text("{")
    done = run_cli(*SWEEP, "--json")
    assert done.status == 2 and json.loads(done.out)["finished"] == 1
    assert "failed: seed=2: " in run_cli(*SWEEP).out


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--seeds", "1,x"), "--seeds: expected numbers with commas, found '1,x'"),
        (("--seeds", "1,1"), "--seeds: expected every seed once"),
        (("--grid", "optim.matrx_lr=1,2"), "unknown key optim.matrx_lr; did you mean matrix_lr?"),
        (("--grid", "optim.matrix_lr"), "--grid: expected section.key=value,value"),
        (("--set", "train.max_step=1"), "unknown key train.max_step; did you mean max_steps?"),
        (("--jobs", "-1"), "--jobs: expected at least 1"),
        (("--threads", "-1"), "--threads: expected at least 1"),
        (("--jobs", "2", "--on", "ray"), "--jobs: cannot be combined with on ray"),
        (("--print", "--on", "ray"), "--print: runs nothing"),
        (("--score", "best"), "--score"),
        (("--data", "nowhere"), "nowhere"),
        (("--out", "run"), "--out: expected a new folder, an empty one or a sweep"),
    ],
)
def test_mistakes(refused: Callable[..., str], world: Path, words: tuple[str, ...], problem: str) -> None:
    assert problem in refused(*SWEEP, *words)
