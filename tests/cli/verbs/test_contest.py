"""`review` and `submit`: their results in every form, and the exit status of a verdict."""

import json
from pathlib import Path

import pytest

from bytegolf.flow import submit
from support.command_line import RunCli
from support.contest_scripts import script

KEYS = {"rule", "line", "evidence", "reached", "file"}
FLAGGED = script("\ndef choose(nll_a, nll_b):\n    return torch.minimum(nll_a, nll_b)\n", after="choose(1, 2)")


def test_a_verdict_is_a_status(run_cli: RunCli, tmp_path: Path) -> None:
    (tmp_path / "train_gpt.py").write_text(script())
    shown = run_cli("review", tmp_path, "--json")
    assert shown.status == 0 and shown.json["verdict"] == "clean" and shown.json["code_bytes"] == len(script().encode())
    (tmp_path / "train_gpt.py").write_text(FLAGGED)
    shown = run_cli("review", tmp_path / "train_gpt.py", "--json")
    result = json.loads(shown.out)
    assert shown.status == 1 and set(result["findings"][0]) >= KEYS and result["findings"][0]["reached"] == "default"


@pytest.mark.parametrize(("options", "begin"), [((), "train_gpt.py: flag: oracle-gate"), (("--markdown",), "### Review: FLAG")])
def test_words(run_cli: RunCli, tmp_path: Path, options: tuple[str, ...], begin: str) -> None:
    (tmp_path / "train_gpt.py").write_text(FLAGGED)
    shown = run_cli("review", tmp_path, *options)
    assert shown.status == 1 and begin in shown.out and "error" not in shown.err


def test_bad_input(run_cli: RunCli, tmp_path: Path) -> None:
    (tmp_path / "train_gpt.py").write_text("def f(:\n")
    for place in (tmp_path, tmp_path / "nothing", tmp_path / "train_gpt.py"):
        shown = run_cli("review", place)
        assert shown.status == 2 and shown.err.startswith("error: ") and ": expected " in shown.err and ", found " in shown.err


def test_a_submission_that_is_none(run_cli: RunCli, desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submit, "script_problems", lambda *given, **named: ["train_gpt.py: expected another score"])
    given = ("submit", "run", "--data", "data", "--no-sandbox", "--limit-bytes", "100", "--author", "Ada")
    shown = run_cli(*given, "--out", "out")
    assert shown.status == 1 and "train_gpt.py: expected another score" in shown.out and "no submission.json" in shown.out
    told = json.loads((run_cli(*given, "--out", "again", "--json")).out)
    assert told["ok"] is False and told["author"] == "Ada" and told["receipt"]["ok"] and told["bytes_total"] <= 16_000_000
    assert "another seed" in run_cli("submit", "run", "run", "--data", "data", "--out", "third").error
    assert "--track: expected" in run_cli(*given, "--out", "third", "--track", "fast").error
