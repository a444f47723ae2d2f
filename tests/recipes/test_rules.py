"""What variables decide together, and contradictions, which are refused instead of silently doing nothing."""

import pytest

from support.environments import changed, refusal
from support.presets import STEPS, Q


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
