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
from bytegolf.config import Recipe
from bytegolf.model.gpt import GPT
from bytegolf.packing.qat_grid import QatGrid
from bytegolf.text.shards import TokenStream
from bytegolf.text.tokenizer import BytesTokenizer
from bytegolf.training import late_qat
from bytegolf.training.late_qat import QatPlan
from bytegolf.training.learner import Learner
from support.runs import BITS, micro


def any_grid(recipe: Recipe, weights: Mapping[str, Tensor], *_: object) -> QatGrid:
    """Return a grid like one of the packer's."""
    stacks = {}
    for name, weight in weights.items():
        matrices, rows, columns = stack_shape(weight.shape)
        scales = np.zeros((matrices, rows), np.int32), np.ones((matrices, columns), np.int32)
        stacks[name] = TrellisStack(np.zeros((matrices, rows, columns), np.int32), np.full(matrices, 0.01, np.float32), *scales)
    return QatGrid(stacks, BITS)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_steps_and_fake_quantisation_compile_nothing_anew(dtype: torch.dtype, stream: TokenStream, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiling anew once quantisation begins would take a quarter of a ten-minute run."""
    counter = CompileCounter()
    plain: Callable[..., Any] = torch.compile
    monkeypatch.setattr(torch, "compile", lambda function, **options: plain(function, backend=counter, **options))
    recipe = micro()
    model = GPT(recipe.model, dtype)
    model.initialise(1)
    learner = Learner(recipe, model, QatPlan(BITS))
    monkeypatch.setattr(late_qat, "solve_qat_grid", any_grid)
    learner.compile()
    compiled = counter.frame_count
    assert compiled >= 4
    shape = (recipe.train.batch_tokens // recipe.train.sequence_length, recipe.train.sequence_length + 1)
    batch = np.random.default_rng(0).integers(recipe.model.vocab_size, size=shape)
    for step in range(6):
        if step in (2, 4):
            learner.qat = QatPlan(BITS, stream, BytesTokenizer()) if step == 4 else QatPlan(BITS)
            learner.start_qat()
        learner.step(batch, step, 1.0)
    assert counter.frame_count == compiled
