"""One transformer block. It is the unit that is compiled: a model has many blocks, but few kinds of them."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from bytegolf.model.attention import Cache, Rotary, attention
from bytegolf.model.banks import BlockWeights
from bytegolf.model.embeddings import Scaled
from bytegolf.model.kernels import Kernel
from bytegolf.model.norm import rms_norm
from bytegolf.model.product import product


class BlockControls(NamedTuple):
    """The vectors of one block, in the compute dtype."""

    q_gain: Tensor  # (H,)
    attention_scale: Tensor  # (D,)
    mlp_scale: Tensor  # (D,)
    depth_scale: Tensor  # () factor on what both branches read
    residual_mix: Tensor | None  # (2, D): shares of the stream and of the first state


class Skip(NamedTuple):
    """What an earlier block hands a later one: activations (B, T, D) and their gain (D,)."""

    activations: Tensor
    gain: Tensor


def block(
    x: Tensor,
    x0: Tensor,
    weights: BlockWeights,
    controls: BlockControls,
    value_embedding: Scaled | None,
    skip: Skip | None,
    rotary: Rotary,
    visible: Tensor | None,
    exclusive: bool,
    leak: float,
    attend: Kernel,
    last: int | None = None,
    cache: Cache | None = None,
) -> Tensor:
    """(B, T, D) to (B, T, D): skip, residual mix, attention, MLP. To (B, n, D) for the `last` n positions if given.

    With a cache the block reads the positions before x from there, and leaves those of x in it.
    """
    x = mixed(x, x0, controls, skip)
    y = attention(branch_input(x, controls), weights, controls.q_gain, value_embedding, rotary, visible, exclusive, attend, last, cache)
    x = torch.addcmul(x[:, -y.shape[1] :], controls.attention_scale, y)
    return torch.addcmul(x, controls.mlp_scale, mlp(branch_input(x, controls), weights, leak))


def mixed(x: Tensor, x0: Tensor, controls: BlockControls, skip: Skip | None) -> Tensor:
    """The stream (B, T, D) as the block finds it: what an earlier block hands on is added, then it is mixed with the first state."""
    if skip is not None:
        x = torch.addcmul(x, skip.gain, skip.activations)
    if controls.residual_mix is not None:
        x = torch.addcmul(controls.residual_mix[0] * x, controls.residual_mix[1], x0)
    return x


def branch_input(x: Tensor, controls: BlockControls) -> Tensor:
    """What attention and MLP read of the stream, (B, T, D)."""
    return rms_norm(x) * controls.depth_scale


def mlp(x: Tensor, weights: BlockWeights, leak: float) -> Tensor:
    """Down · (leaky ReLU (Up x))²."""
    return product(F.leaky_relu(product(x, weights.up), leak).square(), weights.down)
