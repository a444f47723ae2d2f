"""Twenty steps of the trainer against twenty steps of a plain loop that shares nothing with it (`plain_run.py`)."""

from pathlib import Path

import numpy as np
import pytest
import torch

from bytegolf.model.gpt import GPT
from bytegolf.model.weights import Bits, Weights
from bytegolf.text.shards import ShardWriter, TokenStream
from support.plain_run import plain_run
from support.runs import constant, events, micro, new_trainer

# Coarse, so that rounding moves the loss by hundredths; late, so that little comes of the odd weight that lies between two
# points of the grid and, for the last bit of a float32, falls to the other side than it does in float64.
BITS: Bits = {"mlp": 2.5, "attention": 3.0, "embedding": 4.0, "table": 2.5, "projection": 3.0}
TOLERANCE, AFTER_ROUNDING = 1e-5, 1e-3

EVERY_SWITCH = (
    "train.max_steps=20", "train.sequence_length=12", "train.batch_tokens=48", "train.warmdown=0.7", "optim.momentum_warmup_steps=9",
    "model.num_layers=3", "model.model_dim=24", "model.rope_dims=6", "model.depth_scale=true", "model.isolate_documents=true",
    "model.trigram_size=53", "model.trigram_dim=10", "model.value_embed_layers=2", "model.xsa_layers=2", "model.embed_init_std=0.1",
)  # fmt: skip

RUNS = {
    "late QAT and EMA": ("qat.start=0.8", "average.ema_decay=0.8"),
    "late QAT and SWA": ("qat.start=0.7", "average.ema_decay=0.0", "average.swa_below=0.8", "average.swa_every=2"),
    "parts of batches, untied head, a loop, no averages": (
        "model.loop_first=1", "model.loop_blocks=1", "model.loops=2",
        "train.micro_batch_tokens=12", "model.tie_embeddings=false", "qat.start=1.0", "average.ema_decay=0.0", "optim.grad_clip=0.0"
    ),
}  # fmt: skip


def short_documents(folder: Path) -> TokenStream:
    """A start every seven tokens or so, and few enough words that something can be learnt of them."""
    tokens = np.arange(2000) ** 2 % 97 % 23 + 40
    tokens[::7] = 1
    with ShardWriter(folder, "train") as writer:
        writer.write(tokens.astype(np.uint16))
    return TokenStream(sorted(folder.glob("train_*.bin")))


@pytest.mark.parametrize("case", RUNS)
def test_a_whole_run_is_the_plain_one(tmp_path: Path, case: str) -> None:
    """Every loss, the weights after the last step, and their average."""
    recipe, stream = micro(*EVERY_SWITCH, *RUNS[case]), short_documents(tmp_path)
    trainer = new_trainer(tmp_path / "run", recipe, stream, bits=BITS)
    expected = plain_run(trainer.learner.weights, recipe, stream[:], BITS)
    final = trainer.fit(constant)

    losses = [event["loss"] for event in events(tmp_path / "run", "step")]
    exact = recipe.train.max_steps if expected.qat_step is None else expected.qat_step
    assert [event["step"] for event in events(tmp_path / "run", "qat")] == ([] if expected.qat_step is None else [exact])
    assert losses[:exact] == pytest.approx(expected.losses[:exact], abs=TOLERANCE)
    assert losses[exact:] == pytest.approx(expected.losses[exact:], abs=AFTER_ROUNDING)
    assert losses[-1] < 0.7 * losses[0], "twenty steps from the start, not twenty at the start"
    tolerance = 10 * TOLERANCE if expected.qat_step is None else AFTER_ROUNDING
    assert_same(trainer.learner.weights, expected.weights, tolerance)
    assert_same(final, expected.final, tolerance)


def assert_same(found: Weights, expected: Weights, tolerance: float) -> None:
    for name, weight in expected.items():
        torch.testing.assert_close(found[name].double(), weight, rtol=0, atol=tolerance, msg=f"{name}: {{}}".format)


def test_the_plain_run_rounds_late_and_by_much() -> None:
    """What the comparison above can tell apart."""
    recipe, tokens = micro(*EVERY_SWITCH, *RUNS["late QAT and EMA"], "train.max_steps=5"), np.arange(2000) % 50 + 4
    model = GPT(recipe.model)
    model.initialise(1)
    weights = dict(model.named_parameters())
    rounded, never = (plain_run(weights, recipe, tokens, bits) for bits in (BITS, {}))
    assert rounded.qat_step == 4 and rounded.losses[:4] == never.losses[:4]
    assert abs(rounded.losses[4] - never.losses[4]) > 5 * AFTER_ROUNDING
