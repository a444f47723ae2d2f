"""The head and its loss: hidden states -> logits -> cross-entropy, in the precision of the parameters.

N positions, D model width, V vocabulary.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from bytegolf.model.kernels import precision_of_sums
from bytegolf.model.product import product

CHUNK_LOGITS = 1 << 20  # logits held at once

NllAndGradient = Callable[[Tensor, Tensor, float, torch.dtype], tuple[Tensor, Tensor]]


def softcapped_logits(x_ND: Tensor, head_VD: Tensor, cap: float) -> Tensor:
    """Return cap · tanh(x headᵀ / cap), (N, V)."""
    z = x_ND.to(head_VD.dtype) / cap  # before the product, where there is less to divide
    return cap * torch.tanh(product(z, head_VD))


def cross_entropies(x_ND: Tensor, head_VD: Tensor, targets_N: Tensor, cap: float) -> Tensor:
    """Return -log softmax of the softcapped logits at each target, (N,), in nats."""
    rows = max(1, CHUNK_LOGITS // len(head_VD))
    chunks = zip(x_ND.split(rows), targets_N.split(rows), strict=True)
    return torch.cat([F.cross_entropy(softcapped_logits(x, head_VD, cap), targets, reduction="none") for x, targets in chunks])


def nll_and_gradient(u_NV: Tensor, targets_N: Tensor, cap: float, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Return -log softmax(cap · tanh(u)) at each target, in nats, and its gradient by cap · u in `dtype`."""
    capped = 2 * torch.sigmoid(2 * u_NV) - 1  # tanh, at half the cost
    logits = cap * capped
    log_sum = torch.logsumexp(logits, dim=-1, keepdim=True)
    nll = (log_sum - logits.gather(-1, targets_N[:, None]))[:, 0]
    token = torch.arange(u_NV.shape[-1], device=u_NV.device, dtype=torch.int32)  # as wide as a float32: compared at full speed
    is_target = token == targets_N[:, None].int()
    gradient = (torch.exp(logits - log_sum) - is_target.to(u_NV.dtype)) * (1 - capped * capped)
    return nll, gradient.to(dtype)


def mean_cross_entropy(x_ND: Tensor, head_VD: Tensor, targets_N: Tensor, cap: float, pointwise: NllAndGradient) -> Tensor:
    """Return the mean loss in nats of the softcapped logits; `pointwise` is `nll_and_gradient`, or its compiled form."""
    loss: Tensor = _MeanCrossEntropy.apply(x_ND, head_VD, targets_N, cap, pointwise)
    return loss


class _MeanCrossEntropy(torch.autograd.Function):
    """Loss and both gradients in one pass over chunks of logits.

    The gradient is taken where the logits are, so no more than a chunk of them ever exists (as in Liger's fused linear
    cross-entropy, arXiv 2410.10989). Logits, softcap and loss are in the head's precision; the products of the
    backward pass are in that of the hidden states.
    """

    @staticmethod
    def forward(ctx: Any, x_ND: Tensor, head_VD: Tensor, targets_N: Tensor, cap: float, pointwise: NllAndGradient) -> Tensor:
        dtype, positions = x_ND.dtype, len(x_ND)
        head_low = head_VD.to(dtype)
        gradient_x = torch.empty_like(x_ND)
        gradient_head = torch.zeros_like(head_VD)
        total = torch.zeros((), dtype=precision_of_sums(x_ND.device), device=x_ND.device)
        rows = max(1, CHUNK_LOGITS // len(head_VD))
        for x, targets, gradient in zip(x_ND.split(rows), targets_N.split(rows), gradient_x.split(rows), strict=True):
            u = product(x.to(head_VD.dtype) / cap, head_VD)
            nll, by_logits = pointwise(u, targets, cap, dtype)
            total += nll.sum(dtype=total.dtype)
            gradient.copy_(by_logits @ head_low)
            gradient_head += by_logits.T @ x
        ctx.save_for_backward(gradient_x.div_(positions), gradient_head.div_(positions))
        return (total / positions).to(head_VD.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        gradient_x, gradient_head = ctx.saved_tensors
        (scale,) = gradients
        return gradient_x * scale.to(gradient_x.dtype), gradient_head * scale, None, None, None
