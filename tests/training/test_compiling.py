"""What training compiles it compiles before its clock starts: nothing that happens later asks for more."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch._dynamo.testing import CompileCounter

from bytegolf.artifact.shapes import stack_shape
from bytegolf.artifact.trellis_weights import TrellisStack
from bytegolf.model.gpt import GPT
from bytegolf.training.fake_quant import Solved, StepTable
from bytegolf.training.learner import Learner
from support.runs import BITS, micro


def packers_grid(weights: Mapping[str, Tensor]) -> Solved:
    """Any."""
    grids = {}
    for name, weight in weights.items():
        matrices, rows, columns = stack_shape(weight.shape)
        scales = np.zeros((matrices, rows), np.int32), np.ones((matrices, columns), np.int32)
        grids[name] = TrellisStack(np.zeros((matrices, rows, columns), np.int32), np.full(matrices, 0.01, np.float32), *scales)
    return Solved(StepTable.of(grids), BITS)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_steps_and_fake_quantisation_compile_nothing_anew(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    """The seed's defect B1: a quarter of a run was spent on compiling anew once quantisation began."""
    counter = CompileCounter()
    plain: Callable[..., Any] = torch.compile
    monkeypatch.setattr(torch, "compile", lambda function, **options: plain(function, backend=counter, **options))
    recipe = micro()
    model = GPT(recipe.model, dtype)
    model.initialise(1)
    learner = Learner(recipe, model, BITS)
    learner.compile()
    compiled = counter.frame_count
    assert compiled >= 4
    shape = (recipe.train.batch_tokens // recipe.train.sequence_length, recipe.train.sequence_length + 1)
    batch = np.random.default_rng(0).integers(recipe.model.vocab_size, size=shape)
    for step in range(6):
        if step in (2, 4):
            learner.solve = packers_grid if step == 4 else None
            learner.start_fake_quant()
        learner.step(batch, step, 1.0)
    assert counter.frame_count == compiled
