"""The table of a sweep."""

from pathlib import Path

from bytegolf.cli.sweep_table import sweep_table
from bytegolf.contest.run_scores import AT_THE_END, RunScore
from bytegolf.experiments.results import CellResult, SweepResult, configuration_results

SCORES = {"lr=1": (1.30, 1.32, 1.31), "lr=2": (1.20, 1.21, 1.209), "lr=9": ()}


def test_a_row_for_each_configuration_and_a_line_for_each_failure() -> None:
    cells, scores = [], {}
    for name, row in SCORES.items():
        for seed in (1, 2, 3):
            if row:
                cells.append(CellResult(f"{name}{seed}", name, seed, "run", "finished", row[seed - 1], 1_000_000 + seed))
                scores[f"{name}{seed}"] = RunScore(Path(name), seed, row[seed - 1], AT_THE_END, None, None, 2.5, "training text")
            else:
                cells.append(CellResult(f"{name}{seed}", name, seed, "run", "failed", error="killed by SIGKILL"))
    shown = sweep_table(SweepResult("s", "micro", AT_THE_END, "data", 1, tuple(cells), configuration_results(cells, scores, False)))
    _, head, _, first, second, third, note, _, *failed = shown.splitlines()
    assert head.split()[-8:] == ["n", "bpb", "±", "bytes", "change", "±", "p", "better"]
    assert first.split() == ["lr=1", "3", "1.31000", "0.02484", "1,000,002"]
    assert second.split()[:5] == ["lr=2", "3", "1.20633", "0.01368", "1,000,002"] and second.split()[-1] == "yes"
    assert third.split() == ["lr=9", "0"]
    assert note.startswith("6 of 9 cells finished; standard score at the end of training")
    assert failed == [f"failed: lr=9{seed}: killed by SIGKILL" for seed in (1, 2, 3)]
