"""Translate variables of the baseline that only together decide a recipe key.

Each rule takes the given variables, and the recipe for the rest, and returns the keys it decides. A rule applies only
if at least one of its variables is given.
"""

from collections.abc import Callable
from typing import TypeVar, cast

from bytegolf.config import Recipe
from bytegolf.errors import InputError
from bytegolf.recipes.variables import VARIABLES, Value

T = TypeVar("T", bound=Value)
Given = dict[str, Value]
Keys = dict[str, Value]


def ruled(given: Given, base: Recipe) -> Keys:
    """Return the recipe keys that variables decide together. Raises InputError for contradictions."""
    keys: Keys = {}
    for names, rule in RULES.items():
        if not given.keys().isdisjoint(names):
            keys |= rule(given, base)
    return keys


def _or(given: Given, name: str, otherwise: T) -> T:
    return cast(T, given.get(name, otherwise))


def _default(name: str) -> float:
    return float(VARIABLES[name].default)


def _clock(given: Given, base: Recipe) -> Keys:
    return {"train.max_seconds": max(0.0, _or(given, "MAX_WALLCLOCK_SECONDS", base.train.max_seconds))}


def _warmdown(given: Given, base: Recipe) -> Keys:
    steps = max(0, _or(given, "WARMDOWN_ITERS", 0))
    return {"train.warmdown_steps": steps, "train.warmdown": base.train.warmdown if steps else 0.0}


def _batch(given: Given, base: Recipe) -> Keys:
    """Split the batch into eight forward passes, as the baseline does whatever the number of processes."""
    tokens = _or(given, "TRAIN_BATCH_TOKENS", base.train.batch_tokens)
    length = _or(given, "TRAIN_SEQ_LEN", base.train.sequence_length)
    return {"train.micro_batch_tokens": 0 if tokens % (8 * length) else tokens // 8}


def _windows(given: Given, base: Recipe) -> Keys:
    window = _or(given, "TRAIN_SEQ_LEN", base.score.window)
    stride = _or(given, "EVAL_STRIDE", base.score.stride)
    sequences = _or(given, "EVAL_BATCH_SEQS", 0)
    return {
        "score.stride": stride if 0 < stride < window else window,
        "score.batch_tokens": sequences * window or base.score.batch_tokens,
    }


def _last_layers(given: Given, base: Recipe) -> Keys:
    layers = _or(given, "NUM_LAYERS", base.model.num_layers)
    return {
        "model.xsa_layers": min(layers, _or(given, "XSA_LAST_N", base.model.xsa_layers)),
        "model.value_embed_layers": min(layers, _or(given, "VALUE_EMBED_LAYERS", base.model.value_embed_layers)),
    }


def _embedding_rate(given: Given, base: Recipe) -> Keys:
    """Choose between the two rates that the baseline has for a tied and an untied token embedding."""
    tied = _or(given, "TIE_EMBEDDINGS", base.model.tie_embeddings)
    name = "TIED_EMBED_LR" if tied else "EMBED_LR"
    return {"optim.embed_lr": _or(given, name, base.optim.embed_lr if tied == base.model.tie_embeddings else _default(name))}


def _averages(given: Given, base: Recipe) -> Keys:
    average = base.average
    ema, swa = _or(given, "EMA_ENABLED", average.ema_decay > 0), _or(given, "SWA_ENABLED", average.swa_below > 0)
    if ema and given.get("SWA_ENABLED"):
        raise InputError("SWA_ENABLED: expected 0 beside EMA_ENABLED=1, whose average the baseline took over that of SWA, found 1")
    decay = _or(given, "EMA_DECAY", average.ema_decay or _default("EMA_DECAY"))
    below = _or(given, "SWA_START_FRAC", average.swa_below or _default("SWA_START_FRAC"))
    return {"average.ema_decay": decay if ema else 0.0, "average.swa_below": below if swa and not ema else 0.0}


def _fake_quantisation(given: Given, base: Recipe) -> Keys:
    """Decide when fake quantisation starts: at a share of the time, below a learning rate, or at the first step.

    Raises InputError for a share of the time that could not take effect: one without a time limit, or one without a
    threshold, which in the baseline means fake quantisation from the start.
    """
    qat = base.qat
    if not _or(given, "QAT_ENABLED", qat.start < 1 or qat.below_scale > 0):
        return {"qat.start": 1.0, "qat.below_scale": 0.0}
    threshold = _or(given, "LATE_QAT_THRESHOLD", qat.below_scale)
    share = _or(given, "LATE_QAT_FRAC", qat.start if qat.start < 1 else 0.0)
    if given.get("LATE_QAT_FRAC"):
        if not _clock(given, base)["train.max_seconds"]:
            raise InputError(f"LATE_QAT_FRAC: expected MAX_WALLCLOCK_SECONDS above 0, which it is a share of, found {share} of 0")
        if not threshold and not qat.start:
            raise InputError(f"LATE_QAT_FRAC: expected LATE_QAT_THRESHOLD above 0 beside {share}, found 0, which is QAT from the start")
    if share:
        return {"qat.start": share, "qat.below_scale": 0.0}
    return {"qat.start": 1.0 if threshold else 0.0, "qat.below_scale": threshold}


def _packing(given: Given, base: Recipe) -> Keys:
    return {"pack.method": "gptq" if given["GPTQ_ENABLED"] else "rate"}


def _tracker(given: Given, base: Recipe) -> Keys:
    """Report to Weights & Biases only if asked to; the baseline did so over the network unless told not to."""
    project = _or(given, "WANDB_PROJECT", base.train.wandb or VARIABLES["WANDB_PROJECT"].default)
    return {"train.wandb": project if _or(given, "WANDB_ENABLED", base.train.wandb != "") else ""}


RULES: dict[tuple[str, ...], Callable[[Given, Recipe], Keys]] = {
    ("MAX_WALLCLOCK_SECONDS",): _clock,
    ("WARMDOWN_ITERS",): _warmdown,
    ("TRAIN_BATCH_TOKENS", "TRAIN_SEQ_LEN"): _batch,
    ("TRAIN_SEQ_LEN", "EVAL_STRIDE", "EVAL_BATCH_SEQS"): _windows,
    ("NUM_LAYERS", "XSA_LAST_N", "VALUE_EMBED_LAYERS"): _last_layers,
    ("TIE_EMBEDDINGS", "TIED_EMBED_LR", "EMBED_LR"): _embedding_rate,
    ("SWA_ENABLED", "SWA_START_FRAC", "EMA_ENABLED", "EMA_DECAY"): _averages,
    ("QAT_ENABLED", "LATE_QAT_THRESHOLD", "LATE_QAT_FRAC"): _fake_quantisation,
    ("GPTQ_ENABLED",): _packing,
    ("WANDB_ENABLED", "WANDB_PROJECT"): _tracker,
}
