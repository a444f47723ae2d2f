"""Causal attention with grouped queries, normed and rotated heads, and exclusive self-attention.

B batch, T positions, D model width, K key-value heads, G query heads that share one of them, h head width. Query
head number k·G + g reads key-value head k.
"""

from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from bytegolf.model.banks import BlockWeights
from bytegolf.model.embeddings import Scaled
from bytegolf.model.kernels import Kernel
from bytegolf.model.norm import rms_norm
from bytegolf.model.product import product


class Rotary(NamedTuple):
    """The cosine and sine of position times frequency, each (T, rotated/2)."""

    cos: Tensor
    sin: Tensor

    def last(self, positions: int) -> "Rotary":
        """Return the tables of the last positions."""
        return Rotary(self.cos[-positions:], self.sin[-positions:])


class Cache(Protocol):
    """The keys and values that a block keeps of positions that are forwarded once."""

    def extended(self, k_BKT1h: Tensor, v_BKT1h: Tensor, rotary: Rotary) -> tuple[Tensor, Tensor]:
        """Return rotated keys and values of the cached positions and of those that follow, given unrotated; `rotary` is of all."""


def rotary_tables(length: int, rotated: int, base: float, device: torch.device, dtype: torch.dtype) -> Rotary:
    """Return the rotary tables of `length` positions: angles in float32, only their cosines and sines rounded to `dtype`.

    Tables computed in bfloat16 would tell only 641 of 2048 positions apart.
    """
    angle = torch.outer(torch.arange(length, dtype=torch.float32, device=device), rotary_frequencies(rotated, base, device))
    return Rotary(angle.cos().to(dtype), angle.sin().to(dtype))


def rotary_frequencies(rotated: int, base: float, device: torch.device) -> Tensor:
    """Return the angles between neighbouring positions in float32, one for each pair of `rotated` dimensions."""
    exponent = torch.arange(0, rotated, 2, dtype=torch.float32, device=device) / rotated
    return base**-exponent


def rotate(x_BKTGh: Tensor, rotary: Rotary) -> Tensor:
    """Turn the first dimensions of each head, paired half against half; the rest passes (RoPE, arXiv 2104.09864)."""
    cos, sin = rotary.cos[:, None], rotary.sin[:, None]
    half = cos.shape[-1]
    u, w, rest = x_BKTGh.split((half, half, x_BKTGh.shape[-1] - 2 * half), dim=-1)
    return torch.cat((u * cos + w * sin, w * cos - u * sin, rest), dim=-1)


def without_own_value(y_BKTGh: Tensor, v_BKT1h: Tensor) -> Tensor:
    """Remove from each head's output its component along the position's own value (exclusive self-attention)."""
    direction = F.normalize(v_BKT1h, dim=-1, eps=1e-12)
    return y_BKTGh - (y_BKTGh * direction).sum(-1, keepdim=True) * direction


class Context(NamedTuple):
    """The inputs of attention that are the same for all blocks.

    `rotary` is of all positions, cached ones included; `visible` (B, 1, T, all positions) replaces the causal mask.
    """

    rotary: Rotary
    visible: Tensor | None
    attend: Kernel


def attention_heads(
    x_BTD: Tensor,
    weights: BlockWeights,
    q_gain_H: Tensor,
    value_embedding: Scaled | None,
    exclusive: bool,
    context: Context,
    last: int | None = None,
    cache: Cache | None = None,
) -> Tensor:
    """Return the outputs of all heads, (B, n, D), for the `last` n positions or all: what each reads up to itself.

    `value_embedding`, (B, T, K·h), is added to the values. With a cache x holds the positions that follow those in it.
    """
    rotary, visible, attend = context
    head_dim = weights.q.shape[0] // q_gain_H.shape[0]
    kv_heads = weights.k.shape[0] // head_dim
    queries = x_BTD.shape[1] if last is None else last

    def heads(x_BTd: Tensor) -> Tensor:
        return x_BTd.unflatten(-1, (kv_heads, -1, head_dim)).transpose(1, 2)

    k, v = product(x_BTD, torch.cat((weights.k, weights.v))).split(len(weights.k), dim=-1)
    if value_embedding is not None:
        v = v + value_embedding.scale * value_embedding.values
    k, v = rms_norm(heads(k)), heads(v)
    k, v = (rotate(k, rotary), v) if cache is None else cache.extended(k, v, rotary)
    gain = q_gain_H.unflatten(0, (kv_heads, 1, -1))[..., None] * head_dim**-0.5
    q = rotate(rms_norm(heads(product(x_BTD[:, -queries:], weights.q))), rotary.last(queries)) * gain
    y = attend(q, k.squeeze(3), v.squeeze(3), None if visible is None else visible[:, :, -queries:])
    if exclusive:
        y = without_own_value(y, v[:, :, -queries:])
    return y.transpose(1, 2).flatten(2)
