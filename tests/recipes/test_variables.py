"""The baseline's environment variables: what each decides alone."""

import pytest

from bytegolf.recipes.environment import read_environment
from bytegolf.recipes.variables import VARIABLES
from support.environments import NAMES, changed


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
