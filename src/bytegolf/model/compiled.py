"""The functions in which a model spends its time, plain or compiled.

Compiling these alone, instead of the whole model, costs one compilation for each kind of block (with or without a
skip, a value embedding, exclusive attention) instead of one for each block, and weights are their arguments: fake
quantisation changes what goes in and compiles nothing anew.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from bytegolf.model.block import BlockFunction, block
from bytegolf.model.embeddings import Scaled, first_state
from bytegolf.model.head import NllAndGradient, nll_and_gradient
from bytegolf.model.norm import rms_norm

KINDS = 64  # of block and shape that one process may compile: with and without gradients, in training and in scoring


@dataclass(frozen=True)
class ModelFunctions:
    """The functions of a model that may be compiled."""

    first_state: Callable[[Tensor, Sequence[Scaled], Tensor | None, Tensor | None], Tensor] = first_state
    block: BlockFunction = block
    rms_norm: Callable[[Tensor], Tensor] = rms_norm
    nll_and_gradient: NllAndGradient = nll_and_gradient


def compiled_functions() -> ModelFunctions:
    """Return functions that torch.compile turns into fused kernels when they are first called."""
    torch._dynamo.config.recompile_limit = KINDS
    written = ModelFunctions()
    return ModelFunctions(**{field.name: torch.compile(getattr(written, field.name), dynamic=False) for field in fields(written)})
