"""The loop against a plain one, and what it promises of losses, logs, validation and the clock."""

import math
import os
import re
import signal
import threading
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.func import functional_call

from bytegolf.errors import InputError
from bytegolf.model.compiled import ModelFunctions
from bytegolf.model.gpt import GPT
from bytegolf.model.weights import Weights
from bytegolf.runtime.parallel import Group
from bytegolf.storage.run_folder import RunFolder
from bytegolf.text.batches import run_batches
from bytegolf.text.shards import ShardWriter, TokenStream
from bytegolf.training.learner import Learner
from bytegolf.training.loop import Trainer
from support.runs import BITS, Stopwatch, constant, equal, events, fit, micro, new_trainer, untimed
from support.training_reference import PlainOptimizer, nats_per_token, sequences

QAT_OFF = "qat.start=1.0"
EMA_OFF = "average.ema_decay=0.0"


def losses(root: Path) -> list[float]:
    return [event["loss"] for event in events(root, "step")]


# --- against a plain loop


@pytest.mark.parametrize("micro_batch", [0, 32, 128])
def test_the_loop_is_the_plain_one(tmp_path: Path, stream: TokenStream, micro_batch: int) -> None:
    """Five steps: batches, loss, clipping, rates, momentum, Muon and AdamW, with nothing of `bytegolf.train` in the reference."""
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
        loss = nats_per_token(lambda tokens, leaves=leaves: functional_call(model, leaves, (tokens,)), batch)
        gradients = dict(zip(leaves, torch.autograd.grad(loss, list(leaves.values())), strict=True))
        scale = min(1.0, (1 - step / 5) / 0.6)
        weights = {name: weight.detach().float() for name, weight in plain.step(gradients, step, scale).items()}
        expected_losses.append(float(loss.detach()))

    assert losses(tmp_path) == pytest.approx(expected_losses, abs=1e-5)
    for name, weight in weights.items():
        torch.testing.assert_close(found[name], weight, rtol=0, atol=1e-5, msg=lambda text, name=name: f"{name}: {text}")


def test_the_loss_falls(tmp_path: Path, stream: TokenStream) -> None:
    fit(tmp_path, stream)
    found = losses(tmp_path)
    assert len(found) == 30
    assert found[0] == pytest.approx(math.log(260), abs=0.05)
    assert np.mean(found[-5:]) < 0.6 * found[0]
    assert all(not math.isclose(loss, round(loss, 6), abs_tol=1e-9) for loss in found[:3]), "full precision"


@pytest.mark.parametrize("micro_batch", [32, 64, 128, 256])
def test_accumulating_gradients_changes_nothing(tmp_path: Path, stream: TokenStream, micro_batch: int) -> None:
    overrides = ("train.max_steps=12", QAT_OFF)  # rounding would turn the last bit of a weight into a step of the grid
    fit(tmp_path / "whole", stream, *overrides)
    fit(tmp_path / "parts", stream, *overrides, f"train.micro_batch_tokens={micro_batch}")
    assert losses(tmp_path / "parts") == pytest.approx(losses(tmp_path / "whole"), abs=1e-5)


@pytest.mark.parametrize(("micro_batch", "size", "parts"), [(0, 1, [8]), (128, 1, [4, 4]), (128, 2, [4]), (96, 2, [2, 2]), (0, 4, [2])])
def test_micro_batches_are_a_share_in_equal_parts(micro_batch: int, size: int, parts: list[int]) -> None:
    """96 tokens are three sequences, of which two divide a share of four."""
    recipe = micro("train.batch_tokens=768" if micro_batch == 96 else "train.batch_tokens=256", f"train.micro_batch_tokens={micro_batch}")
    learner = Learner(recipe, GPT(recipe.model), BITS, Group(0, size))
    share = np.zeros((4 if micro_batch == 96 else 8 // size, 33), dtype=np.int64)
    assert [len(part) for part in learner.micro_batches(share)] == parts


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
    """Defect A9. A step takes one second here, a validation a thousand."""

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
    """Defect B2: cumulative step times hide what happens late."""
    trainer = new_trainer(tmp_path, micro("train.max_steps=4", "train.log_every=2"), stream)
    take = trainer.learner.gradients

    def slower_later(tokens: np.ndarray) -> Tensor:
        stopwatch.now += 0 if trainer.clock.step < 2 else 9
        return take(tokens)

    trainer.learner.gradients = slower_later  # type: ignore[method-assign]
    trainer.fit(constant)
    assert [event["tokens_per_second"] for event in events(tmp_path, "step")] == [256.0, 25.6]


# --- validation, averages, late QAT


def record_weights(trainer: Trainer) -> list[Weights]:
    """Copies of the live weights after each step."""
    seen: list[Weights] = []
    update = trainer.learner.averages.update

    def recording(weights: Weights, step: int, scale: float) -> None:
        seen.append({name: weight.clone() for name, weight in weights.items()})
        update(weights, step, scale)

    trainer.learner.averages.update = recording  # type: ignore[method-assign]
    return seen


def test_validation_sees_live_weights_and_at_the_end_the_average(tmp_path: Path, stream: TokenStream) -> None:
    """On a part of the text during training, on all of it at the end."""
    validated: list[Weights] = []
    limits: list[int] = []

    def validate(weights: Weights, limit_bytes: int) -> dict[str, float]:
        validated.append({name: weight.clone() for name, weight in weights.items()})
        limits.append(limit_bytes)
        return {"bpb": float(len(validated))}

    trainer = new_trainer(tmp_path, micro("train.validate_every=8", "train.validate_bytes=500", QAT_OFF), stream)
    live = record_weights(trainer)
    final = trainer.fit(validate)
    assert [(event["step"], event["bpb"]) for event in events(tmp_path, "validate")] == [(8, 1.0), (16, 2.0), (24, 3.0), (30, 4.0)]
    assert [equal(weights, live[step - 1]) for weights, step in zip(validated[:3], (8, 16, 24), strict=True)] == [True] * 3
    assert equal(validated[3], final) and not equal(final, live[-1])
    assert limits == [500, 500, 500, 0]


def test_validating_changes_nothing(tmp_path: Path, stream: TokenStream) -> None:
    seldom, often = fit(tmp_path / "a", stream), fit(tmp_path / "b", stream, "train.validate_every=1")
    assert equal(seldom, often) and losses(tmp_path / "a") == losses(tmp_path / "b")


def test_checkpoints_change_nothing(tmp_path: Path, stream: TokenStream) -> None:
    none, many = fit(tmp_path / "a", stream, "train.checkpoint_every=0"), fit(tmp_path / "b", stream, "train.checkpoint_every=1")
    assert equal(none, many) and untimed(tmp_path / "a") == untimed(tmp_path / "b")
    assert not (tmp_path / "a" / "checkpoints").exists()
    assert sorted(path.name for path in (tmp_path / "b" / "checkpoints").iterdir()) == ["step-00000028", "step-00000029"]


def plain_ema(history: list[Weights], decay: float) -> Weights:
    average = {name: weight.double() for name, weight in history[0].items()}
    for weights in history[1:]:
        average = {name: decay * average[name] + (1 - decay) * weights[name].double() for name in average}
    return average


@pytest.mark.parametrize(("start", "first"), [(0.0, 0), (0.5, 15), (0.51, 16), (0.99, 30), (1.0, 30)])
def test_late_qat_begins_in_time_and_the_average_with_it(tmp_path: Path, stream: TokenStream, start: float, first: int) -> None:
    trainer = new_trainer(tmp_path, micro(f"qat.start={start}"), stream)
    live = record_weights(trainer)
    rounded: list[bool] = []
    loss = trainer.learner.loss

    def watching(sequences: Tensor) -> Tensor:
        rounded.append(trainer.learner.rounds_weights)
        return loss(sequences)

    trainer.learner.loss = watching
    final = trainer.fit(constant)
    assert rounded == [step >= first for step in range(30)]
    assert [(event["step"], event["bits"]) for event in events(tmp_path, "qat")] == ([(first, BITS)] if first < 30 else [])
    since = live[first:] if first < 30 else live
    for name, expected in plain_ema(since, 0.9).items():
        torch.testing.assert_close(final[name].double(), expected, rtol=0, atol=1e-6)


def test_fake_quantisation_reaches_the_loss_and_not_the_weights(tmp_path: Path, stream: TokenStream) -> None:
    """The loss is that of rounded weights; the weights themselves stay off the grid."""
    trainer = new_trainer(tmp_path, micro(), stream)
    trainer.fit(constant)
    batch = torch.from_numpy(stream[:330].astype(np.int64).reshape(10, 33))
    with torch.no_grad():
        rounded = float(trainer.learner.loss(batch))
        trainer.learner.grid = None
        exact = float(trainer.learner.loss(batch))
    assert exact != rounded and abs(exact - rounded) < 0.2
    model = GPT(micro().model)
    model.load_state_dict(trainer.learner.weights)
    assert float(nats_per_token(model, batch).detach()) == pytest.approx(exact, abs=1e-5)
    steps_apart = trainer.learner.weights["banks.up"][0].unique()
    assert len(steps_apart) > 2000


def test_swa_is_the_mean_of_the_last_weights(tmp_path: Path, stream: TokenStream) -> None:
    trainer = new_trainer(tmp_path, micro(EMA_OFF, QAT_OFF, "average.swa_below=0.5", "average.swa_every=2"), stream)
    live = record_weights(trainer)
    final = trainer.fit(constant)
    # the multiplier falls below a half after 23 steps: the weights after steps 24, 26, 28 and 30
    for name, found in final.items():
        mean = torch.stack([live[step - 1][name] for step in (24, 26, 28, 30)]).double().mean(dim=0)
        torch.testing.assert_close(found.double(), mean, rtol=0, atol=1e-6)


# --- precision, compilation, threads


def test_bfloat16_computes_and_keeps_float32(tmp_path: Path, stream: TokenStream) -> None:
    """Defect A6."""
    trainer = new_trainer(tmp_path, micro("train.dtype=bfloat16", "train.max_steps=21", "train.checkpoint_every=20"), stream)
    final = trainer.fit(constant)
    kept = [*final.values(), *trainer.learner.weights.values(), *trainer.learner.averages.ema.values()]
    kept += [
        value for optimizer in trainer.learner.optimizers.all.values() for state in optimizer.state.values() for value in state.values()
    ]
    assert {value.dtype for value in kept} == {torch.float32}
    assert losses(tmp_path)[-1] < 0.7 * losses(tmp_path)[0]


def test_warming_up_leaves_no_trace(tmp_path: Path, stream: TokenStream, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = fit(tmp_path / "a", stream)
    compiled: list[object] = []
    monkeypatch.setattr(torch, "compile", lambda function, **_: compiled.append(function) or function)
    warmed = fit(tmp_path / "b", stream, "train.compile=true")
    assert len(compiled) == len(fields(ModelFunctions)) and equal(plain, warmed) and untimed(tmp_path / "a") == untimed(tmp_path / "b")


def test_without_a_compiler_training_goes_on(
    tmp_path: Path, stream: TokenStream, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = fit(tmp_path / "a", stream)

    def refused(*_: object) -> object:
        raise RuntimeError("no working C++ compiler found\nand a long story")

    monkeypatch.setattr(torch, "compile", lambda function, **_: refused)
    assert equal(plain, fit(tmp_path / "b", stream, "train.compile=true"))
    assert "compile: not possible here, training goes on without (no working C++ compiler found)\n" in capsys.readouterr().err


def test_a_run_on_another_thread(tmp_path: Path, stream: TokenStream) -> None:
    """Python lets only the main thread listen to signals."""
    found: list[Weights] = []
    thread = threading.Thread(target=lambda: found.append(fit(tmp_path / "a", stream)))
    thread.start()
    thread.join()
    assert equal(found[0], fit(tmp_path / "b", stream))


# --- what ends a run early


@pytest.mark.parametrize("step", [1, 4, 30])
def test_a_loss_that_is_no_number_ends_the_run_and_is_named(tmp_path: Path, stream: TokenStream, step: int) -> None:
    trainer = new_trainer(tmp_path, micro(), stream)
    loss = trainer.learner.loss

    def failing(sequences: Tensor) -> Tensor:
        return loss(sequences) * (float("nan") if trainer.clock.step == step - 1 else 1.0)

    trainer.learner.loss = failing
    kept = {1: "none", 4: "none", 30: tmp_path / "checkpoints" / "step-00000020"}[step]
    with pytest.raises(InputError, match=rf"a finite loss, found nan at step {step}; last good checkpoint: {kept}; try lower"):
        trainer.fit(constant)
    assert [event["step"] for event in events(tmp_path, "step")] == list(range(1, step))
    saved = [path.name for path in sorted((tmp_path / "checkpoints").glob("*"))]
    assert saved == {1: [], 4: [], 30: ["step-00000010", "step-00000020"]}[step], "no checkpoint of broken weights"


@pytest.mark.parametrize("step", [10, 15, 30])  # at a checkpoint, a validation, the end
def test_weights_that_are_no_numbers_are_neither_scored_nor_kept(tmp_path: Path, stream: TokenStream, step: int) -> None:
    """The loss of a step is that of the weights before it."""
    trainer = new_trainer(tmp_path, micro("train.validate_every=15", EMA_OFF, QAT_OFF), stream)
    move = trainer.learner.optimizers.step

    def exploding(number: int, scale: float) -> None:
        move(number, scale)
        if number == step - 1:
            trainer.learner.weights["banks.up"][0, 0, 0] = float("inf")

    trainer.learner.optimizers.step = exploding  # type: ignore[method-assign]
    with pytest.raises(InputError, match=rf"diverged: expected finite weights, found .*banks\.up at step {step}"):
        trainer.fit(constant)
    assert all(event["step"] < step for event in events(tmp_path, "validate"))
    assert all(int(path.name.removeprefix("step-")) < step for path in (tmp_path / "checkpoints").glob("*"))


@pytest.mark.parametrize("rate", ["matrix_lr", "embed_lr"])  # the loss shows it first, the weights do
def test_a_learning_rate_that_explodes(tmp_path: Path, stream: TokenStream, rate: str) -> None:
    """One line with the step and where to go back to, all that is on disk finite, and the same again on resuming."""
    exploding = (f"optim.{rate}=1e5", "train.checkpoint_every=1", "train.warmdown=0.0", QAT_OFF)
    with pytest.raises(InputError, match="diverged") as first:
        fit(tmp_path, stream, *exploding)
    found = re.search(r"at step (\d+); last good checkpoint: (.*); try", str(first.value))
    assert found is not None
    step, newest = int(found[1]), Path(found[2])
    assert newest.name == f"step-{step - 1:08d}" and step > 1
    for path in newest.parent.glob("*/tensors.safetensors"):
        assert all(tensor.isfinite().all() for tensor in load_file(path).values())
    with pytest.raises(InputError) as again:
        fit(tmp_path, stream, *exploding)
    assert str(again.value) == str(first.value)


@pytest.mark.parametrize("part", ["weights", "average", "moments"])
def test_an_interrupted_run_keeps_no_infinities_either(tmp_path: Path, stream: TokenStream, part: str) -> None:
    """The loss of the step was finite still. Moments may overflow without the weights showing it: they only stand still."""
    trainer = new_trainer(tmp_path, micro(QAT_OFF), stream)
    move = trainer.learner.averages.update

    def exploding(weights: Weights, step: int, scale: float) -> None:
        move(weights, step, scale)
        if step == 15:
            moments = next(iter(trainer.learner.optimizers.adam.state.values()))["exp_avg_sq"]
            hit = {"weights": trainer.learner.weights["tokens"], "average": trainer.learner.averages.ema["tokens"]}
            hit.get(part, moments).view(-1)[0] = float("inf")
            os.kill(os.getpid(), signal.SIGTERM)

    trainer.learner.averages.update = exploding  # type: ignore[method-assign]
    with pytest.raises(InputError, match=r"expected finite weights, found others in .* at step 15; last good checkpoint: .*step-00000010"):
        trainer.fit(constant)
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["step-00000010"]


def test_tokens_outside_the_vocabulary_end_the_run(tmp_path: Path) -> None:
    with ShardWriter(tmp_path, "train") as writer:
        writer.write(np.full(4096, 300))
    with pytest.raises(InputError, match=r"expected ids below model\.vocab_size 260, found 300"):
        fit(tmp_path / "run", TokenStream([tmp_path / "train_000000.bin"]))


def test_too_little_text(tmp_path: Path) -> None:
    with ShardWriter(tmp_path, "train") as writer:
        writer.write(np.full(32, 5))
    with pytest.raises(InputError, match="sequence_length: expected at most 31 for 32 training tokens, found 32"):
        fit(tmp_path / "run", TokenStream([tmp_path / "train_000000.bin"]))


def test_a_run_that_has_ended_takes_no_step(tmp_path: Path, stream: TokenStream) -> None:
    trainer = new_trainer(tmp_path, micro(), stream)
    trainer.clock = replace(trainer.clock, step=30)
    before = {name: weight.clone() for name, weight in trainer.learner.weights.items()}
    assert equal(trainer.fit(constant), before)
