"""One transformer block. It is the unit that is compiled: a model has many blocks, but few kinds of them."""

from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from bytegolf.model.attention import Cache, Context, attention_heads
from bytegolf.model.banks import BlockWeights
from bytegolf.model.embeddings import Scaled
from bytegolf.model.norm import rms_norm
from bytegolf.model.observe import Observe
from bytegolf.model.product import product


class BlockControls(NamedTuple):
    """The vectors of one block, in the compute dtype."""

    q_gain: Tensor  # (H,)
    attention_scale: Tensor  # (D,)
    mlp_scale: Tensor  # (D,)
    depth_scale: Tensor  # () factor on what both branches read
    residual_mix: Tensor | None  # (2, D): shares of the stream and of the first state
    head_gate: Tensor | None  # (H, n): how the first n dimensions of what attention reads open each head


class Skip(NamedTuple):
    """A skip connection: an earlier block's output (B, T, D) and its gain (D,)."""

    activations: Tensor
    gain: Tensor


class BlockInputs(NamedTuple):
    """The inputs of one block beside the stream."""

    weights: BlockWeights
    controls: BlockControls
    value_embedding: Scaled | None
    skip: Skip | None
    exclusive: bool
    leak: float


class BlockFunction(Protocol):
    """The signature of `block`, compiled or not."""

    def __call__(
        self,
        x: Tensor,
        x0: Tensor,
        inputs: BlockInputs,
        context: Context,
        last: int | None = None,
        cache: Cache | None = None,
        observe: Observe | None = None,
    ) -> Tensor:
        """Compute a block."""


def block(
    x: Tensor,
    x0: Tensor,
    inputs: BlockInputs,
    context: Context,
    last: int | None = None,
    cache: Cache | None = None,
    observe: Observe | None = None,
) -> Tensor:
    """Return the stream after a block, (B, T, D), or (B, n, D) for the `last` n positions: skip, residual mix, attention, MLP.

    With a cache the block reads the positions before x from there, and leaves those of x in it. `observe` is told what the
    matrices read: "read" (queries, keys, values), "heads" (out), "hidden" (up) and "activation" (down).
    """
    weights, controls, value_embedding, skip, exclusive, leak = inputs
    x = mixed(x, x0, controls, skip)
    read = branch_input(x, controls)
    heads = attention_heads(read, weights, controls.q_gain, value_embedding, exclusive, context, last, cache)
    if controls.head_gate is not None:
        heads = gated(heads, read[:, -heads.shape[1] :], controls.head_gate)
    x = torch.addcmul(x[:, -heads.shape[1] :], controls.attention_scale, product(heads, weights.out))
    hidden = branch_input(x, controls)
    activation = mlp_activation(hidden, weights, leak)
    if observe is not None:
        for name, seen in (("read", read), ("heads", heads), ("hidden", hidden), ("activation", activation)):
            observe(name, seen)
    return torch.addcmul(x, controls.mlp_scale, product(activation, weights.down))


def mixed(x: Tensor, x0: Tensor, controls: BlockControls, skip: Skip | None) -> Tensor:
    """Return the stream (B, T, D) after an earlier block's output is added and it is mixed with the first state."""
    if skip is not None:
        x = torch.addcmul(x, skip.gain, skip.activations)
    if controls.residual_mix is not None:
        x = torch.addcmul(controls.residual_mix[0] * x, controls.residual_mix[1], x0)
    return x


def branch_input(x: Tensor, controls: BlockControls) -> Tensor:
    """Return the normed stream that attention and MLP read, (B, T, D)."""
    return rms_norm(x) * controls.depth_scale


def gated(heads_BTD: Tensor, read_BTD: Tensor, gate_Hn: Tensor) -> Tensor:
    """Return each head's output times 2 · sigmoid(gate · first n dimensions read), which is 1 where the gate's weights are 0.

    A sparse form of the gates of Qiu et al. 2025 (arXiv 2505.06708), as in modded-nanogpt.
    """
    heads, inputs = gate_Hn.shape
    openness = 2 * torch.sigmoid(product(read_BTD[..., :inputs], gate_Hn))
    return (heads_BTD.unflatten(-1, (heads, -1)) * openness[..., None]).flatten(2)


def mlp_activation(x: Tensor, weights: BlockWeights, leak: float) -> Tensor:
    """Return (leaky ReLU (Up x))², what the MLP's second matrix reads."""
    return F.leaky_relu(product(x, weights.up), leak).square()
