"""What ends a run early: losses and weights that are not finite, data that cannot be read. One line each, and nothing broken is kept."""

import os
import re
import signal
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file
from torch import Tensor

from bytegolf.errors import InputError
from bytegolf.model.weights import Weights
from bytegolf.text.shards import ShardWriter, TokenStream
from support.runs import constant, events, fit, micro, new_trainer

QAT_OFF = "qat.start=1.0"
EMA_OFF = "average.ema_decay=0.0"


@pytest.mark.parametrize("step", [1, 4, 30])
def test_a_loss_that_is_no_number_ends_the_run_and_is_named(tmp_path: Path, stream: TokenStream, step: int) -> None:
    trainer = new_trainer(tmp_path, micro(), stream)
    loss = trainer.learner.loss

    def failing(sequences: Tensor) -> Tensor:
        return loss(sequences) * (float("nan") if trainer.clock.step == step - 1 else 1.0)

    trainer.learner.loss = failing  # type: ignore[method-assign]
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

    trainer.learner.optimizers.step = exploding  # type: ignore[method-assign, assignment]
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

    trainer.learner.averages.update = exploding  # type: ignore[method-assign, assignment]
    with pytest.raises(
        InputError, match=r"expected finite weights, found NaN or infinity in .* at step 15; last good checkpoint: .*step-00000010"
    ):
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
