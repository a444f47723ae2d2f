"""Steps, scores and packing make no tensor in float64 on a device that has none, as Apple's GPUs. Played on the CPU."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from bytegolf.config import ScoreConfig
from bytegolf.model import head
from bytegolf.model.gpt import GPT
from bytegolf.names import ProtocolName
from bytegolf.packing import calibration
from bytegolf.packing.calibration import input_moments
from bytegolf.packing.curvature import curvatures
from bytegolf.scoring.protocols import score_tokens
from bytegolf.training import optimizers
from bytegolf.training.late_qat import QatPlan
from bytegolf.training.learner import Learner
from support.models import changed, random_model
from support.runs import BITS, micro


class Without(TorchDispatchMode):
    """A device without float64: an operator that makes such a tensor fails. What `cpu` returns has left the device."""

    def __init__(self) -> None:
        super().__init__()
        self.left: list[Tensor] = []

    def __torch_dispatch__(self, function: Any, types: Any, arguments: Any = (), keywords: Any = None) -> Any:
        result = function(*arguments, **(keywords or {}))
        given = [leaf for leaf in tree_leaves(arguments) if isinstance(leaf, Tensor)]
        elsewhere = any(leaf.dtype == torch.float64 or any(leaf is other for other in self.left) for leaf in given)
        made = any(isinstance(leaf, Tensor) and leaf.dtype == torch.float64 for leaf in tree_leaves(result))
        assert elsewhere or not made, f"{function} gives float64"
        return result


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Without:
    """The watch, with sums in what the device has."""
    for module in (head, optimizers, calibration):
        monkeypatch.setattr(module, "precision_of_sums", lambda device: torch.float32)
    watch = Without()

    def leave(tensor: Tensor) -> Tensor:
        watch.left.append(tensor.clone())
        return watch.left[-1]

    monkeypatch.setattr(Tensor, "cpu", leave)
    return watch


def test_the_watch_sees_what_it_should() -> None:
    for widened in (lambda: torch.ones(3).sum(dtype=torch.float64), lambda: torch.ones(3).double()):
        with Without(), pytest.raises(AssertionError, match="gives float64"):
            widened()


def learner() -> Learner:
    recipe = micro("optim.grad_clip=0.3", "average.ema_decay=0.9")
    model = GPT(recipe.model)
    model.initialise(1)
    return Learner(recipe, model, QatPlan(BITS))


def test_a_step(watched: Without) -> None:
    training = learner()
    with watched:
        for step in range(2):
            loss = training.step(training.dummy_batch(), step, 1.0)
    assert loss.dtype == torch.float32 and loss.isfinite()


@pytest.mark.parametrize("protocol", ["sliding", "streaming"])
def test_a_score(watched: Without, protocol: ProtocolName) -> None:
    tokens = np.random.default_rng(1).integers(2, 48, 60).astype(np.uint16)
    with watched:
        score_tokens(random_model(changed()), tokens, 59, protocol, ScoreConfig(window=16, stride=8, batch_tokens=32))
    assert watched.left


def test_what_packing_asks_of_the_model(watched: Without) -> None:
    model, batch = random_model(changed()), np.random.default_rng(1).integers(2, 48, (2, 16))
    with watched:
        moments, found = input_moments(model, [batch]), curvatures(model, [batch])
    assert moments["head" if model.head is not None else "tokens"][0].dtype == found["banks.up"].columns.dtype == torch.float64
