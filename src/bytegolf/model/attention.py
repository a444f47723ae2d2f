"""Causal attention with grouped queries, normed and rotated heads, and exclusive self-attention.

B batch, T positions, D model width, H query heads, K key-value heads, h head width.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from bytegolf.model.banks import BlockWeights
from bytegolf.model.norm import rms_norm


class Rotary(NamedTuple):
    """cos and sin of position times frequency, each (T, rotated/2)."""

    cos: Tensor
    sin: Tensor


def rotary_tables(length: int, rotated: int, base: float, device: torch.device, dtype: torch.dtype) -> Rotary:
    """Angles are exact in float32 and only their cosines and sines are rounded to `dtype`.

    In bfloat16 only 641 of 2048 positions would differ (the seed's defect A1).
    """
    exponent = torch.arange(0, rotated, 2, dtype=torch.float32, device=device) / rotated
    angle = torch.outer(torch.arange(length, dtype=torch.float32, device=device), base**-exponent)
    return Rotary(angle.cos().to(dtype), angle.sin().to(dtype))


def rotate(x_BHTh: Tensor, rotary: Rotary) -> Tensor:
    """Turn the first dimensions of each head, paired half against half; the rest passes (RoPE, arXiv 2104.09864)."""
    half = rotary.cos.shape[-1]
    u, w, rest = x_BHTh.split((half, half, x_BHTh.shape[-1] - 2 * half), dim=-1)
    return torch.cat((u * rotary.cos + w * rotary.sin, w * rotary.cos - u * rotary.sin, rest), dim=-1)


def without_own_value(y_BHTh: Tensor, v_BKTh: Tensor) -> Tensor:
    """Exclusive self-attention: remove from each head's output its component along the position's own value."""
    direction = F.normalize(v_BKTh, dim=-1, eps=1e-12)[:, :, None]
    y = y_BHTh.unflatten(1, (v_BKTh.shape[1], -1))
    return (y - (y * direction).sum(-1, keepdim=True) * direction).flatten(1, 2)


def attention(
    x_BTD: Tensor,
    weights: BlockWeights,
    q_gain_H: Tensor,
    value_embedding: Tensor | None,
    rotary: Rotary,
    visible: Tensor | None,
    exclusive: bool,
) -> Tensor:
    """(B, T, D). `value_embedding` (B, T, K·h) is added to the values; `visible` (B, 1, T, T) replaces the causal mask."""
    head_dim = weights.q.shape[0] // q_gain_H.shape[0]

    def heads(x: Tensor) -> Tensor:
        return x.unflatten(-1, (-1, head_dim)).transpose(1, 2)

    v = x_BTD @ weights.v.T
    if value_embedding is not None:
        v = v + value_embedding
    v = heads(v)
    k = rotate(rms_norm(heads(x_BTD @ weights.k.T)), rotary)
    q = rotate(rms_norm(heads(x_BTD @ weights.q.T)), rotary) * q_gain_H[:, None, None]
    y = F.scaled_dot_product_attention(q, k, v, attn_mask=visible, is_causal=visible is None, enable_gqa=True)
    if exclusive:
        y = without_own_value(y, v)
    return y.transpose(1, 2).flatten(2) @ weights.out.T
