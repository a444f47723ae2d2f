"""List the environment variables of the baseline: their defaults, types and ranges, and the recipe keys they decide."""

from dataclasses import dataclass
from typing import Literal

from pydantic import Field
from pydantic.fields import FieldInfo

from bytegolf.config import Recipe
from bytegolf.recipe_table import RecipeTable

Value = int | float | bool | str


class _Kinds(RecipeTable):
    """Types and ranges of variables that match no recipe key."""

    flag: bool
    whole: int
    natural: int = Field(ge=0)
    positive: int = Field(ge=1)
    real: float
    text: str
    compressor: Literal["zstd", "zlib", "lzma"]


FLAG, WHOLE, NATURAL, POSITIVE, REAL, TEXT, COMPRESSOR = _Kinds.model_fields.values()


@dataclass(frozen=True)
class Variable:
    """An environment variable of the baseline.

    `keys` are the recipe keys it decides. If `copied`, they take its value unchanged; otherwise `rules` decides them.
    """

    name: str
    default: str
    kind: FieldInfo
    keys: tuple[str, ...] = ()
    remark: str = ""
    copied: bool = False

    @property
    def effect(self) -> str:
        """Return a description of what the variable decides."""
        return "; ".join(filter(None, (", ".join(f"`{key}`" for key in self.keys), self.remark)))


def field_of(key: str) -> FieldInfo:
    """Return the type and range of a recipe key "section.key"."""
    section, name = key.split(".")
    annotation = Recipe.model_fields[section].annotation
    assert annotation is not None
    fields: dict[str, FieldInfo] = annotation.model_fields
    return fields[name]


def _same(name: str, default: str, *keys: str, remark: str = "") -> Variable:
    return Variable(name, default, field_of(keys[0]), keys, remark, copied=True)


def _like(name: str, default: str, key: str, remark: str = "") -> Variable:
    """Return a variable with the type and range of `key`, which is decided by a rule instead of copied."""
    return Variable(name, default, field_of(key), (key,), remark)


_ALL = (
    # data and output
    Variable("DATA_PATH", "./data/datasets/fineweb10B_sp1024", TEXT, remark="the data folder"),
    Variable(
        "TOKENIZER_PATH",
        "./data/tokenizers/fineweb_1024_bpe.model",
        TEXT,
        remark="the tokenizer; the one beside the data if not set",
    ),
    Variable("RUN_ID", "random", TEXT, remark="name of the run, which goes to `runs/RUN_ID` unless another folder is named"),
    _same("SEED", "42", "train.seed"),
    # the run
    Variable("ITERATIONS", "20000", POSITIVE, ("train.max_steps",), copied=True),
    Variable("MAX_WALLCLOCK_SECONDS", "600", REAL, ("train.max_seconds",), "0 or less is no cap"),
    Variable("WARMDOWN_ITERS", "3000", WHOLE, ("train.warmdown_steps", "train.warmdown"), "at most the whole run; 0 or less is none"),
    _same("WARMUP_STEPS", "20", "train.warmup_steps"),
    _same("TRAIN_BATCH_TOKENS", "786432", "train.batch_tokens", remark="an eighth of it becomes `train.micro_batch_tokens`"),
    _same("TRAIN_SEQ_LEN", "2048", "train.sequence_length", "score.window"),
    _same("TRAIN_LOG_EVERY", "100", "train.log_every"),
    _same("VAL_LOSS_EVERY", "500", "train.validate_every"),
    Variable("VAL_BATCH_SIZE", "524288", NATURAL, remark="no effect: a score does not depend on it, and EVAL_BATCH_SEQS sets the batch"),
    # the model
    _same("VOCAB_SIZE", "1024", "model.vocab_size"),
    _same("NUM_LAYERS", "10", "model.num_layers"),
    _same("MODEL_DIM", "512", "model.model_dim"),
    _same("NUM_HEADS", "8", "model.num_heads"),
    _same("NUM_KV_HEADS", "4", "model.num_kv_heads"),
    _same("MLP_MULT", "3.0", "model.mlp_mult"),
    _same("TIE_EMBEDDINGS", "1", "model.tie_embeddings"),
    _same("TIED_EMBED_INIT_STD", "0.005", "model.embed_init_std", remark="no effect on an untied head"),
    _same("ROPE_BASE", "10000.0", "model.rope_base"),
    _same("ROPE_DIMS", "0", "model.rope_dims"),
    _same("QK_GAIN_INIT", "1.5", "model.qk_gain"),
    _same("LOGIT_SOFTCAP", "30.0", "model.logit_softcap"),
    _same("LN_SCALE", "0", "model.depth_scale"),
    _like("XSA_LAST_N", "0", "model.xsa_layers", "at most all layers"),
    _same("BIGRAM_VOCAB_SIZE", "10240", "model.bigram_size"),
    _same("BIGRAM_DIM", "128", "model.bigram_dim"),
    _same("TRIGRAM_VOCAB_SIZE", "0", "model.trigram_size"),
    _same("TRIGRAM_DIM", "64", "model.trigram_dim"),
    _like("VALUE_EMBED_LAYERS", "0", "model.value_embed_layers", "at most all layers"),
    _same("VALUE_EMBED_DIM", "64", "model.value_embed_dim"),
    Variable("CONTROL_TENSOR_NAME_PATTERNS", "attn_scale, …", TEXT, remark="no effect: gains, gates and scales are known without a list"),
    # the optimisers
    _like("EMBED_LR", "0.6", "optim.embed_lr", "of an untied head"),
    _like("TIED_EMBED_LR", "0.03", "optim.embed_lr", "of a tied head"),
    _same("HEAD_LR", "0.008", "optim.head_lr", remark="no effect on a tied head"),
    _same("MATRIX_LR", "0.02", "optim.matrix_lr"),
    _same("SCALAR_LR", "0.02", "optim.scalar_lr", "optim.projection_lr"),
    _same("MUON_MOMENTUM", "0.99", "optim.momentum"),
    _same("MUON_MOMENTUM_WARMUP_START", "0.92", "optim.momentum_start"),
    _same("MUON_MOMENTUM_WARMUP_STEPS", "1500", "optim.momentum_warmup_steps"),
    _same("MUON_BACKEND_STEPS", "5", "optim.newton_schulz_steps"),
    _same("BETA1", "0.9", "optim.beta1"),
    _same("BETA2", "0.95", "optim.beta2"),
    _same("ADAM_EPS", "1e-8", "optim.adam_eps"),
    _same("WEIGHT_DECAY", "0.04", "optim.weight_decay", remark="gains, gates and scales are not decayed"),
    _same("GRAD_CLIP_NORM", "0.3", "optim.grad_clip"),
    # averages
    Variable("SWA_ENABLED", "1", FLAG, ("average.swa_below",), "refused beside EMA_ENABLED=1, whose average won"),
    _like("SWA_START_FRAC", "0.4", "average.swa_below", "where SWA is on"),
    _same("SWA_EVERY", "50", "average.swa_every"),
    Variable("EMA_ENABLED", "0", FLAG, ("average.ema_decay",)),
    _like("EMA_DECAY", "0.997", "average.ema_decay", "where EMA is on"),
    # quantisation
    Variable("QAT_ENABLED", "1", FLAG, ("qat.start", "qat.below_scale"), "0 is none, whatever the two below say"),
    _like("LATE_QAT_THRESHOLD", "0", "qat.below_scale", "0 is QAT from the first step; gives way to LATE_QAT_FRAC"),
    _like("LATE_QAT_FRAC", "0.0", "qat.start", "refused without a cap in seconds, or without a threshold above 0"),
    _same("MLP_QUANT_BITS", "5", "pack.mlp_int"),
    _same("ATTN_QAT_BITS", "6", "pack.attention_int"),
    Variable("FP16_KEEP_NAME_PATTERNS", "tok_emb, …", TEXT, remark="no effect: `pack` spends bits where they pay"),
    Variable(
        "COMPRESS", "zstd", COMPRESSOR, remark="no effect: the artifact is range coded, which is smaller; `pack` can compress instead"
    ),
    Variable("GPTQ_ENABLED", "0", FLAG, ("pack.method",)),
    # scores
    Variable("EVAL_STRIDE", "64", WHOLE, ("score.stride",), "0 or less, or more than a window, is a window"),
    Variable("EVAL_BATCH_SEQS", "32", POSITIVE, ("score.batch_tokens",), "in windows"),
    _same("TTT_ENABLED", "0", "ttt.enabled"),
    _same("TTT_LR", "0.002", "ttt.lr"),
    _same("TTT_EPOCHS", "3", "ttt.epochs"),
    _same("TTT_CHUNK_TOKENS", "32768", "ttt.chunk_tokens"),
    _same("TTT_FREEZE_BLOCKS", "0", "ttt.freeze_blocks"),
    _same("TTT_MOMENTUM", "0.9", "ttt.momentum"),
    _same("TTT_BATCH_SEQS", "32", "ttt.batch_sequences"),
    _same("TTT_GRAD_CLIP", "1.0", "ttt.grad_clip"),
    # around the run
    Variable("WANDB_ENABLED", "1", FLAG, ("train.wandb",), "off unless it is set to 1"),
    Variable("WANDB_PROJECT", "parameter-golf", TEXT, ("train.wandb",), "where WANDB_ENABLED=1"),
    Variable("RANK", "0", NATURAL, remark="set by torchrun"),
    Variable("WORLD_SIZE", "1", NATURAL, remark="set by torchrun"),
    Variable("LOCAL_RANK", "0", NATURAL, remark="set by torchrun"),
)

VARIABLES = {variable.name: variable for variable in _ALL}
