"""Every preset of the baseline is a recipe: its table, its size, and real steps of it."""

import math
from pathlib import Path

import pytest
import torch

from bytegolf.config import ExpertsConfig, LoraConfig, Recipe
from bytegolf.errors import InputError
from bytegolf.model.shapes import parameter_count
from bytegolf.packing.plan import plan_artifact
from bytegolf.recipes import load_recipe, recipe_groups, recipe_names
from bytegolf.recipes.load import RETIRED
from bytegolf.text.shards import TokenStream
from bytegolf.training.schedule import learning_rate_scale, qat_due
from support.presets import BASELINE_DEFAULTS, BASELINES, DEFAULTS, PRESETS
from support.runs import constant, events, new_trainer, write_stream

EVERY = PRESETS | BASELINES
MEANT = {name: preset.keys() for name, preset in PRESETS.items()} | {
    name: preset.keys(BASELINE_DEFAULTS) for name, preset in BASELINES.items()
}
# What the baseline's scripts have no setting for.
OURS = {
    "model.loop_first", "model.loop_blocks", "model.loops", "model.head_gate_inputs",
    "text.tokenizer", "text.across_words", "train.warmdown", "train.dtype", "train.device", "train.compile",
    "train.validate_bytes",
    "train.checkpoint_every", "train.verify_every", "train.warmup_steps", "train.wandb", "train.tensorboard", "score.batch_tokens",
    "pack.coder", "pack.calibration_tokens", "pack.damping", "pack.act_order", *(f"experts.{key}" for key in ExpertsConfig.model_fields),
    *(f"lora.{key}" for key in LoraConfig.model_fields),
}  # fmt: skip


def by_key(recipe: Recipe) -> dict[str, object]:
    return {
        f"{section}.{key}": value
        for section, values in recipe.model_dump().items()
        if isinstance(values, dict)
        for key, value in values.items()
    }


def test_there_is_a_recipe_for_every_preset() -> None:
    own, *presets = recipe_groups().values()
    assert sorted(name for group in presets for name in group) == sorted(EVERY)
    assert own == ["frontier", "frontier_small", "own_text", "pocket", "quickstart", "small", "tiny"]


@pytest.mark.parametrize("name", EVERY)
def test_a_preset_is_what_its_author_meant(name: str) -> None:
    values = by_key(load_recipe(name))
    assert {key: values[key] for key in MEANT[name]} == MEANT[name]


def test_the_table_knows_every_key_that_the_seed_sets() -> None:
    assert by_key(load_recipe("v10_banked")).keys() - OURS == DEFAULTS.keys()


@pytest.mark.parametrize("name", EVERY)
def test_a_preset_is_in_the_group_of_its_cap(name: str) -> None:
    _, timed, steps = recipe_groups().values()
    assert name in (timed if load_recipe(name).train.max_seconds else steps)


@pytest.mark.parametrize("name", EVERY)
def test_a_preset_has_the_seeds_parameters_and_fits_its_budget(name: str) -> None:
    recipe = load_recipe(name)
    plan = plan_artifact(recipe)
    assert parameter_count(recipe.model) == plan.parameters == EVERY[name].parameters
    assert plan.fits and plan.predicted_bytes <= 16_000_000
    assert recipe.description.startswith(f"{plan.parameters / 1e6:.1f} M")


@pytest.mark.parametrize(("name", "same_as"), [("v8_static", "v7_ve"), ("12l_int4_bqat", "12l_int4")])
def test_a_deprecated_duplicate_says_so(name: str, same_as: str) -> None:
    assert by_key(load_recipe(name)) == by_key(load_recipe(same_as))
    assert "deprecated" in load_recipe(name).description and same_as in load_recipe(name).description


@pytest.mark.parametrize("name", RETIRED)
def test_a_retired_preset_names_its_replacement(name: str) -> None:
    with pytest.raises(InputError, match=rf"recipe {name}: .*; use .*v7_ve") as refused:
        load_recipe(name)
    assert "\n" not in str(refused.value)
    assert name not in recipe_names()
    assert {"v5_rownorm", "v6_parallel", "trigram"} == RETIRED.keys()


def test_a_file_may_have_a_retired_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "trigram").write_text("name = 'mine'\n")
    monkeypatch.chdir(tmp_path)
    assert load_recipe("trigram").name == "mine"


@pytest.mark.parametrize(
    ("name", "first"),
    [("v10_banked_proxy", 31), ("v11_proxy", 51), ("abl_emfix", 901), ("v2_quick", 0), ("proxy_v4", 7800), ("noqat", None)],
)
def test_when_qat_begins(name: str, first: int | None) -> None:
    """Where the comments in the recipes say: late, though some runs are shorter than their warm-down."""
    recipe = load_recipe(name)
    steps = recipe.train.max_steps
    scales = (learning_rate_scale(step, step / steps, recipe.train) for step in range(steps))
    due = (step for step, scale in enumerate(scales) if qat_due(step / steps, scale, recipe.qat))
    assert next(due, None) == first


# --- real steps


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> TokenStream:
    return write_stream(tmp_path_factory.mktemp("stream"))


def shrunk(name: str) -> Recipe:
    """A preset with all its parts, an eighth as wide, for eight steps."""
    recipe = load_recipe(name)
    model = recipe.model
    overrides = {
        "model.vocab_size": 260, "model.model_dim": 64, "model.rope_dims": model.rope_dims // 8,
        "model.bigram_size": min(model.bigram_size, 64), "model.bigram_dim": model.bigram_dim // 8,
        "model.trigram_size": min(model.trigram_size, 64), "model.trigram_dim": model.trigram_dim // 8,
        "model.value_embed_dim": model.value_embed_dim // 8,
        "train.max_steps": 8, "train.max_seconds": 0.0, "train.warmdown_steps": 8,
        "train.sequence_length": 32, "train.batch_tokens": 128, "train.micro_batch_tokens": 64,
        "train.log_every": 1, "train.validate_every": 0, "train.checkpoint_every": 0,
        "train.dtype": '"float32"', "train.device": '"cpu"', "train.compile": "false",
        "average.swa_every": 1, "score.window": 32, "score.stride": 16,
    }  # fmt: skip
    return load_recipe(name, [f"{key}={value}" for key, value in overrides.items()])


@pytest.mark.parametrize("name", EVERY)
def test_a_preset_trains(name: str, stream: TokenStream, tmp_path: Path) -> None:
    recipe = shrunk(name)
    trainer = new_trainer(tmp_path / "run", recipe, stream)
    before = {key: weight.clone() for key, weight in trainer.learner.weights.items()}
    weights = trainer.fit(constant)
    steps = events(tmp_path / "run", "step")
    losses = [event["loss"] for event in steps]
    assert len(losses) == 8 and all(map(math.isfinite, losses))
    assert [event["lr_scale"] for event in steps] == pytest.approx([1 - step / 8 for step in range(8)])
    assert losses[-1] < losses[0] - 0.05
    assert not [key for key, weight in weights.items() if torch.equal(weight, before[key])], "every parameter is trained"
    assert len(events(tmp_path / "run", "qat")) == (name != "noqat" and not name.startswith("baseline"))
    averages = trainer.learner.averages
    assert bool(averages.ema) == (MEANT[name]["average.ema_decay"] == 0.997)
    assert bool(averages.swa) == (MEANT[name]["average.swa_below"] == 0.4)
