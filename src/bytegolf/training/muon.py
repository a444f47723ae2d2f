"""Muon: momentum whose update is made orthogonal, for banks of matrices (Jordan et al. 2024, kellerjordan.github.io/posts/muon)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from bytegolf.runtime.parallel import ALONE, Group, Transfer

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


@dataclass(frozen=True)
class SummedGradient:
    """A bank and this process's part of its gradient, which is being summed over all processes."""

    parameter: Tensor
    gradient: Transfer


class Muon(Optimizer):
    """Nesterov momentum in float32, orthogonalised in `dtype`, with decoupled weight decay; the work is shared out among processes.

    Parameters are banks (matrices, rows, columns); a step moves each matrix by lr · sqrt(max(1, rows/columns)) in spectral
    norm. Of n matrices each of W processes keeps the momentum of ⌈n/W⌉ and orthogonalises those; the updates travel in
    `dtype`, in which they were computed, and every process applies all of them to its float32 replica.
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
        super().__init__(parameters, {"lr": lr, "momentum": 0.0, "weight_decay": weight_decay, "steps": newton_schulz_steps})
        self.dtype, self.group = dtype, group

    def begin(self) -> list[SummedGradient]:
        """Begin to sum the gradients of all banks over the processes, the largest bank first, without waiting for any."""
        banks = [parameter for group in self.param_groups for parameter in group["params"] if parameter.grad is not None]
        return [SummedGradient(bank, self.group.begin_sum_part(bank.grad)) for bank in sorted(banks, key=Tensor.numel, reverse=True)]

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Move every parameter that has a gradient."""
        assert closure is None
        self.finish(self.begin())

    @torch.no_grad()
    def finish(self, gradients: Sequence[SummedGradient], clip: Tensor | float = 1.0) -> None:
        """Move the banks by `clip` times their gradients. A bank's update travels while the next one's is computed."""
        settings = {bank: group for group in self.param_groups for bank in group["params"]}
        travelling: list[tuple[Tensor, Transfer]] = []
        for summed in gradients:
            bank = summed.parameter
            update = self._update(bank, summed.gradient.wait().mul_(clip), settings[bank])
            travelling.append((bank, self.group.begin_join(update, len(bank))))
            if len(travelling) > 1:
                _apply(*travelling.pop(0), settings)
        for last in travelling:
            _apply(*last, settings)

    def state_dict(self) -> dict[str, Any]:
        """Return the state as a single process would keep it, whatever their number; all of them have to call this."""
        saved = super().state_dict()
        rows = [len(bank) for group in self.param_groups for bank in group["params"]]
        state = {index: {"momentum": self.group.begin_join(kept["momentum"], rows[index]).wait()} for index, kept in saved["state"].items()}
        return {**saved, "state": state}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Keep this process's part of what a single process would keep."""
        state = {index: {"momentum": self.group.part(kept["momentum"]).clone()} for index, kept in state_dict["state"].items()}
        super().load_state_dict({**state_dict, "state": state})

    def _update(self, bank: Tensor, gradient: Tensor, settings: dict[str, Any]) -> Tensor:
        """Move the momentum of this process's part of a bank, and return the orthogonal update."""
        state = self.state[bank]
        if not state:
            state["momentum"] = torch.zeros_like(gradient)
        momentum = state["momentum"].mul_(settings["momentum"]).add_(gradient)
        return orthogonalise(gradient.add(momentum, alpha=settings["momentum"]), settings["steps"], self.dtype)


def _apply(bank: Tensor, update: Transfer, settings: Mapping[Tensor, dict[str, Any]]) -> None:
    """Decay a bank and move it by an update that all processes have joined."""
    lr, decay = settings[bank]["lr"], settings[bank]["weight_decay"]
    bank.mul_(1 - lr * decay)
    bank.add_(update.wait(), alpha=-lr * max(1.0, bank.shape[-2] / bank.shape[-1]) ** 0.5)
