"""Causal attention on a CPU: matrix products over tiles of scores that stay in its cache.

torch's own kernel for CPUs reaches a sixth of the rate of a matrix product, half of what this one does. As in
FlashAttention (arXiv 2205.14135) scores are never held whole; of short sequences the probabilities are kept for the
backward pass, of long ones they are computed again, so that memory is bounded. torch.compile takes the operator as it is.

N sequences times key-value heads, T keys, R rows of queries, h head width. `shared` query heads read one key-value
head; row r is position r // shared of the last R / shared positions, so that new positions can attend to a cache.
"""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor

TILE_POSITIONS = 128  # of queries: smaller tiles waste less on the masked triangle, larger ones multiply faster
TILE_SCORES = 1 << 20
KEPT_SCORES = 1 << 26  # of one call


class Tile(NamedTuple):
    """A tile of scores: the queries of some heads at neighbouring positions, and all keys that they see."""

    heads: slice
    rows: slice
    keys: slice
    mask: Tensor  # (rows, positions), for the keys of the tile's own positions: -inf where they lie ahead, else 0
    scores: slice  # of all scores, laid out tile after tile
    shape: tuple[int, int, int]  # of the tile's scores


def causal_attention(q_NRh: Tensor, k_NTh: Tensor, v_NTh: Tensor, shared: int) -> Tensor:
    """Return softmax(q kᵀ) v over the keys up to each query's own position, (N, R, h). Scores are not scaled."""
    keep = torch.is_grad_enabled() and _count_scores(q_NRh, k_NTh, shared, TILE_POSITIONS) <= KEPT_SCORES
    y, _ = attention_operator(q_NRh, k_NTh, v_NTh, shared, TILE_POSITIONS, keep)
    return y


@torch.library.custom_op("bytegolf::causal_attention", mutates_args=())
def attention_operator(q_NRh: Tensor, k_NTh: Tensor, v_NTh: Tensor, shared: int, step: int, keep: bool) -> tuple[Tensor, Tensor]:
    """Return causal attention, and its probabilities tile by tile if they are kept. A tile has `step` positions of queries."""
    y = torch.empty_like(q_NRh)
    kept = q_NRh.new_empty(_count_scores(q_NRh, k_NTh, shared, step) if keep else 0)
    for tile in _tiles(q_NRh, k_NTh, shared, step):
        p = _probabilities(q_NRh, k_NTh, tile, out=kept[tile.scores].view(tile.shape) if keep else None)
        y[tile.heads, tile.rows] = torch.bmm(p, v_NTh[tile.heads, tile.keys])
    return y, kept


@torch.library.custom_op("bytegolf::causal_attention_backward", mutates_args=())
def _backward_operator(
    gradient_NRh: Tensor, q_NRh: Tensor, k_NTh: Tensor, v_NTh: Tensor, kept: Tensor, shared: int, step: int
) -> tuple[Tensor, Tensor, Tensor]:
    gradient_q = torch.empty_like(q_NRh)
    exact = torch.promote_types(q_NRh.dtype, torch.float32)  # several tiles add to one key
    gradient_k, gradient_v = torch.zeros_like(k_NTh, dtype=exact), torch.zeros_like(v_NTh, dtype=exact)
    for tile in _tiles(q_NRh, k_NTh, shared, step):
        queries, keys = (tile.heads, tile.rows), (tile.heads, tile.keys)
        p = kept[tile.scores].view(tile.shape) if len(kept) else _probabilities(q_NRh, k_NTh, tile, out=None)
        gradient_p = torch.bmm(gradient_NRh[queries], v_NTh[keys].mT)
        gradient_scores = torch._softmax_backward_data(gradient_p, p, -1, p.dtype)
        gradient_q[queries] = torch.bmm(gradient_scores, k_NTh[keys])
        gradient_k[keys] += torch.bmm(gradient_scores.mT, q_NRh[queries])
        gradient_v[keys] += torch.bmm(p.mT, gradient_NRh[queries])
    return gradient_q, gradient_k.to(k_NTh.dtype), gradient_v.to(v_NTh.dtype)


def _spans(q_NRh: Tensor, k_NTh: Tensor, shared: int, step: int) -> Iterator[tuple[int, int, int]]:
    """Yield the first and last position of the queries of each row of tiles, and the number of keys they see."""
    positions, keys = q_NRh.shape[1] // shared, k_NTh.shape[1]
    for first in range(0, positions, step):
        last = min(first + step, positions)
        yield first, last, keys - positions + last


def _count_scores(q_NRh: Tensor, k_NTh: Tensor, shared: int, step: int) -> int:
    return len(q_NRh) * shared * sum((last - first) * seen for first, last, seen in _spans(q_NRh, k_NTh, shared, step))


def _tiles(q_NRh: Tensor, k_NTh: Tensor, shared: int, step: int) -> Iterator[Tile]:
    begin = 0
    for first, last, seen in _spans(q_NRh, k_NTh, shared, step):
        mask = torch.full((last - first, last - first), -math.inf, dtype=q_NRh.dtype).triu_(1).repeat_interleave(shared, 0)
        group = max(1, TILE_SCORES // (len(mask) * seen))
        for head in range(0, len(q_NRh), group):
            shape = (min(group, len(q_NRh) - head), len(mask), seen)
            scores = slice(begin, begin + math.prod(shape))
            yield Tile(slice(head, head + group), slice(first * shared, last * shared), slice(seen), mask, scores, shape)
            begin = scores.stop


def _probabilities(q_NRh: Tensor, k_NTh: Tensor, tile: Tile, out: Tensor | None) -> Tensor:
    scores = torch.bmm(q_NRh[tile.heads, tile.rows], k_NTh[tile.heads, tile.keys].mT)
    scores[..., -tile.mask.shape[1] :] += tile.mask
    return torch.softmax(scores, dim=-1, out=out)


@attention_operator.register_fake
def _(q_NRh: Tensor, k_NTh: Tensor, v_NTh: Tensor, shared: int, step: int, keep: bool) -> tuple[Tensor, Tensor]:
    return torch.empty_like(q_NRh), q_NRh.new_empty(_count_scores(q_NRh, k_NTh, shared, step) if keep else 0)


@_backward_operator.register_fake
def _(
    gradient_NRh: Tensor, q_NRh: Tensor, k_NTh: Tensor, v_NTh: Tensor, kept: Tensor, shared: int, step: int
) -> tuple[Tensor, Tensor, Tensor]:
    return torch.empty_like(q_NRh), torch.empty_like(k_NTh), torch.empty_like(v_NTh)


def _save_for_backward(ctx: Any, inputs: tuple[Tensor, Tensor, Tensor, int, int, bool], output: tuple[Tensor, Tensor]) -> None:
    *tensors, ctx.shared, ctx.step, _ = inputs
    ctx.save_for_backward(*tensors, output[1])
    ctx.set_materialize_grads(False)


def _backward(ctx: Any, gradient_NRh: Tensor, _: Tensor | None) -> tuple[Tensor | None, ...]:
    return *_backward_operator(gradient_NRh.contiguous(), *ctx.saved_tensors, ctx.shared, ctx.step), None, None, None


attention_operator.register_autograd(_backward, setup_context=_save_for_backward)
