"""Which optimiser moves which weight: Muon the banks, AdamW everything else, one learning rate per kind of weight.

Every optimiser takes a step in two calls: `begin` sets its gradients off to be summed over all processes, `finish` moves the
weights once the norm of all gradients together is known. Another one for the banks is a `BankOptimizer` beside `muon`,
passed as `make_banks` (docs/how-to-extend.md). What a checkpoint keeps follows from its place in `Optimizers.all`.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from bytegolf.config import OptimConfig
from bytegolf.model.kernels import precision_of_sums
from bytegolf.model.weights import weight_class
from bytegolf.runtime.parallel import ALONE, Group, Transfer
from bytegolf.training.adamw import FlatAdamW
from bytegolf.training.bank_optimizer import MakeBankOptimizer, SummedGradient
from bytegolf.training.muon import Muon
from bytegolf.training.schedule import muon_momentum


class Optimizers:
    """The optimisers of a model, stepped as one."""

    def __init__(
        self,
        model: nn.Module,
        config: OptimConfig,
        compute_dtype: torch.dtype,
        group: Group = ALONE,
        make_banks: MakeBankOptimizer = Muon.of,
    ) -> None:
        self.config, self.group = config, group
        banks = _parameters(model, lambda name: weight_class(name) in ("mlp", "attention"))
        self.banks = make_banks(banks, config, compute_dtype, group)
        decay = config.weight_decay
        groups = [
            (_parameters(model, lambda name: weight_class(name) == "table" or name == "tokens"), config.embed_lr, decay),
            (_parameters(model, lambda name: weight_class(name) == "projection"), config.projection_lr, decay),
            (_parameters(model, lambda name: weight_class(name) == "control"), config.scalar_lr, 0.0),
            (_parameters(model, lambda name: name == "head"), config.head_lr, 0.0),
        ]
        self.adam = FlatAdamW(
            [{"params": members, "lr": lr, "weight_decay": decay} for members, lr, decay in groups if members],
            betas=(config.beta1, config.beta2),
            eps=config.adam_eps,
            fused=True,
        )
        self.all: dict[str, Optimizer] = {type(self.banks).__name__.lower(): self.banks, "adam": self.adam}
        self.base_rates = {name: [group["lr"] for group in optimizer.param_groups] for name, optimizer in self.all.items()}

    def step(self, step: int, scale: float) -> None:
        """Sum the gradients over all processes, clip their global norm, and move all weights at `scale` times their base rates.

        Nothing is waited for before all gradients are under way. They are dropped in the end.
        """
        banks, others = self.banks.begin(), self.adam.begin(self.group)
        for name, optimizer in self.all.items():
            for group, base in zip(optimizer.param_groups, self.base_rates[name], strict=True):
                group["lr"] = base * scale
        self.banks.param_groups[0]["momentum"] = muon_momentum(step, self.config)
        clip = self._clip(banks, others) if self.config.grad_clip else 1.0
        self.banks.finish(banks, clip)
        self.adam.finish(others, clip)
        for optimizer in self.all.values():
            optimizer.zero_grad()

    def _clip(self, banks: Sequence[SummedGradient], others: Transfer) -> Tensor:
        """Return the factor that brings the norm of all gradients to `grad_clip` at most.

        The norm is that of the sums over all processes, so it does not depend on their number. Each process has a part of the
        banks' sums and all of the others', which the main process alone counts.
        """
        parts, rest = [bank.gradient.wait() for bank in banks], others.wait()
        counted = [*parts, rest] if self.group.is_main else parts
        norms = torch.stack(torch._foreach_norm(counted))
        squares = norms.to(precision_of_sums(norms.device)).square().sum()
        norm = self.group.sum_(squares).sqrt()
        return (self.config.grad_clip / (norm + 1e-6)).clamp(max=1.0).float()


def _parameters(model: nn.Module, accepts: Callable[[str], bool]) -> list[nn.Parameter]:
    """Return the parameters whose names are accepted, in the model's order."""
    return [parameter for name, parameter in model.named_parameters() if accepts(name)]
