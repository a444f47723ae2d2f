"""The command line put together: help, usage, and how a verb ends."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bytegolf.flow import score as score_flow
from bytegolf.recipes import recipe_names
from support.command_line import RunCli, tree
from support.runs import environment

VERBS = (
    *("quickstart", "recipes", "plan", "prepare", "train", "import", "sweep", "pack", "score", "report"),
    *("prove", "verify", "audit", "review", "compare", "submit", "generate", "export", "compress", "decompress", "doctor", "bench"),
)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_teaches_itself(run_cli: RunCli, verb: str) -> None:
    shown = run_cli(verb, "--help")
    assert shown.status == 0 and shown.err == ""
    assert f"bytegolf {verb}" in shown.out and "--json" in shown.out
    assert len(shown.out.split()) > 30
    for option in re.findall(r"(--[a-z-]+)", shown.out):
        assert re.search(rf"{option}.*\w", shown.out)


def test_the_list_of_verbs(run_cli: RunCli) -> None:
    shown = run_cli("--help")
    assert shown.status == 0
    assert [line.split()[1] for line in shown.out.splitlines() if re.match(r"│ \w", line)] == list(VERBS), "in the order of the flow"


def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    """Of every verb, in one process."""
    code = f"""
import sys
from bytegolf.cli.app import main
for verb in {["", *VERBS]}:
    sys.argv = ["bytegolf", *verb.split(), "--help"]
    try:
        main()
    except SystemExit as ended:
        assert ended.code == 0
heavy = [name for name in ("torch", "numpy", "sentencepiece", "scipy", "constriction", "safetensors") if name in sys.modules]
print("loaded:", heavy, file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment(), capture_output=True, text=True)
    assert done.stderr == "loaded: []\n"


def test_as_a_module(tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "bytegolf", *arguments]
        return subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True)

    listed, failed = run("recipes", "--json"), run("plan", "nothing")
    assert (listed.returncode, listed.stderr) == (0, "") and set(json.loads(listed.stdout)) == set(recipe_names())
    assert (failed.returncode, failed.stdout) == (2, "") and failed.stderr.startswith("error: recipe") and failed.stderr.count("\n") == 1


USAGE = {
    "nothing": "nothing",
    "train": "RECIPE",
    "score run": "--data",
    "report run": "--out",
    "pack run --budgt 3": "--budgt",
    "pack run --budget many": "--budget",
    "pack run --budget -1": "--budget",
    "pack run --reserve -1000": "--reserve",
    "score run --data data --protocol magic": "--protocol",
    "score run --data data --stride -1": "--stride",
    "score run --data data --limit-bytes -5": "--limit-bytes",
    "prepare texts --out new --val-docs 2 --vocab 0": "vocab",
}


@pytest.mark.parametrize("command", USAGE)
def test_bad_usage(run_cli: RunCli, desk: Path, command: str) -> None:
    """typer's own words, in several lines, will do."""
    before = tree(desk)
    result = run_cli(*command.split())
    assert tree(desk) == before
    assert (result.status, result.out) == (2, "") and USAGE[command] in result.err and "Traceback" not in result.err


def test_an_interrupt_outside_training(run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(score_flow, "score", interrupted)
    result = run_cli("score", "run", "--data", "data")
    assert result.status == 130 and "Traceback" not in result.err
