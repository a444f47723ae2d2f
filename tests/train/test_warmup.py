"""Warm-up steps are real steps that leave nothing behind."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from bytegolf.model.gpt import GPT
from bytegolf.text.shards import TokenStream
from bytegolf.train.learner import Learner
from bytegolf.train.warmup import warm_up

from .cases import BITS, equal, fit, micro, untimed


def trained(steps: int, *overrides: str) -> Learner:
    recipe = micro("average.swa_below=1.0", "average.swa_every=1", *overrides)
    model = GPT(recipe.model)
    model.initialise(1)
    learner = Learner(recipe, model, BITS)
    draw = torch.Generator().manual_seed(2)
    for step in range(steps):
        learner.step(torch.randint(260, (8, 33), generator=draw).numpy(), step, 0.5)
    return learner


def everything(learner: Learner) -> tuple[dict[str, Tensor], Any]:
    tensors, numbers = learner.state()
    rest = (numbers, learner.fake_quant, learner.averages.swa_count)
    return copy.deepcopy(tensors), rest


@pytest.mark.parametrize("done", [0, 3])
@pytest.mark.parametrize("steps", [0, 1, 5])
def test_no_trace_is_left(done: int, steps: int) -> None:
    learner = trained(done)
    tensors, rest = everything(learner)
    warm_up(learner, steps)
    after, rest_after = everything(learner)
    assert equal(after, tensors) and rest_after == rest
    assert all(parameter.grad is None for parameter in learner.model.parameters())


def test_the_steps_are_real_and_the_second_half_on_the_grid(monkeypatch: pytest.MonkeyPatch) -> None:
    learner, seen = trained(0), []
    step = learner.step

    def watched(*arguments: Any) -> Tensor:
        before = learner.weights["tokens"].clone()
        loss = step(*arguments)
        assert not torch.equal(before, learner.weights["tokens"])
        seen.append((arguments[0].shape, learner.fake_quant))
        return loss

    monkeypatch.setattr(learner, "step", watched)
    warm_up(learner, 4)
    assert seen == [((8, 33), False), ((8, 33), False), ((8, 33), True), ((8, 33), True)]


def test_one_step_is_on_the_grid_that_is_used_later_and_none_where_it_never_is(monkeypatch: pytest.MonkeyPatch) -> None:
    for overrides, expected in (((), True), (("qat.start=1.0",), False)):
        learner, seen = trained(0, *overrides), []
        step = learner.step
        monkeypatch.setattr(learner, "step", lambda *a, step=step, learner=learner, seen=seen: (seen.append(learner.fake_quant), step(*a)))
        warm_up(learner, 1)
        assert seen == [expected]


def test_a_run_is_the_same_with_and_without(tmp_path: Path, stream: TokenStream) -> None:
    """Weights, losses, the order of the data, the clock of steps."""
    without = fit(tmp_path / "without", stream)
    assert equal(fit(tmp_path / "with", stream, "train.warmup_steps=3"), without)
    assert untimed(tmp_path / "with") == untimed(tmp_path / "without")
