"""Muon: momentum whose update is made orthogonal, for stacks of matrices (Jordan et al. 2024, kellerjordan.github.io/posts/muon)."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)


def orthogonalise(gradient: Tensor, steps: int, dtype: torch.dtype) -> Tensor:
    """Approximate U Vᵀ of each matrix's singular value decomposition, (..., rows, columns), in `dtype`.

    The quintic Newton–Schulz iteration drives singular values into about [0.7, 1.2], which serves as well as 1 here.
    """
    a, b, c = NEWTON_SCHULZ
    x = gradient.to(dtype).reshape(-1, *gradient.shape[-2:])
    tall = x.shape[-2] > x.shape[-1]
    if tall:
        x = x.mT.contiguous()
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        square = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(square, square, square, beta=b, alpha=c), x, beta=a)
    return (x.mT if tall else x).reshape(gradient.shape)


class Muon(Optimizer):
    """Nesterov momentum in float32, orthogonalised in `dtype`, with decoupled weight decay.

    Parameters are (matrices, rows, columns); a step moves each matrix by lr · sqrt(max(1, rows/columns)) in spectral norm.
    """

    def __init__(self, parameters: Iterable[Tensor], lr: float, weight_decay: float, newton_schulz_steps: int, dtype: torch.dtype) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": 0.0, "weight_decay": weight_decay, "steps": newton_schulz_steps})
        self.dtype = dtype

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Move every parameter that has a gradient."""
        assert closure is None
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._move(parameter, parameter.grad, group)

    def _move(self, parameter: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[parameter]
        if not state:
            state["momentum"] = torch.zeros_like(parameter)
        momentum = state["momentum"].mul_(group["momentum"]).add_(gradient)
        update = orthogonalise(gradient.add(momentum, alpha=group["momentum"]), group["steps"], self.dtype)
        scale = max(1.0, parameter.shape[-2] / parameter.shape[-1]) ** 0.5
        parameter.mul_(1 - group["lr"] * group["weight_decay"])
        parameter.add_(update, alpha=-group["lr"] * scale)
