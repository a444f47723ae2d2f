"""Muon: momentum whose update is made orthogonal, for banks of matrices (Jordan et al. 2024, kellerjordan.github.io/posts/muon)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from bytegolf.config import OptimConfig
from bytegolf.runtime.parallel import ALONE, Group
from bytegolf.training.bank_optimizer import BankOptimizer

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)


def orthogonalise(gradient: Tensor, steps: int, dtype: torch.dtype) -> Tensor:
    """Return about U Vᵀ of each matrix's singular value decomposition, (..., rows, columns), in `dtype`.

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


class Muon(BankOptimizer):
    """Nesterov momentum in float32, orthogonalised in `dtype`.

    A step moves each matrix by lr · sqrt(max(1, rows/columns)) in spectral norm.
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float,
        weight_decay: float,
        newton_schulz_steps: int,
        dtype: torch.dtype,
        group: Group = ALONE,
    ) -> None:
        super().__init__(parameters, {"lr": lr, "weight_decay": weight_decay, "steps": newton_schulz_steps}, group)
        self.dtype = dtype

    @classmethod
    def of(cls, banks: Sequence[Tensor], config: OptimConfig, dtype: torch.dtype, group: Group) -> "Muon":
        """Return a recipe's Muon."""
        return cls(banks, config.matrix_lr, config.matrix_weight_decay, config.newton_schulz_steps, dtype, group)

    def update(self, gradient: Tensor, state: dict[str, Tensor], settings: Mapping[str, Any]) -> Tensor:
        """Return the orthogonal update, after moving the momentum."""
        if not state:
            state["momentum"] = torch.zeros_like(gradient)
        momentum = state["momentum"].mul_(settings["momentum"]).add_(gradient)
        return orthogonalise(gradient.add(momentum, alpha=settings["momentum"]), settings["steps"], self.dtype)

    def rate(self, bank: Tensor, settings: Mapping[str, Any]) -> float:
        """Return how far a bank is moved along its update: tall matrices further."""
        rate: float = settings["lr"] * max(1.0, bank.shape[-2] / bank.shape[-1]) ** 0.5
        return rate
