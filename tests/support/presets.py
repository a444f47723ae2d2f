"""The presets of the baseline: what its launcher set, what its scripts had otherwise, and how large the models are.

Written from the baseline's own launcher and scripts, in their names; nothing here is read from the package.
"""

from collections.abc import Callable
from typing import NamedTuple

Overrides = dict[str, str]

# Every setting of the scripts that a recipe has, by recipe key. All presets but the baseline's begin from these.
DEFAULTS: dict[str, object] = {
    "train.seed": 42, "train.max_steps": 20_000, "train.max_seconds": 600.0, "train.warmdown_steps": 3000,
    "train.batch_tokens": 786_432, "train.micro_batch_tokens": 98_304, "train.sequence_length": 2048, "train.init": "orthogonal",
    "train.validate_every": 500, "train.log_every": 100,
    "model.vocab_size": 1024, "model.num_layers": 10, "model.model_dim": 512, "model.num_heads": 8, "model.num_kv_heads": 4,
    "model.mlp_mult": 3.0, "model.mlp_leak": 0.5, "model.tie_embeddings": True, "model.embed_init_std": 0.005,
    "model.rope_base": 10_000.0, "model.rope_dims": 0, "model.qk_gain": 1.5, "model.logit_softcap": 30.0, "model.depth_scale": False,
    "model.residual_mix": True, "model.unet_skips": True, "model.smear_gate": True, "model.xsa_layers": 0,
    "model.bigram_size": 10_240, "model.bigram_dim": 128, "model.trigram_size": 0, "model.trigram_dim": 64,
    "model.value_embed_layers": 0, "model.value_embed_dim": 64, "model.isolate_documents": False,
    "optim.embed_lr": 0.03, "optim.head_lr": 0.008, "optim.matrix_lr": 0.02, "optim.scalar_lr": 0.02, "optim.projection_lr": 0.02,
    "optim.momentum": 0.99, "optim.momentum_start": 0.92, "optim.momentum_warmup_steps": 1500, "optim.newton_schulz_steps": 5,
    "optim.beta1": 0.9, "optim.beta2": 0.95, "optim.adam_eps": 1e-8, "optim.weight_decay": 0.04, "optim.matrix_weight_decay": 0.04,
    "optim.grad_clip": 0.3,
    "average.swa_below": 0.4, "average.swa_every": 50, "average.ema_decay": 0.0,
    "qat.start": 0.0, "qat.below_scale": 0.0,
    "score.window": 2048, "score.stride": 64,
    "ttt.enabled": False, "ttt.lr": 0.002, "ttt.epochs": 3, "ttt.chunk_tokens": 32_768, "ttt.freeze_blocks": 0, "ttt.momentum": 0.9,
    "ttt.batch_sequences": 32, "ttt.grad_clip": 1.0,
    "pack.budget": 16_000_000, "pack.method": "rate", "pack.mlp_int": 5, "pack.attention_int": 6,
    "pack.mlp_bits": 0.0, "pack.attention_bits": 0.0, "pack.embedding_bits": 0.0, "pack.table_bits": 0.0,
    "pack.calibration": "text",
}  # fmt: skip
# A third script, with defaults of its own.
BASELINE_DEFAULTS = DEFAULTS | {
    "train.seed": 1337, "train.warmdown_steps": 1200, "train.batch_tokens": 524_288, "train.micro_batch_tokens": 65_536,
    "train.sequence_length": 1024, "train.init": "uniform", "train.validate_every": 1000,
    "model.num_layers": 9, "model.mlp_mult": 2.0, "model.mlp_leak": 0.0, "model.smear_gate": False, "model.bigram_size": 0,
    "optim.embed_lr": 0.05, "optim.matrix_lr": 0.04, "optim.scalar_lr": 0.04, "optim.momentum": 0.95, "optim.momentum_start": 0.85,
    "optim.momentum_warmup_steps": 500, "optim.weight_decay": 0.0, "optim.matrix_weight_decay": 0.0, "optim.grad_clip": 0.0,
    "average.swa_below": 0.0, "qat.start": 1.0, "score.window": 1024, "score.stride": 1024, "pack.mlp_int": 8, "pack.attention_int": 8,
}  # fmt: skip

COPIED = {
    "SEED": "train.seed", "ITERATIONS": "train.max_steps", "MAX_WALLCLOCK_SECONDS": "train.max_seconds",
    "WARMDOWN_ITERS": "train.warmdown_steps", "TRAIN_SEQ_LEN": "train.sequence_length", "VAL_LOSS_EVERY": "train.validate_every",
    "NUM_LAYERS": "model.num_layers", "NUM_KV_HEADS": "model.num_kv_heads", "ROPE_DIMS": "model.rope_dims",
    "LN_SCALE": "model.depth_scale", "XSA_LAST_N": "model.xsa_layers", "BIGRAM_VOCAB_SIZE": "model.bigram_size",
    "BIGRAM_DIM": "model.bigram_dim", "TRIGRAM_VOCAB_SIZE": "model.trigram_size", "VALUE_EMBED_LAYERS": "model.value_embed_layers",
    "VALUE_EMBED_DIM": "model.value_embed_dim", "MLP_QUANT_BITS": "pack.mlp_int", "ATTN_QAT_BITS": "pack.attention_int",
    "TTT_ENABLED": "ttt.enabled",
}  # fmt: skip


def _said(text: str) -> Overrides:
    return dict(setting.split("=") for setting in text.split())


STEPS = _said("MAX_WALLCLOCK_SECONDS=0")
SEED = _said("SEED=1")
S3 = _said("NUM_LAYERS=12 MLP_QUANT_BITS=4 XSA_LAST_N=4 EMA_ENABLED=1 SWA_ENABLED=0 ROPE_DIMS=16 LN_SCALE=1")
Q = _said("LATE_QAT_THRESHOLD=0.9")
H = _said("LATE_QAT_FRAC=0.65 VAL_LOSS_EVERY=1000")
VE = _said("VALUE_EMBED_LAYERS=2 VALUE_EMBED_DIM=128")
TTT = _said("TTT_ENABLED=1")
S11 = (
    _said("NUM_LAYERS=11 MLP_QUANT_BITS=6 XSA_LAST_N=11 EMA_ENABLED=1 SWA_ENABLED=0 ROPE_DIMS=16 LN_SCALE=1")
    | Q
    | _said("BIGRAM_VOCAB_SIZE=3072 BIGRAM_DIM=112 COMPRESS=lzma WARMDOWN_ITERS=4000")
    | VE
)


class Preset(NamedTuple):
    """What the launcher set, how many parameters that makes, and when QAT was meant to begin: (progress, below which rate)."""

    said: Overrides
    parameters: int
    qat: tuple[float, float] = (0.0, 0.0)

    def keys(self, defaults: dict[str, object] = DEFAULTS) -> dict[str, object]:
        """The recipe that its author meant, by key."""
        values = dict(defaults)
        for name, text in self.said.items():
            if name in COPIED:
                key = COPIED[name]
                kind: Callable[[int | str], object] = type(defaults[key])
                values[key] = kind(int(text) if text.isdigit() else text)
        if self.said.get("EMA_ENABLED") == "1":
            values |= {"average.ema_decay": 0.997, "average.swa_below": 0.0}
        if self.said.get("GPTQ_ENABLED") == "1":
            values["pack.method"] = "gptq"
        if "TRAIN_SEQ_LEN" in self.said:
            values["score.window"] = int(self.said["TRAIN_SEQ_LEN"])
        values["qat.start"], values["qat.below_scale"] = self.qat
        return values


def _steps(count: int, text: str = "") -> Overrides:
    return STEPS | _said(f"ITERATIONS={count} {text}")


L10, L11, L12, L13 = 25_517_137, 27_878_489, 30_240_353, 32_601_705
L12_VE, L11_V11 = 30_404_196, 27_067_484
INT4_12 = "NUM_LAYERS=12 MLP_QUANT_BITS=4"
TIMED = (0.65, 0.0)  # LATE_QAT_FRAC; the threshold beside it had no effect

PRESETS = {
    "v2_quick": Preset(_steps(3000), L10),
    "v2_full": Preset(_steps(20_000), L10),
    "v2_h100": Preset(SEED | _said(INT4_12), L12),
    "11l": Preset(_steps(3000, "NUM_LAYERS=11"), L11),
    "12l": Preset(_steps(3000, "NUM_LAYERS=12"), L12),
    "seq4096": Preset(_steps(3000, "TRAIN_SEQ_LEN=4096"), L10),
    "kv2": Preset(_steps(3000, "NUM_KV_HEADS=2"), 24_206_417),
    "bigram20k": Preset(_steps(3000, "BIGRAM_VOCAB_SIZE=20480"), 26_827_857),
    "noqat": Preset(_steps(3000, "QAT_ENABLED=0"), L10, (1.0, 0.0)),
    "11l_kv2_b6k": Preset(_steps(1500, "NUM_LAYERS=11 NUM_KV_HEADS=2 BIGRAM_VOCAB_SIZE=6144"), 25_912_409),
    "12l_int4": Preset(_steps(1500, INT4_12), L12),
    "12l_int4_b9k": Preset(_steps(1500, f"{INT4_12} BIGRAM_VOCAB_SIZE=9216"), 30_109_281),
    "12l_int4_bqat": Preset(_steps(1500, INT4_12), L12),
    "proxy_12l_bqat": Preset(_steps(10_500, INT4_12), L12),
    "proxy_10l": Preset(_steps(10_500), L10),
    "12l_bqat_trig": Preset(_steps(1500, f"{INT4_12} TRIGRAM_VOCAB_SIZE=512"), 30_305_890),
    "proxy_12l_bqat_trig": Preset(_steps(10_500, f"{INT4_12} TRIGRAM_VOCAB_SIZE=512"), 30_305_890),
    "13l_int4": Preset(_steps(1500, "NUM_LAYERS=13 MLP_QUANT_BITS=4"), L13),
    "v3_abl": Preset(_steps(1500) | S3, L12),
    "abl_emfix": Preset(_steps(1500, "LATE_QAT_THRESHOLD=0.4 TTT_ENABLED=0") | S3, L12, (1.0, 0.4)),
    "abl_ve": Preset(_steps(1500, "LATE_QAT_THRESHOLD=0.4 VALUE_EMBED_LAYERS=3") | S3, L12 + 1024 * 64 + 64 * 256 + 1 + 3, (1.0, 0.4)),
    "proxy_v3": Preset(_steps(10_500, "LATE_QAT_THRESHOLD=0.15 TTT_ENABLED=1") | S3, L12, (1.0, 0.15)),
    "proxy_v4": Preset(_steps(10_500) | S3 | Q | TTT, L12, (1.0, 0.9)),
    "v3_h100": Preset(SEED | S3 | _said("LATE_QAT_THRESHOLD=0.15") | TTT, L12, (1.0, 0.15)),
    "v4_h100": Preset(SEED | S3 | Q | TTT | H, L12, TIMED),
    "proxy_v5_rownorm": Preset(SEED | STEPS | S3 | Q | TTT | _said("VAL_LOSS_EVERY=500"), L12, (1.0, 0.9)),
    "v7_ve": Preset(SEED | S3 | Q | TTT | H | VE, L12_VE, TIMED),
    "v7_ve_small": Preset(SEED | S3 | Q | TTT | H | _said("VALUE_EMBED_LAYERS=1 VALUE_EMBED_DIM=64"), 30_322_275, TIMED),
    "v8_static": Preset(SEED | S3 | Q | TTT | H | VE, L12_VE, TIMED),
    "v9_13l_int4attn": Preset(SEED | S3 | _said("NUM_LAYERS=13 ATTN_QAT_BITS=4") | Q | TTT | H | VE, 32_765_548, TIMED),
    "v10_banked": Preset(SEED | S3 | Q | TTT | H | VE, L12_VE, TIMED),
    "v10_banked_proxy": Preset(SEED | _steps(300, "VAL_LOSS_EVERY=100 TTT_ENABLED=0") | S3 | Q | VE, L12_VE, (1.0, 0.9)),
    "v11_proxy": Preset(SEED | _steps(500, "VAL_LOSS_EVERY=100 TTT_ENABLED=0") | S11, L11_V11, (1.0, 0.9)),
    "v11_int6_xsaall": Preset(SEED | S11 | H | TTT, L11_V11, TIMED),
    "v11_gptq": Preset(SEED | S11 | H | _said("TTT_ENABLED=0 GPTQ_ENABLED=1"), L11_V11, TIMED),
    "v11_banked": Preset(SEED | S11 | H | TTT, L11_V11, TIMED),
}
BASELINES = {
    "baseline": Preset({}, 17_059_912, (1.0, 0.0)),
    "baseline_full": Preset(_steps(3000), 17_059_912, (1.0, 0.0)),
}
