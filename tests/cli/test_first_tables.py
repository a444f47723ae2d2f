"""What a newcomer sees without a verb, and the doctor's table."""

from pathlib import Path

import pytest

from bytegolf.cli.first_tables import doctor_table, overview_table
from bytegolf.flow.doctor import Check, Diagnosis
from bytegolf.flow.next_step import NextStep
from support.command_line import RunCli

STEP = NextStep([f"data in {number}" for number in range(10)], "0 is prepared", "bytegolf train tiny --data 0 --out runs/tiny")


def test_without_a_verb_the_flow_and_the_next_step(run_cli: RunCli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shown = run_cli()
    assert (shown.status, shown.err) == (0, "")
    for verb in ("prepare", "train", "pack", "score", "prove", "submit", "bytegolf quickstart --out runs/quickstart", "bytegolf --help"):
        assert verb in shown.out


def test_a_long_list_is_cut() -> None:
    shown = overview_table(STEP)
    assert "data in 7" in shown and "data in 8" not in shown and "and 2 more" in shown and STEP.command in shown


def test_what_is_missing_stands_with_its_remedy() -> None:
    checks = [Check("torch", True, "2.13"), Check("sandbox", False, "none on this system", "give --no-sandbox")]
    shown = doctor_table(Diagnosis(checks, STEP))
    assert "✗ none on this system: give --no-sandbox" in shown and STEP.command in shown
