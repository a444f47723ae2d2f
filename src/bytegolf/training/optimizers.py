"""Who moves which weight: Muon the banks, AdamW everything else, one learning rate per kind of weight.

Between processes a step passes the banks' gradients and the clipping norm, and back the banks' updates (see
`bytegolf.training.muon`); all other gradients together are one transfer, and every process moves those weights itself.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from bytegolf.config import OptimConfig
from bytegolf.model.weights import weight_class
from bytegolf.runtime.parallel import ALONE, Group, Transfer
from bytegolf.training.muon import Muon, Reduced
from bytegolf.training.schedule import muon_momentum


class Optimizers:
    """The optimisers of a model, stepped as one."""

    def __init__(self, model: nn.Module, config: OptimConfig, compute_dtype: torch.dtype, group: Group = ALONE) -> None:
        self.config, self.group = config, group
        named = list(model.named_parameters())

        def chosen(accepts: Callable[[str], bool]) -> list[nn.Parameter]:
            return [parameter for name, parameter in named if accepts(name)]

        decay = config.weight_decay
        groups = [
            (chosen(lambda name: weight_class(name) == "table" or name == "tokens"), config.embed_lr, decay),
            (chosen(lambda name: weight_class(name) == "projection"), config.projection_lr, decay),
            (chosen(lambda name: weight_class(name) == "control"), config.scalar_lr, 0.0),
            (chosen(lambda name: name == "head"), config.head_lr, 0.0),
        ]
        banks = chosen(lambda name: weight_class(name) in ("mlp", "attention"))
        self.muon = Muon(banks, config.matrix_lr, config.matrix_weight_decay, config.newton_schulz_steps, compute_dtype, group)
        self.adam = AdamW(
            [{"params": members, "lr": lr, "weight_decay": decay} for members, lr, decay in groups if members],
            betas=(config.beta1, config.beta2),
            eps=config.adam_eps,
            fused=True,
        )
        self.all: dict[str, Optimizer] = {"muon": self.muon, "adam": self.adam}
        self.base_rates = {name: [group["lr"] for group in optimizer.param_groups] for name, optimizer in self.all.items()}

    def step(self, step: int, scale: float) -> None:
        """Sum the gradients over all processes, clip their global norm, move all weights at `scale` times their base rates.

        Gradients are dropped. Nothing is waited for before all of them are under way.
        """
        banks = self.muon.begin()
        others = self._begin_others()
        for name, optimizer in self.all.items():
            for group, base in zip(optimizer.param_groups, self.base_rates[name], strict=True):
                group["lr"] = base * scale
        self.muon.param_groups[0]["momentum"] = muon_momentum(step, self.config)
        clip = self._clip(banks, others) if self.config.grad_clip else 1.0
        self.muon.finish(banks, clip)
        others.wait().mul_(clip)  # the gradients are views of it
        self.adam.step()
        for optimizer in self.all.values():
            optimizer.zero_grad()

    def _begin_others(self) -> Transfer:
        """Set AdamW's gradients off, as one tensor of which they become views."""
        members = [parameter for group in self.adam.param_groups for parameter in group["params"] if parameter.grad is not None]
        flat = torch.cat([parameter.grad.flatten() for parameter in members])
        for parameter, part in zip(members, flat.split([parameter.numel() for parameter in members]), strict=True):
            parameter.grad = part.view_as(parameter)
        return self.group.begin_sum(flat)

    def _clip(self, banks: Sequence[Reduced], others: Transfer) -> Tensor:
        """What to multiply all gradients with: of their sum, so that it does not depend on how many processes there are."""
        parts, whole = [bank.gradient.wait() for bank in banks], others.wait()
        counted = [*parts, whole] if self.group.is_main else parts  # once, what all of them hold
        squares = torch.stack(torch._foreach_norm(counted)).double().square().sum()
        norm = self.group.sum_(squares).sqrt()
        return (self.config.grad_clip / (norm + 1e-6)).clamp(max=1.0).float()
