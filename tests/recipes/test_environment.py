"""The baseline's environment variables: what each decides, and what is refused instead of silently doing nothing."""

import os
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bytegolf.config import Recipe
from bytegolf.errors import InputError
from bytegolf.recipes import load_recipe
from bytegolf.recipes.environment import BaselineCommand, read_environment
from bytegolf.recipes.similar import edit_distance, nearest_variable
from bytegolf.recipes.variables import VARIABLES
from support.presets import PRESETS, STEPS, Q

# The table of the baseline's variables: 74 of its scripts and two of the per-layer one alone.
_NAMES = """
DATA_PATH TOKENIZER_PATH RUN_ID SEED VAL_BATCH_SIZE VAL_LOSS_EVERY TRAIN_LOG_EVERY ITERATIONS WARMDOWN_ITERS WARMUP_STEPS
TRAIN_BATCH_TOKENS TRAIN_SEQ_LEN MAX_WALLCLOCK_SECONDS VOCAB_SIZE NUM_LAYERS MODEL_DIM NUM_HEADS NUM_KV_HEADS MLP_MULT
TIE_EMBEDDINGS TIED_EMBED_INIT_STD ROPE_BASE ROPE_DIMS QK_GAIN_INIT LOGIT_SOFTCAP LN_SCALE XSA_LAST_N BIGRAM_VOCAB_SIZE
BIGRAM_DIM TRIGRAM_VOCAB_SIZE TRIGRAM_DIM VALUE_EMBED_LAYERS VALUE_EMBED_DIM EMBED_LR TIED_EMBED_LR HEAD_LR MATRIX_LR SCALAR_LR
MUON_MOMENTUM MUON_MOMENTUM_WARMUP_START MUON_MOMENTUM_WARMUP_STEPS MUON_BACKEND_STEPS BETA1 BETA2 ADAM_EPS WEIGHT_DECAY
GRAD_CLIP_NORM SWA_ENABLED SWA_START_FRAC SWA_EVERY EMA_ENABLED EMA_DECAY QAT_ENABLED MLP_QUANT_BITS ATTN_QAT_BITS
LATE_QAT_THRESHOLD LATE_QAT_FRAC EVAL_STRIDE EVAL_BATCH_SEQS TTT_ENABLED TTT_LR TTT_EPOCHS TTT_CHUNK_TOKENS TTT_FREEZE_BLOCKS
TTT_MOMENTUM TTT_BATCH_SEQS TTT_GRAD_CLIP CONTROL_TENSOR_NAME_PATTERNS FP16_KEEP_NAME_PATTERNS WANDB_ENABLED WANDB_PROJECT
RANK WORLD_SIZE LOCAL_RANK COMPRESS GPTQ_ENABLED
"""
NAMES = _NAMES.split()

# What a shell, a container, torchrun, a scheduler and other libraries set.
_OTHERS = """
PATH HOME USER SHELL LANG LC_ALL PWD OLDPWD TERM HOSTNAME SHLVL TZ EDITOR PS1 TMPDIR DISPLAY XDG_RUNTIME_DIR SSH_AUTH_SOCK
VIRTUAL_ENV PYTHONPATH PYTHONUNBUFFERED CONDA_PREFIX CUDA_VISIBLE_DEVICES CUDA_HOME LD_LIBRARY_PATH OMP_NUM_THREADS MKL_NUM_THREADS
NCCL_DEBUG NCCL_SOCKET_IFNAME GLOO_SOCKET_IFNAME MASTER_ADDR MASTER_PORT GROUP_RANK ROLE_RANK ROLE_NAME LOCAL_WORLD_SIZE GROUP_WORLD_SIZE
ROLE_WORLD_SIZE NODE_RANK TORCHELASTIC_RUN_ID TORCHELASTIC_RESTART_COUNT TORCHELASTIC_MAX_RESTARTS TORCH_NCCL_ASYNC_ERROR_HANDLING
SLURM_JOB_ID SLURM_PROCID SLURM_NTASKS HF_HOME HF_TOKEN HF_ENDPOINT TOKENIZERS_PARALLELISM WANDB_API_KEY WANDB_MODE WANDB_DIR
TRITON_CACHE_DIR TORCHINDUCTOR_CACHE_DIR GITHUB_RUN_ID GITHUB_ACTIONS CI KUBERNETES_SERVICE_HOST http_proxy https_proxy no_proxy
PYTEST_CURRENT_TEST GOMP_SPINCOUNT DEBUG LOG_LEVEL NUM_WORKERS MODEL_NAME DATA_DIR OUTPUT_DIR
"""
OTHERS = _OTHERS.split()


def refusal(environment: dict[str, str], recipe: str | None = None) -> str:
    with pytest.raises(InputError) as refused:
        read_environment(environment, recipe)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def settings_of(recipe: Recipe) -> dict[str, object]:
    return recipe.model_dump(exclude={"name", "description"})


def changed(environment: dict[str, str], recipe: str | None = None) -> dict[str, object]:
    """The keys in which the environment changes the recipe it stands over."""
    before, after = (settings_of(read_environment(given, recipe).recipe) for given in ({}, environment))
    return {f"{section}.{key}": value for section in after for key, value in after[section].items() if value != before[section][key]}


# --- what is known


def test_every_variable_of_the_seed_is_known() -> None:
    assert sorted(VARIABLES) == sorted(NAMES) and len(NAMES) == 76


SETS = {
    "SEED": ("7", {"train.seed": 7}),
    "ITERATIONS": ("30", {"train.max_steps": 30}),
    "MAX_WALLCLOCK_SECONDS": ("30.5", {"train.max_seconds": 30.5}),
    "WARMDOWN_ITERS": ("10", {"train.warmdown_steps": 10}),
    "TRAIN_BATCH_TOKENS": ("32768", {"train.batch_tokens": 32_768, "train.micro_batch_tokens": 4096}),
    "TRAIN_SEQ_LEN": ("1024", {"train.sequence_length": 1024, "score.window": 1024}),
    "TRAIN_LOG_EVERY": ("3", {"train.log_every": 3}),
    "VAL_LOSS_EVERY": ("0", {"train.validate_every": 0}),
    "VOCAB_SIZE": ("260", {"model.vocab_size": 260}),
    "NUM_LAYERS": ("3", {"model.num_layers": 3}),
    "MODEL_DIM": ("256", {"model.model_dim": 256}),
    "NUM_HEADS": ("16", {"model.num_heads": 16}),
    "NUM_KV_HEADS": ("1", {"model.num_kv_heads": 1}),
    "MLP_MULT": ("2", {"model.mlp_mult": 2.0}),
    "TIE_EMBEDDINGS": ("0", {"model.tie_embeddings": False, "optim.embed_lr": 0.6}),
    "TIED_EMBED_INIT_STD": ("0.1", {"model.embed_init_std": 0.1}),
    "ROPE_BASE": ("5e4", {"model.rope_base": 50_000.0}),
    "ROPE_DIMS": ("32", {"model.rope_dims": 32}),
    "QK_GAIN_INIT": ("1", {"model.qk_gain": 1.0}),
    "LOGIT_SOFTCAP": ("15", {"model.logit_softcap": 15.0}),
    "LN_SCALE": ("1", {"model.depth_scale": True}),
    "XSA_LAST_N": ("4", {"model.xsa_layers": 4}),
    "BIGRAM_VOCAB_SIZE": ("0", {"model.bigram_size": 0}),
    "BIGRAM_DIM": ("32", {"model.bigram_dim": 32}),
    "TRIGRAM_VOCAB_SIZE": ("512", {"model.trigram_size": 512}),
    "TRIGRAM_DIM": ("32", {"model.trigram_dim": 32}),
    "VALUE_EMBED_LAYERS": ("2", {"model.value_embed_layers": 2}),
    "VALUE_EMBED_DIM": ("128", {"model.value_embed_dim": 128}),
    "EMBED_LR": ("0.3", {}),  # the head is tied
    "TIED_EMBED_LR": ("0.1", {"optim.embed_lr": 0.1}),
    "HEAD_LR": ("0.1", {"optim.head_lr": 0.1}),
    "MATRIX_LR": ("0.1", {"optim.matrix_lr": 0.1}),
    "SCALAR_LR": ("0.1", {"optim.scalar_lr": 0.1, "optim.projection_lr": 0.1}),
    "MUON_MOMENTUM": ("0.9", {"optim.momentum": 0.9}),
    "MUON_MOMENTUM_WARMUP_START": ("0.8", {"optim.momentum_start": 0.8}),
    "MUON_MOMENTUM_WARMUP_STEPS": ("10", {"optim.momentum_warmup_steps": 10}),
    "MUON_BACKEND_STEPS": ("6", {"optim.newton_schulz_steps": 6}),
    "BETA1": ("0.8", {"optim.beta1": 0.8}),
    "BETA2": ("0.99", {"optim.beta2": 0.99}),
    "ADAM_EPS": ("1e-10", {"optim.adam_eps": 1e-10}),
    "WEIGHT_DECAY": ("0.1", {"optim.weight_decay": 0.1}),
    "GRAD_CLIP_NORM": ("0", {"optim.grad_clip": 0.0}),
    "SWA_ENABLED": ("0", {"average.swa_below": 0.0}),
    "SWA_START_FRAC": ("0.2", {"average.swa_below": 0.2}),
    "SWA_EVERY": ("20", {"average.swa_every": 20}),
    "EMA_ENABLED": ("1", {"average.ema_decay": 0.997, "average.swa_below": 0.0}),
    "EMA_DECAY": ("0.9", {}),  # EMA is off
    "QAT_ENABLED": ("0", {"qat.start": 1.0}),
    "LATE_QAT_THRESHOLD": ("0.4", {"qat.start": 1.0, "qat.below_scale": 0.4}),
    "MLP_QUANT_BITS": ("4", {"pack.mlp_int": 4}),
    "ATTN_QAT_BITS": ("8", {"pack.attention_int": 8}),
    "GPTQ_ENABLED": ("1", {"pack.method": "gptq"}),
    "WARMUP_STEPS": ("5", {"train.warmup_steps": 5}),
    "WANDB_ENABLED": ("1", {"train.wandb": "parameter-golf"}),
    "EVAL_STRIDE": ("128", {"score.stride": 128}),
    "EVAL_BATCH_SEQS": ("8", {"score.batch_tokens": 16_384}),
    "TTT_ENABLED": ("1", {"ttt.enabled": True}),
    "TTT_LR": ("0.1", {"ttt.lr": 0.1}),
    "TTT_EPOCHS": ("0", {"ttt.epochs": 0}),
    "TTT_CHUNK_TOKENS": ("8192", {"ttt.chunk_tokens": 8192}),
    "TTT_FREEZE_BLOCKS": ("2", {"ttt.freeze_blocks": 2}),
    "TTT_MOMENTUM": ("0", {"ttt.momentum": 0.0}),
    "TTT_BATCH_SEQS": ("4", {"ttt.batch_sequences": 4}),
    "TTT_GRAD_CLIP": ("0.5", {"ttt.grad_clip": 0.5}),
    # nothing of a recipe
    "DATA_PATH": ("here", {}), "TOKENIZER_PATH": ("it.model", {}), "RUN_ID": ("mine", {}), "VAL_BATCH_SIZE": ("65536", {}),
    "CONTROL_TENSOR_NAME_PATTERNS": ("gain", {}), "FP16_KEEP_NAME_PATTERNS": ("tok_emb", {}),
    "WANDB_PROJECT": ("mine", {}), "RANK": ("0", {}), "WORLD_SIZE": ("1", {}), "LOCAL_RANK": ("0", {}),
    "COMPRESS": ("lzma", {}),
}  # fmt: skip


@pytest.mark.parametrize("name", SETS)
def test_what_a_variable_decides(name: str) -> None:
    text, keys = SETS[name]
    assert changed({name: text}) == keys
    (line,) = read_environment({name: text}).mapping
    assert line.startswith(f"{name}={text}: ") and len(line) > len(f"{name}={text}: ")
    assert all(f"{key} = {value}" in line for key, value in keys.items() if key in VARIABLES[name].keys)


def test_every_variable_is_tried() -> None:
    assert SETS.keys() | {"LATE_QAT_FRAC"} == VARIABLES.keys()


OTHERWISE_HERE = (
    "RUN_ID",  # was drawn
    "EVAL_BATCH_SEQS",  # half as large here
    "WARMUP_STEPS",  # here compiling needs none
    "WANDB_ENABLED",  # was on
)


@pytest.mark.parametrize("name", [name for name in VARIABLES if name not in OTHERWISE_HERE])
def test_a_variable_at_its_default_decides_nothing(name: str) -> None:
    assert changed({name: VARIABLES[name].default}) == {}


@pytest.mark.parametrize(
    ("environment", "recipe", "keys"),
    [
        ({"TIE_EMBEDDINGS": "0", "EMBED_LR": "0.3"}, None, {"model.tie_embeddings": False, "optim.embed_lr": 0.3}),
        ({"EMA_ENABLED": "1", "EMA_DECAY": "0.9"}, None, {"average.ema_decay": 0.9, "average.swa_below": 0.0}),
        ({"EMA_DECAY": "0.9"}, "v10_banked", {"average.ema_decay": 0.9}),
        ({"EMA_ENABLED": "0"}, "v10_banked", {"average.ema_decay": 0.0}),
        ({"EMA_ENABLED": "0", "SWA_ENABLED": "1"}, "v10_banked", {"average.ema_decay": 0.0, "average.swa_below": 0.4}),
        ({"LATE_QAT_FRAC": "0.5", "LATE_QAT_THRESHOLD": "0.9"}, None, {"qat.start": 0.5}),
        ({"LATE_QAT_FRAC": "0.5"}, "v10_banked", {"qat.start": 0.5}),
        ({"LATE_QAT_FRAC": "0", "LATE_QAT_THRESHOLD": "0.9"}, "v10_banked", {"qat.start": 1.0, "qat.below_scale": 0.9}),
        ({"LATE_QAT_THRESHOLD": "0.9"}, "v10_banked", {}),  # its share of the time is looked at first
        ({"QAT_ENABLED": "0", "LATE_QAT_THRESHOLD": "0.9"}, "v10_banked", {"qat.start": 1.0}),
        ({"QAT_ENABLED": "1"}, "noqat", {"qat.start": 0.0}),
        ({"GPTQ_ENABLED": "0"}, "v11_gptq", {"pack.method": "rate"}),
        ({"WANDB_ENABLED": "1", "WANDB_PROJECT": "mine"}, None, {"train.wandb": "mine"}),
        ({"WANDB_ENABLED": "0", "WANDB_PROJECT": "mine"}, None, {}),
        ({"MAX_WALLCLOCK_SECONDS": "-1"}, None, {"train.max_seconds": 0.0}),
        ({"WARMDOWN_ITERS": "0"}, None, {"train.warmdown_steps": 0, "train.warmdown": 0.0}),
        ({"XSA_LAST_N": "99", "NUM_LAYERS": "3"}, None, {"model.xsa_layers": 3, "model.num_layers": 3}),
        ({"NUM_LAYERS": "1"}, "v10_banked", {"model.num_layers": 1, "model.xsa_layers": 1, "model.value_embed_layers": 1}),
        ({"EVAL_STRIDE": "0"}, None, {"score.stride": 2048}),
        ({"EVAL_STRIDE": "4096"}, None, {"score.stride": 2048}),
        ({"EVAL_STRIDE": "-5"}, None, {"score.stride": 2048}),
        ({"TRAIN_SEQ_LEN": "32"}, "v2_full", {
            "train.sequence_length": 32, "score.window": 32, "score.stride": 32}),
        ({"TRAIN_BATCH_TOKENS": "2048"}, None, {"train.batch_tokens": 2048, "train.micro_batch_tokens": 0}),
    ],
)  # fmt: skip
def test_what_variables_decide_together(environment: dict[str, str], recipe: str | None, keys: dict[str, object]) -> None:
    assert changed(environment, recipe) == keys


# --- whole command lines


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


# --- what is refused


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


@pytest.mark.parametrize(
    ("environment", "parts"),
    [
        # C2: QAT from the first step; and a share of no time, which was no share at all
        ({"LATE_QAT_FRAC": "0.65"}, ("LATE_QAT_FRAC", "LATE_QAT_THRESHOLD above 0", "0.65")),
        ({"LATE_QAT_FRAC": "0.65", "LATE_QAT_THRESHOLD": "0"}, ("LATE_QAT_FRAC", "LATE_QAT_THRESHOLD above 0")),
        ({"LATE_QAT_FRAC": "0.65", **Q, **STEPS}, ("LATE_QAT_FRAC", "MAX_WALLCLOCK_SECONDS above 0")),
        # the average that is taken last wins
        ({"EMA_ENABLED": "1", "SWA_ENABLED": "1"}, ("SWA_ENABLED", "EMA_ENABLED=1")),
        # what the model cannot be
        ({"NUM_HEADS": "3"}, ("model.num_heads", "model_dim 512", "3")),
        ({"TRAIN_BATCH_TOKENS": "1000"}, ("train.batch_tokens", "sequence_length 2048", "1000")),
        # C4: read by nothing
        ({"MUON_BACKEND": "rownorm"}, ("MUON_BACKEND:", "did you mean MUON_BACKEND_STEPS?")),
        # E7: what the notes said, and the code did not read
        ({"ATTN_QUANT_BITS": "4"}, ("ATTN_QUANT_BITS:", "did you mean")),
    ],
)  # fmt: skip
def test_what_the_seed_would_not_have_done_is_refused(environment: dict[str, str], parts: tuple[str, ...]) -> None:
    message = refusal(environment)
    for part in parts:
        assert part in message


def slips(name: str) -> st.SearchStrategy[str]:
    """`name` with one slip of the fingers."""
    letters, places = st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789"), st.integers(0, len(name) - 1)
    return st.one_of(
        places.map(lambda i: name[:i] + name[i + 1 :]),
        st.builds(lambda i, letter: name[:i] + letter + name[i:], places, letters),
        st.builds(lambda i, letter: name[:i] + letter + name[i + 1 :], places, letters),
        places.map(lambda i: name[:i] + name[i : i + 2][::-1] + name[i + 2 :]),
        st.just(name.lower()),
        st.just(f"{name}S"),
    )


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(NAMES).flatmap(lambda name: st.tuples(st.just(name), slips(name))))
def test_a_mistyped_name_is_refused_and_the_right_one_named(drawn: tuple[str, str]) -> None:
    name, typed = drawn
    if typed in VARIABLES or typed == "":
        return
    message = refusal({typed: "1"})
    assert message.startswith(f"{typed}: ")
    (named,) = re.findall(r"did you mean (\w+)\?", message)
    assert named == name or edit_distance(typed.upper(), named) <= 1, "as near as the one that was meant"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("VOCBA_SZIE", "VOCAB_SIZE"), ("NUM_LYAER", "NUM_LAYERS"), ("DATAPTH", "DATA_PATH"), ("weight_deca", "WEIGHT_DECAY")],
)
def test_of_a_long_name_two_slips_are_seen(typed: str, meant: str) -> None:
    assert f"did you mean {meant}?" in refusal({typed: "1"})


@pytest.mark.parametrize("name", ["SEEDED", "SIDE", "BETTA", "BRINK", "RUNS_ID"])
def test_of_a_short_name_one_slip_at_most(name: str) -> None:
    assert (name == "RUNS_ID") == bool(nearest_variable(name))


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(
        ["BIGRAM_", "TRIGRAM_", "TTT_", "LATE_QAT_", "MUON_", "SWA_", "EMA_", "VALUE_EMBED_", "ROPE_", "XSA_", "GPTQ_", "MLP_"]
    ),
    st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=12),
)
def test_an_unknown_name_of_a_known_family_is_refused(prefix: str, rest: str) -> None:
    if prefix + rest not in VARIABLES:
        assert "did you mean" in refusal({prefix + rest: "1"})


@pytest.mark.parametrize("name", OTHERS)
def test_what_others_set_is_left_alone(name: str) -> None:
    assert read_environment({name: "whatever"}) == read_environment({})


def test_this_environment_is_left_alone() -> None:
    assert isinstance(read_environment(dict(os.environ)), BaselineCommand)


@pytest.mark.parametrize(
    ("a", "b", "distance"),
    [
        ("", "", 0),
        ("abc", "abc", 0),
        ("", "abc", 3),
        ("abc", "", 3),
        ("ab", "ba", 1),
        ("abcd", "acbd", 1),
        ("kitten", "sitting", 3),
        ("ca", "abc", 3),
    ],
)
def test_edit_distance(a: str, b: str, distance: int) -> None:
    assert edit_distance(a, b) == edit_distance(b, a) == distance
