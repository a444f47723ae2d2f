"""The loop against a plain one, and what it promises of losses, logs and the clock."""

import math
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.func import functional_call

from bytegolf.model.gpt import GPT
from bytegolf.model.weights import Weights
from bytegolf.storage.run_folder import RunFolder
from bytegolf.text.batches import run_batches
from bytegolf.text.shards import TokenStream
from support.runs import Stopwatch, constant, equal, events, fit, losses, micro, new_trainer, untimed
from support.training_reference import PlainOptimizer, nats_per_token, sequences

QAT_OFF = "qat.start=1.0"
EMA_OFF = "average.ema_decay=0.0"


# --- against a plain loop


@pytest.mark.parametrize("micro_batch", [0, 32, 128])
def test_the_loop_is_the_plain_one(tmp_path: Path, stream: TokenStream, micro_batch: int) -> None:
    """Five steps: batches, loss, clipping, rates, momentum, Muon and AdamW, with nothing of `bytegolf.training` in the reference."""
    overrides = ("train.max_steps=5", "train.warmdown=0.6", "optim.momentum_warmup_steps=3", QAT_OFF, EMA_OFF)
    recipe = micro(*overrides)
    found = fit(tmp_path, stream, *overrides, f"train.micro_batch_tokens={micro_batch}")

    model = GPT(recipe.model)
    model.initialise(recipe.train.seed)
    weights = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    plain = PlainOptimizer(weights, recipe.optim)
    rows = sequences(stream[:], 32, count=5 * 8, seed=recipe.train.seed)
    expected_losses = []
    for step in range(5):
        batch = torch.from_numpy(np.stack(rows[8 * step : 8 * step + 8]))
        leaves = {name: weight.float().requires_grad_() for name, weight in weights.items()}
        loss = nats_per_token(functional_call(model, leaves, (batch[:, :-1],)), batch)
        gradients = dict(zip(leaves, torch.autograd.grad(loss, list(leaves.values())), strict=True))
        scale = min(1.0, (1 - step / 5) / 0.6)
        weights = {name: weight.detach().float() for name, weight in plain.step(gradients, step, scale).items()}
        expected_losses.append(float(loss.detach()))

    assert losses(tmp_path) == pytest.approx(expected_losses, abs=1e-5)
    for name, weight in weights.items():
        torch.testing.assert_close(found[name], weight, rtol=0, atol=1e-5, msg=f"{name}: {{}}".format)


def test_the_loss_falls(tmp_path: Path, stream: TokenStream) -> None:
    fit(tmp_path, stream)
    found = losses(tmp_path)
    assert len(found) == 30
    assert found[0] == pytest.approx(math.log(260), abs=0.05)
    assert np.mean(found[-5:]) < 0.6 * found[0]
    assert all(not math.isclose(loss, round(loss, 6), abs_tol=1e-9) for loss in found[:3]), "full precision"


def test_a_seed_is_a_run(tmp_path: Path, stream: TokenStream) -> None:
    first, again = fit(tmp_path / "a", stream), fit(tmp_path / "b", stream)
    assert equal(first, again) and untimed(tmp_path / "a") == untimed(tmp_path / "b")
    other = fit(tmp_path / "c", stream, "train.seed=2")
    assert not any(torch.equal(first[name], other[name]) for name in ("tokens", "banks.up", "bigram.table"))


def test_the_order_of_the_data_and_the_first_weights_both_follow_the_seed(tmp_path: Path, stream: TokenStream) -> None:
    def batches(seed: int) -> list[list[int]]:
        with run_batches(micro(f"train.seed={seed}"), stream) as source:
            return next(source).tolist()

    assert batches(1) == batches(1) != batches(2)
    first, second = (new_trainer(tmp_path, micro(f"train.seed={seed}"), stream).learner.weights for seed in (1, 2))
    assert not torch.equal(first["tokens"], second["tokens"])


# --- the log


def test_the_log(tmp_path: Path, stream: TokenStream) -> None:
    fit(tmp_path, stream, "train.log_every=7", "train.validate_every=10")
    kinds = [(event["event"], event["step"]) for event in events(tmp_path)]
    assert kinds == [
        ("step", 7), ("validate", 10), ("step", 14), ("qat", 18), ("validate", 20), ("step", 21), ("step", 28),
        ("step", 30), ("validate", 30), ("done", 30),
    ]  # fmt: skip
    for event in events(tmp_path, "step"):
        assert event["progress"] == (event["step"] - 1) / 30, "of the step's beginning, which its rate was taken from"
        assert event["lr_scale"] == pytest.approx(min(1.0, 2 * (31 - event["step"]) / 30))
        assert event["tokens_per_second"] > 0
    lines = RunFolder(tmp_path).text_log.read_text().splitlines()
    assert [line.split()[0] for line in lines] == [kind for kind, _ in kinds]


def test_a_timed_run_does_not_pay_for_validation(tmp_path: Path, stream: TokenStream, stopwatch: Stopwatch) -> None:
    """A step takes one second here, a validation a thousand."""

    def slow(weights: Weights, limit_bytes: int) -> dict[str, float]:
        stopwatch.now += 1000
        return constant(weights, limit_bytes)

    trainer = new_trainer(tmp_path, micro("train.max_steps=0", "train.max_seconds=12", "train.validate_every=5"), stream)
    trainer.fit(slow)
    assert (trainer.clock.step, trainer.clock.seconds) == (12, 12.0)
    steps = events(tmp_path, "step")
    assert [event["seconds"] for event in steps] == list(range(1, 13))
    assert [event["progress"] for event in steps] == [step / 12 for step in range(12)]
    assert [event["tokens_per_second"] for event in steps] == [256.0] * 12
    assert [event["step"] for event in events(tmp_path, "qat")] == [8]  # 8/12 is the first share of the time above 0.6


def test_speed_is_that_since_the_last_line(tmp_path: Path, stream: TokenStream, stopwatch: Stopwatch) -> None:
    """Cumulative step times would hide what happens late."""
    trainer = new_trainer(tmp_path, micro("train.max_steps=4", "train.log_every=2"), stream)
    loss = trainer.learner.loss

    def slower_later(sequences: Tensor) -> Tensor:
        stopwatch.now += 0 if trainer.clock.step < 2 else 9
        return loss(sequences)

    trainer.learner.loss = slower_later  # type: ignore[method-assign]
    trainer.fit(constant)
    assert [event["tokens_per_second"] for event in events(tmp_path, "step")] == [256.0, 25.6]


# --- what changes nothing


def test_validating_changes_nothing(tmp_path: Path, stream: TokenStream) -> None:
    seldom, often = fit(tmp_path / "a", stream), fit(tmp_path / "b", stream, "train.validate_every=1")
    assert equal(seldom, often) and losses(tmp_path / "a") == losses(tmp_path / "b")


def test_checkpoints_change_nothing(tmp_path: Path, stream: TokenStream) -> None:
    none, many = fit(tmp_path / "a", stream, "train.checkpoint_every=0"), fit(tmp_path / "b", stream, "train.checkpoint_every=1")
    assert equal(none, many) and untimed(tmp_path / "a") == untimed(tmp_path / "b")
    assert not (tmp_path / "a" / "checkpoints").exists()
    assert sorted(path.name for path in (tmp_path / "b" / "checkpoints").iterdir()) == ["step-00000028", "step-00000029"]


def test_a_run_on_another_thread(tmp_path: Path, stream: TokenStream) -> None:
    """Python lets only the main thread listen to signals."""
    found: list[Weights] = []
    thread = threading.Thread(target=lambda: found.append(fit(tmp_path / "a", stream)))
    thread.start()
    thread.join()
    assert equal(found[0], fit(tmp_path / "b", stream))


def test_a_run_that_has_ended_takes_no_step(tmp_path: Path, stream: TokenStream) -> None:
    trainer = new_trainer(tmp_path, micro(), stream)
    trainer.clock = replace(trainer.clock, step=30)
    before = {name: weight.clone() for name, weight in trainer.learner.weights.items()}
    assert equal(trainer.fit(constant), before)
