"""`train --env`: a command line of the baseline, from its environment variables to a scored artifact."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bytegolf.cli.app import main
from bytegolf.recipes import load_recipe, recipe_groups
from bytegolf.recipes.variables import VARIABLES
from support.records import read_json

SMALL = {
    "VOCAB_SIZE": "260", "NUM_LAYERS": "2", "MODEL_DIM": "32", "NUM_HEADS": "2", "NUM_KV_HEADS": "1", "BIGRAM_VOCAB_SIZE": "64",
    "ITERATIONS": "8", "MAX_WALLCLOCK_SECONDS": "0", "TRAIN_BATCH_TOKENS": "256", "TRAIN_SEQ_LEN": "32", "EVAL_STRIDE": "16",
    "LATE_QAT_THRESHOLD": "0.5", "RUN_ID": "mine",
}  # fmt: skip
PLAIN = ("--set", "train.compile=false", "--set", "train.dtype=float32")

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def bytegolf(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """The command in this process, in an empty folder: its status, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GOMP_SPINCOUNT", "0")
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: object, **environment: str) -> tuple[int, str, str]:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["bytegolf", *map(str, arguments)])
            for name, value in environment.items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as ended:
                main()
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return run


@pytest.mark.parametrize("ttt", ["0", "1"])
def test_a_command_line_of_the_baseline_trains_packs_and_scores(bytegolf: Run, data: Path, tmp_path: Path, ttt: str) -> None:
    status, out, err = bytegolf("train", "--env", "--json", *PLAIN, **SMALL, DATA_PATH=str(data), TTT_ENABLED=ttt)
    assert status == 0, err
    result = json.loads(out)
    run = tmp_path / "runs" / "mine"
    assert {"steps", "seconds", "tokens_per_second", "val_bpb", "run"} <= set(result)
    assert (result["steps"], result["run"]) == (8, "runs/mine")
    assert result["pack"]["bytes"] == (run / "artifact.bgz").stat().st_size
    assert [score["protocol"] for score in result["scores"]] == (["sliding", "ttt"] if ttt == "1" else ["sliding"])
    assert result["scores"][0]["bpb"] == read_json(run / "score-sliding.json")["bpb"]
    assert read_json(run / "score-sliding.json")["of"] == "artifact.bgz", "the baseline scored what it had packed"
    recipe = load_recipe(run / "recipe.toml")
    assert (recipe.name, recipe.train.max_steps, recipe.score.stride, recipe.qat.below_scale) == ("mine", 8, 16, 0.5)
    for name, value in SMALL.items():
        assert f"{name}={value}: " in err
    assert "MODEL_DIM=32: model.model_dim = 32\n" in err and "XSA_LAST_N" not in err


def test_what_is_packed_by_gptq_learns_from_the_training_text(bytegolf: Run, data: Path) -> None:
    status, out, err = bytegolf("train", "--env", "--json", "--data", data, *PLAIN, **SMALL, GPTQ_ENABLED="1")
    assert status == 0, err
    assert json.loads(out)["pack"]["method"] == "gptq"


def test_the_same_command_resumes(bytegolf: Run, data: Path) -> None:
    command = ("train", "--env", "--data", data, *PLAIN)
    assert bytegolf(*command, **SMALL)[0] == 0
    status, _, err = bytegolf(*command, **SMALL)
    assert status == 2 and "expected a new run folder" in err
    status, out, err = bytegolf(*command, "--resume", **SMALL)
    assert status == 0 and "already finished" in err
    assert all(word in out for word in ("runs/mine", "bpb (standard)", "artifact.bgz", "sliding")), "a table for people"


def test_arguments_win(bytegolf: Run, data: Path, tmp_path: Path) -> None:
    shape = {name: value for name, value in SMALL.items() if name != "RUN_ID"}
    status, _, err = bytegolf("train", "--env", "--data", data, "--out", "here", *PLAIN, **shape, DATA_PATH="nowhere")
    assert status == 0, err
    assert (tmp_path / "here" / "artifact.bgz").exists()


@pytest.mark.parametrize(
    ("arguments", "environment", "parts"),
    [
        (("--env",), {"NUM_LAYER": "12"}, ("NUM_LAYER:", "did you mean NUM_LAYERS?")),
        (("--env",), {"NUM_LAYERS": "many"}, ("NUM_LAYERS:", "'many'")),
        (("--env",), {"LATE_QAT_FRAC": "0.65"}, ("LATE_QAT_FRAC:", "LATE_QAT_THRESHOLD")),
        (("--env",), {"NUM_HEADS": "3"}, ("model.num_heads", "512", "3")),
        (("--env",), {}, ("data/datasets/fineweb10B_sp1024", "expected a data folder")),
        (("--env", "v6_parallel"), {}, ("v6_parallel", "v7_ve")),
        (("--env", "--set", "model.num_layer=3"), {}, ("model.num_layer", "num_layers")),
        ((), {}, ("RECIPE", "--env")),
        (("tiny", "--data", "data"), {}, ("--out", "--env")),
        (("tiny", "--out", "run"), {}, ("--data", "--env")),
    ],
)
def test_a_mistake_is_one_line(
    bytegolf: Run, tmp_path: Path, arguments: tuple[str, ...], environment: dict[str, str], parts: tuple[str, ...]
) -> None:
    status, out, err = bytegolf("train", *arguments, **environment)
    assert (status, out) == (2, "")
    assert err.startswith("error: ") and err.count("\n") == 1
    assert all(part in err for part in parts)
    assert not list(tmp_path.iterdir())


def test_without_env_variables_are_left_alone(bytegolf: Run) -> None:
    _, _, err = bytegolf("train", "tiny", "--data", "nowhere", "--out", "run", NUM_LAYER="3", ITERATIONS="many")
    assert "nowhere" in err and "NUM_LAYER" not in err


def test_recipes_are_listed_in_groups(bytegolf: Run) -> None:
    status, out, _ = bytegolf("recipes")
    groups = [block.splitlines() for block in out.strip().split("\n\n")]
    assert status == 0
    assert {title: [line.split()[0] for line in lines] for title, *lines in groups} == recipe_groups()
    assert max(map(len, out.splitlines())) <= 120
