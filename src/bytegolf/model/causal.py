"""Causal attention on a CPU: matrix products over tiles of scores that stay in its cache.

torch's own kernel for CPUs reaches a sixth of the rate of a matrix product, and a quarter of that of this one. As in
FlashAttention (arXiv 2205.14135) scores are never held whole: the backward pass computes them again, so memory is
linear in the sequence. torch.compile takes the operator as it is.

N sequences times key-value heads, T keys, R rows of queries, h head width. `shared` query heads read one key-value
head; row r is position r // shared of the last R / shared positions, so that new positions can attend to a cache.
"""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor

TILE_POSITIONS = 128  # of queries: smaller tiles waste less on the masked triangle, larger ones multiply faster
TILE_SCORES = 1 << 21


class Tile(NamedTuple):
    """Some heads' queries of some neighbouring positions, and all the keys that they see."""

    heads: slice
    rows: slice
    keys: slice
    mask: Tensor  # (rows, positions), for the keys of the tile's own positions: -inf where they lie ahead, else 0


@torch.library.custom_op("bytegolf::causal_attention", mutates_args=())
def causal_attention(q_NRh: Tensor, k_NTh: Tensor, v_NTh: Tensor, shared: int) -> Tensor:
    """softmax(q kᵀ) v over the keys up to each query's own position, (N, R, h). Scores are not scaled."""
    y = torch.empty_like(q_NRh)
    for tile in _tiles(q_NRh, k_NTh, shared):
        y[tile.heads, tile.rows] = torch.bmm(_probabilities(q_NRh, k_NTh, tile), v_NTh[tile.heads, tile.keys])
    return y


@torch.library.custom_op("bytegolf::causal_attention_backward", mutates_args=())
def _causal_attention_backward(
    gradient_NRh: Tensor, q_NRh: Tensor, k_NTh: Tensor, v_NTh: Tensor, shared: int
) -> tuple[Tensor, Tensor, Tensor]:
    gradient_q = torch.empty_like(q_NRh)
    exact = torch.promote_types(q_NRh.dtype, torch.float32)  # several tiles add to one key
    gradient_k, gradient_v = torch.zeros_like(k_NTh, dtype=exact), torch.zeros_like(v_NTh, dtype=exact)
    for tile in _tiles(q_NRh, k_NTh, shared):
        queries, keys = (tile.heads, tile.rows), (tile.heads, tile.keys)
        p = _probabilities(q_NRh, k_NTh, tile)
        gradient_p = torch.bmm(gradient_NRh[queries], v_NTh[keys].mT)
        gradient_scores = torch._softmax_backward_data(gradient_p, p, -1, p.dtype)
        gradient_q[queries] = torch.bmm(gradient_scores, k_NTh[keys])
        gradient_k[keys] += torch.bmm(gradient_scores.mT, q_NRh[queries])
        gradient_v[keys] += torch.bmm(p.mT, gradient_NRh[queries])
    return gradient_q, gradient_k.to(k_NTh.dtype), gradient_v.to(v_NTh.dtype)


def _tiles(q_NRh: Tensor, k_NTh: Tensor, shared: int) -> Iterator[Tile]:
    (heads, rows, _), keys = q_NRh.shape, k_NTh.shape[1]
    positions = rows // shared
    past = keys - positions
    step = max(TILE_POSITIONS, keys // 4)
    for first in range(0, positions, step):
        last = min(first + step, positions)
        seen = past + last
        mask = torch.full((last - first, last - first), -math.inf, dtype=q_NRh.dtype).triu_(1).repeat_interleave(shared, 0)
        group = max(1, TILE_SCORES // (len(mask) * seen))
        for head in range(0, heads, group):
            yield Tile(slice(head, head + group), slice(first * shared, last * shared), slice(seen), mask)


def _probabilities(q_NRh: Tensor, k_NTh: Tensor, tile: Tile) -> Tensor:
    scores = torch.bmm(q_NRh[tile.heads, tile.rows], k_NTh[tile.heads, tile.keys].mT)
    scores[..., -tile.mask.shape[1] :] += tile.mask
    return torch.softmax(scores, dim=-1)


@causal_attention.register_fake
def _(q_NRh: Tensor, k_NTh: Tensor, v_NTh: Tensor, shared: int) -> Tensor:
    return torch.empty_like(q_NRh)


@_causal_attention_backward.register_fake
def _(gradient_NRh: Tensor, q_NRh: Tensor, k_NTh: Tensor, v_NTh: Tensor, shared: int) -> tuple[Tensor, Tensor, Tensor]:
    return torch.empty_like(q_NRh), torch.empty_like(k_NTh), torch.empty_like(v_NTh)


def _save_for_backward(ctx: Any, inputs: tuple[Tensor, Tensor, Tensor, int], output: Tensor) -> None:
    *tensors, ctx.shared = inputs
    ctx.save_for_backward(*tensors)


def _backward(ctx: Any, gradient_NRh: Tensor) -> tuple[Tensor | None, ...]:
    return *_causal_attention_backward(gradient_NRh.contiguous(), *ctx.saved_tensors, ctx.shared), None


causal_attention.register_autograd(_backward, setup_context=_save_for_backward)
