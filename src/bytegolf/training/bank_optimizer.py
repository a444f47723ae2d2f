"""What every optimiser of banks shares: the work on their matrices is shared out among the processes, and so is what it remembers.

A bank is a stack of matrices (n, rows, columns). Of n matrices each of W processes keeps what is remembered of ⌈n/W⌉ and computes
the updates of those; the updates travel in the precision in which they were computed, and every process applies all of them to its
float32 replica. An optimiser says what the update is; checkpoints and any number of processes follow.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from bytegolf.config import OptimConfig
from bytegolf.runtime.parallel import ALONE, Group, Transfer


@dataclass(frozen=True)
class SummedGradient:
    """A bank and this process's part of its gradient, which is being summed over all processes."""

    parameter: Tensor
    gradient: Transfer


class BankOptimizer(Optimizer, ABC):
    """Moves banks by updates that `update` computes, with decoupled weight decay.

    `settings` of all banks are `lr`, `momentum` and `weight_decay`, and what else a kind of optimiser needs.
    """

    def __init__(self, parameters: Iterable[Tensor], settings: dict[str, Any], group: Group = ALONE) -> None:
        super().__init__(parameters, {"momentum": 0.0, "weight_decay": 0.0, **settings})
        self.group = group

    @abstractmethod
    def update(self, gradient: Tensor, state: dict[str, Tensor], settings: Mapping[str, Any]) -> Tensor:
        """Return what this process's part of a bank is moved against, like `gradient` (matrices, rows, columns).

        `state` is empty at first; tensors of the same shape that are left in it are there again in the next step.
        """

    def rate(self, bank: Tensor, settings: Mapping[str, Any]) -> float:
        """Return how far a bank is moved along its update."""
        rate: float = settings["lr"]
        return rate

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
            update = self.update(summed.gradient.wait().mul_(clip), self.state[bank], settings[bank])
            travelling.append((bank, self.group.begin_join(update, len(bank))))
            if len(travelling) > 1:
                self._apply(*travelling.pop(0), settings)
        for last in travelling:
            self._apply(*last, settings)

    def state_dict(self) -> dict[str, Any]:
        """Return the state as a single process would keep it, whatever their number; all of them have to call this."""
        saved = super().state_dict()
        rows = [len(bank) for group in self.param_groups for bank in group["params"]]
        state = {
            index: {name: self.group.begin_join(part, rows[index]).wait() for name, part in kept.items()}
            for index, kept in saved["state"].items()
        }
        return {**saved, "state": state}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Keep this process's part of what a single process would keep."""
        state = {
            index: {name: self.group.part(whole).clone() for name, whole in kept.items()} for index, kept in state_dict["state"].items()
        }
        super().load_state_dict({**state_dict, "state": state})

    def _apply(self, bank: Tensor, update: Transfer, settings: Mapping[Tensor, dict[str, Any]]) -> None:
        """Decay a bank and move it by an update that all processes have joined."""
        own = settings[bank]
        bank.mul_(1 - own["lr"] * own["weight_decay"])
        bank.add_(update.wait(), alpha=-self.rate(bank, own))


MakeBankOptimizer = Callable[[Sequence[Tensor], OptimConfig, torch.dtype, Group], BankOptimizer]  # banks, rates, dtype of compute
