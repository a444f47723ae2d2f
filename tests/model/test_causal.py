"""The tiled operator against attention written out, at every way of cutting the work."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from bytegolf.model import causal
from bytegolf.model.causal import attention_operator, causal_attention


def plain_attention(q_NRh: Tensor, k_NTh: Tensor, v_NTh: Tensor, shared: int) -> Tensor:
    """Row r is position r // shared of the last R / shared positions, and sees the keys up to that position."""
    positions = torch.arange(q_NRh.shape[1]) // shared + k_NTh.shape[1] - q_NRh.shape[1] // shared
    ahead = torch.arange(k_NTh.shape[1]) > positions[:, None]
    return (q_NRh @ k_NTh.mT).masked_fill(ahead, -math.inf).softmax(-1) @ v_NTh


def gradients(y: Tensor, inputs: list[Tensor]) -> list[Tensor]:
    generator = torch.Generator().manual_seed(2)
    return list(torch.autograd.grad(y, inputs, torch.randn(y.shape, generator=generator, dtype=y.dtype)))


@settings(deadline=None, max_examples=60)
@given(
    heads=st.integers(1, 5),
    positions=st.integers(1, 70),
    past=st.integers(0, 40),
    shared=st.integers(1, 3),
    width=st.sampled_from([2, 8]),
    tile=st.integers(1, 80),
    scores=st.sampled_from([1, 500, 1 << 21]),
    kept=st.sampled_from([0, 1 << 26]),
)
def test_agrees_with_attention_written_out(
    heads: int, positions: int, past: int, shared: int, width: int, tile: int, scores: int, kept: int
) -> None:
    generator = torch.Generator().manual_seed(positions)

    def drawn(rows: int) -> Tensor:
        return torch.randn(heads, rows, width, generator=generator, dtype=torch.float64).requires_grad_()

    q, k, v = inputs = [drawn(positions * shared), drawn(positions + past), drawn(positions + past)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(causal, "TILE_POSITIONS", tile)
        patch.setattr(causal, "TILE_SCORES", scores)
        patch.setattr(causal, "KEPT_SCORES", kept)
        y = causal_attention(q, k, v, shared)
        found = gradients(y, inputs)
    expected = plain_attention(q, k, v, shared)
    torch.testing.assert_close(y, expected, rtol=1e-10, atol=1e-10)
    for gradient, wanted in zip(found, gradients(expected, inputs), strict=True):
        torch.testing.assert_close(gradient, wanted, rtol=1e-10, atol=1e-10)


def test_bfloat16_is_as_exact_as_its_inputs() -> None:
    q, k, v = (torch.randn(2, 300, 16, generator=torch.Generator().manual_seed(seed)) for seed in range(3))
    low = causal_attention(q.bfloat16(), k.bfloat16(), v.bfloat16(), 1)
    assert low.dtype == torch.bfloat16
    torch.testing.assert_close(low.float(), plain_attention(q, k, v, 1), rtol=0, atol=0.06)


def test_the_operator_keeps_torchs_rules() -> None:
    """Its shapes without data and its gradients are what torch.compile and autograd expect of them."""
    inputs = [torch.randn(2, rows, 4, requires_grad=True) for rows in (6, 5, 5)]
    for keep in (True, False):
        torch.library.opcheck(attention_operator, (*inputs, 2, 2, keep))
