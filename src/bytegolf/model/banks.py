"""The matrices of all blocks, stacked: one tensor per kind instead of six small ones per block.

Muon orthogonalises a whole bank in one batched call, and later many processes can share one out.
"""

from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from bytegolf.config import ModelConfig

Initial = Literal["orthogonal", "uniform"]


class BlockWeights(NamedTuple):
    """The matrices of one block, each (out, in)."""

    q: Tensor
    k: Tensor
    v: Tensor
    out: Tensor
    up: Tensor
    down: Tensor


class Banks(nn.Module):
    """`qo` (2L, D, D): queries then outputs. `kv` (2L, kv, D): keys then values. `up` (L, M, D), `down` (L, D, M)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        layers, dim, kv, hidden = config.num_layers, config.model_dim, config.kv_dim, config.mlp_dim
        self.qo = nn.Parameter(torch.zeros(2 * layers, dim, dim))
        self.kv = nn.Parameter(torch.zeros(2 * layers, kv, dim))
        self.up = nn.Parameter(torch.zeros(layers, hidden, dim))
        self.down = nn.Parameter(torch.zeros(layers, dim, hidden))

    def initialise(self, generator: torch.Generator, kind: Initial = "orthogonal") -> None:
        """Draw input matrices, orthogonal or uniform in ±1/sqrt(inputs); outputs stay zero, so every block starts as the identity."""
        layers = len(self.up)
        for matrix in (*self.qo[:layers], *self.kv, *self.up):
            if kind == "orthogonal":
                nn.init.orthogonal_(matrix, generator=generator)
            else:
                bound = matrix.shape[1] ** -0.5
                nn.init.uniform_(matrix, -bound, bound, generator=generator)

    def blocks(self, dtype: torch.dtype) -> list[BlockWeights]:
        """Return each block's matrices in `dtype`. Unbinding costs one pass backward, where slicing would cost one per block."""
        q, out = self.qo.to(dtype).unflatten(0, (2, -1)).unbind(0)
        k, v = self.kv.to(dtype).unflatten(0, (2, -1)).unbind(0)
        stacks = (q, k, v, out, self.up.to(dtype), self.down.to(dtype))
        return [BlockWeights(*matrices) for matrices in zip(*(stack.unbind(0) for stack in stacks), strict=True)]
