"""The head's chunked loss against cross-entropy of softcapped logits written out."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from bytegolf.model import head
from bytegolf.model.head import cross_entropies, mean_cross_entropy, nll_and_gradient, softcapped_logits


def drawn(positions: int, vocab: int, size: float) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(positions)
    x, weights = (torch.randn(rows, 6, generator=generator, dtype=torch.float64).mul_(size).requires_grad_() for rows in (positions, vocab))
    return x, weights, torch.randint(vocab, (positions,), generator=generator)


@settings(deadline=None, max_examples=40)
@given(
    positions=st.integers(1, 40),
    vocab=st.integers(1, 50),
    cap=st.sampled_from([1.0, 30.0, 500.0]),
    size=st.sampled_from([0.1, 3.0, 30.0]),
    chunk=st.sampled_from([1, 64, 1 << 20]),
)
def test_loss_and_gradients_agree_with_the_ones_written_out(positions: int, vocab: int, cap: float, size: float, chunk: int) -> None:
    x, weights, targets = drawn(positions, vocab, size)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(head, "CHUNK_LOGITS", chunk)
        loss = mean_cross_entropy(x, weights, targets, cap, nll_and_gradient)
    expected = F.cross_entropy(cap * torch.tanh(x @ weights.T / cap), targets)
    torch.testing.assert_close(loss, expected, rtol=1e-9, atol=1e-9)
    for found, wanted in zip(torch.autograd.grad(3 * loss, (x, weights)), torch.autograd.grad(3 * expected, (x, weights)), strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-8, atol=1e-9)


def test_in_float32_the_softcap_costs_no_precision() -> None:
    """Its hyperbolic tangent is made of a sigmoid, whose difference from 1 could cancel."""
    x, weights, targets = (value.detach().float() if value.is_floating_point() else value for value in drawn(30, 50, 1.0))
    loss = mean_cross_entropy(x, weights, targets, 30.0, nll_and_gradient)
    expected = F.cross_entropy(softcapped_logits(x.double(), weights.double(), 30.0), targets)
    assert float(loss) == pytest.approx(float(expected), abs=2e-6)


@pytest.mark.parametrize("chunk", [1, 100, 1 << 20])
def test_costs_of_chunks_are_those_of_the_whole(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(head, "CHUNK_LOGITS", chunk)
    x, weights, targets = drawn(31, 50, 3.0)
    expected = F.cross_entropy(30 * torch.tanh(x @ weights.T / 30), targets, reduction="none")
    torch.testing.assert_close(cross_entropies(x, weights, targets, 30.0), expected, rtol=1e-9, atol=1e-9)
