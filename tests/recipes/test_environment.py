"""Command lines of the baseline, from its environment variables to a recipe, data and run folder."""

import os
from pathlib import Path

import pytest

from bytegolf.recipes import load_recipe
from bytegolf.recipes.environment import BaselineCommand, read_environment
from bytegolf.recipes.variables import VARIABLES
from support.environments import OTHERS, refusal, settings_of
from support.presets import PRESETS


@pytest.mark.parametrize("name", PRESETS)
def test_the_command_line_of_a_preset_is_its_recipe(name: str) -> None:
    """All of the launcher's settings; beside them what torchrun and a shell set."""
    environment = PRESETS[name].said | {
        "DATA_PATH": "./data/datasets/fineweb10B_sp1024/", "TOKENIZER_PATH": "./data/tokenizers/fineweb_1024_bpe.model",
        "VOCAB_SIZE": "1024", "RUN_ID": f"{name}_seed1", "RANK": "3", "WORLD_SIZE": "8", "LOCAL_RANK": "3",
    } | dict.fromkeys(OTHERS, "1")  # fmt: skip
    command = read_environment(environment)
    assert settings_of(command.recipe) == settings_of(load_recipe(name))
    assert command.recipe.name == f"{name}_seed1"
    assert (command.data, command.out) == (Path("data/datasets/fineweb10B_sp1024"), Path(f"runs/{name}_seed1"))
    assert command.tokenizer == Path("data/tokenizers/fineweb_1024_bpe.model")
    assert {line.partition("=")[0] for line in command.mapping} == environment.keys() & VARIABLES.keys()


def test_the_baselines_command_line() -> None:
    command = read_environment({"ITERATIONS": "3000", "MAX_WALLCLOCK_SECONDS": "0"}, "baseline")
    assert settings_of(command.recipe) == settings_of(load_recipe("baseline_full"))


def test_nothing_set_is_what_the_scripts_did() -> None:
    command = read_environment({})
    assert settings_of(command.recipe) == settings_of(load_recipe("v2_full", ["train.max_seconds=600"]))
    assert (command.data, command.tokenizer, command.mapping) == (Path("data/datasets/fineweb10B_sp1024"), None, ())


def test_arguments_win_over_variables() -> None:
    environment = {"DATA_PATH": "there", "TOKENIZER_PATH": "there.model", "RUN_ID": "there", "NUM_LAYERS": "3"}
    command = read_environment(
        environment, "tiny", ["model.num_layers=5"], data=Path("data"), tokenizer=Path("it.model"), out=Path("somewhere")
    )
    assert (command.data, command.tokenizer, command.out) == (Path("data"), Path("it.model"), Path("somewhere"))
    assert command.recipe.model.num_layers == 5 and command.recipe.model.model_dim == 128


def test_a_run_without_a_name_gets_one_that_its_processes_agree_on() -> None:
    def out(**environment: str) -> Path:
        return read_environment(environment).out

    assert out(RANK="0") == out(RANK="1") == out() != out(SEED="2")
    assert out().parent == Path("runs")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("NUM_LAYERS", "twelve"), ("NUM_LAYERS", "12.0"), ("NUM_LAYERS", ""), ("NUM_LAYERS", "0"), ("NUM_LAYERS", "1e3"),
        ("SEED", "-1"), ("ITERATIONS", "0"), ("MATRIX_LR", "fast"), ("MATRIX_LR", "nan"), ("MATRIX_LR", "inf"), ("MATRIX_LR", "-0.1"),
        ("EMA_ENABLED", "yes"), ("EMA_ENABLED", "2"), ("EMA_ENABLED", "true"), ("EMA_ENABLED", ""), ("EMA_DECAY", "1"), ("LN_SCALE", "on"),
        ("MLP_QUANT_BITS", "7"), ("MLP_QUANT_BITS", "9"), ("ATTN_QAT_BITS", "3"), ("ATTN_QAT_BITS", "6.0"), ("COMPRESS", "brotli"),
        ("VOCAB_SIZE", "70000"), ("BETA2", "1.0"), ("LATE_QAT_FRAC", "1.5"), ("LATE_QAT_THRESHOLD", "-1"), ("MLP_MULT", "0"),
        ("TTT_MOMENTUM", "1"), ("TTT_CHUNK_TOKENS", "0"), ("EVAL_BATCH_SEQS", "0"), ("RANK", "first"), ("DATA_PATH", ""),
        ("RUN_ID", ""), ("RUN_ID", "a/b"), ("RUN_ID", ".."), ("RUN_ID", "."), ("RUN_ID", "/"),
    ],
)  # fmt: skip
def test_a_value_of_the_wrong_type_or_range_is_refused(name: str, text: str) -> None:
    message = refusal({name: text})
    assert message.startswith(f"{name}: ") and repr(text) in message


@pytest.mark.parametrize("name", OTHERS)
def test_what_others_set_is_left_alone(name: str) -> None:
    assert read_environment({name: "whatever"}) == read_environment({})


def test_this_environment_is_left_alone() -> None:
    assert isinstance(read_environment(dict(os.environ)), BaselineCommand)
