"""The names of the baseline's variables and of others', and what an environment changes in a recipe."""

import pytest

from bytegolf.config import Recipe
from bytegolf.errors import InputError
from bytegolf.recipes.environment import read_environment

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


def settings_of(recipe: Recipe) -> dict[str, dict[str, object]]:
    return recipe.model_dump(exclude={"name", "description"})


def changed(environment: dict[str, str], recipe: str | None = None) -> dict[str, object]:
    """The keys in which the environment changes the recipe it stands over."""
    before, after = (settings_of(read_environment(given, recipe).recipe) for given in ({}, environment))
    return {f"{section}.{key}": value for section in after for key, value in after[section].items() if value != before[section][key]}
