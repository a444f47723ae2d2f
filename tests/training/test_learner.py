"""The learner: micro-batches, precision, compilation, and the loss on a grid."""

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bytegolf.model.compiled import ModelFunctions
from bytegolf.model.gpt import GPT
from bytegolf.runtime.parallel import Group
from bytegolf.text.shards import TokenStream
from bytegolf.training.late_qat import QatPlan
from bytegolf.training.learner import Learner
from support.runs import BITS, constant, equal, fit, losses, micro, new_trainer, untimed
from support.training_reference import nats_per_token

QAT_OFF = "qat.start=1.0"


@pytest.mark.parametrize("micro_batch", [32, 64, 128, 256])
def test_accumulating_gradients_changes_nothing(tmp_path: Path, stream: TokenStream, micro_batch: int) -> None:
    overrides = ("train.max_steps=12", QAT_OFF)  # rounding would turn the last bit of a weight into a step of the grid
    fit(tmp_path / "whole", stream, *overrides)
    fit(tmp_path / "accumulated", stream, *overrides, f"train.micro_batch_tokens={micro_batch}")
    assert losses(tmp_path / "accumulated") == pytest.approx(losses(tmp_path / "whole"), abs=1e-5)


@pytest.mark.parametrize(("micro_batch", "size", "sizes"), [(0, 1, [8]), (128, 1, [4, 4]), (128, 2, [4]), (96, 2, [2, 2]), (0, 4, [2])])
def test_micro_batches_are_a_share_in_equal_parts(micro_batch: int, size: int, sizes: list[int]) -> None:
    """96 tokens are three sequences, of which two divide a share of four."""
    recipe = micro("train.batch_tokens=768" if micro_batch == 96 else "train.batch_tokens=256", f"train.micro_batch_tokens={micro_batch}")
    learner = Learner(recipe, GPT(recipe.model), QatPlan(BITS), Group(0, size))
    share = np.zeros((4 if micro_batch == 96 else 8 // size, 33), dtype=np.int64)
    assert [len(micro_batch) for micro_batch in learner.micro_batches(share)] == sizes


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
    assert float(nats_per_token(model(batch[:, :-1]), batch).detach()) == pytest.approx(exact, abs=1e-5)
    steps_apart = trainer.learner.weights["banks.up"][0].unique()
    assert len(steps_apart) > 2000


def test_bfloat16_computes_and_keeps_float32(tmp_path: Path, stream: TokenStream) -> None:
    """Weights, averages and momentum in bfloat16 would lose small changes."""
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

    def compile_nothing(function: Callable[..., Any], **_: object) -> Callable[..., Any]:
        compiled.append(function)
        return function

    monkeypatch.setattr(torch, "compile", compile_nothing)
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
