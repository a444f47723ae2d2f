"""The verbs quickstart, recipes and plan: their JSON, and the status of a plan that does not fit."""

import json
import re
from functools import partial
from pathlib import Path

import pytest

from bytegolf.flow import quickstart as quickstart_flow
from bytegolf.flow.quickstart import quickstart
from bytegolf.recipes import load_recipe, recipe_names
from support.command_line import RunCli
from support.runs import MICRO, micro


def test_json_of_recipes(run_cli: RunCli) -> None:
    assert set(run_cli("recipes", "--json").json) == set(recipe_names())
    assert run_cli("recipes", "tiny", "--json").json == load_recipe("tiny").model_dump()


def test_a_printed_recipe_is_one(run_cli: RunCli, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(run_cli("recipes", "tiny").out)
    assert load_recipe(tmp_path / "mine.toml") == load_recipe("tiny")


def test_json_of_plan(run_cli: RunCli) -> None:
    result = run_cli("plan", MICRO, "--json").json
    assert {"parameters", "predicted_bytes", "budget", "fits"} <= set(result)
    assert (result["budget"], result["fits"], result["steps"]) == (30_000, True, 30)
    assert 0 < result["predicted_bytes"] <= 30_000


def test_the_plan_comes_true(run_cli: RunCli, desk: Path) -> None:
    planned = run_cli("plan", "micro.toml", "--json").json
    packed = run_cli("pack", "run", "--json").json
    assert planned["parameters"] == packed["parameters"]
    assert planned["predicted_bytes"] == pytest.approx(packed["bytes"], rel=0.05)


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_plan_that_does_not_fit(run_cli: RunCli, options: tuple[str, ...]) -> None:
    shown = run_cli("plan", MICRO, "--set", "pack.budget=1000", *options)
    assert shown.status == 1 and "error" not in shown.err
    if options:
        result = json.loads(shown.out)
        assert result["fits"] is False and result["predicted_bytes"] > 1000 == result["budget"]
    else:
        assert re.search(r"fits +no", shown.out)


def test_json_of_quickstart(run_cli: RunCli, desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quickstart_flow, "quickstart", partial(quickstart, recipe=micro(), sources=["texts"], val_docs=2))
    result = run_cli("quickstart", "--out", "new", "--json").json
    assert result["pack"]["bpb_after"] > 0 and (desk / "new" / "run" / "report.html").exists()
    table = run_cli("quickstart", "--out", "new")
    assert table.status == 0 and "xz -9e" in table.out and f"{result['pack']['bpb_after']:.4f} bpb" in table.out
