"""Who moves which weight: Muon the banks, AdamW everything else, one learning rate per kind of weight."""

from collections.abc import Callable

import torch
from torch import nn
from torch.optim import AdamW, Optimizer

from bytegolf.config import OptimConfig
from bytegolf.model.gpt import weight_class
from bytegolf.train.muon import Muon
from bytegolf.train.schedule import muon_momentum


class Optimizers:
    """The optimisers of a model, stepped as one."""

    def __init__(self, model: nn.Module, config: OptimConfig, compute_dtype: torch.dtype) -> None:
        self.config = config
        self.parameters = list(model.parameters())
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
        self.muon = Muon(banks, config.matrix_lr, config.matrix_weight_decay, config.newton_schulz_steps, compute_dtype)
        self.adam = AdamW(
            [{"params": members, "lr": lr, "weight_decay": decay} for members, lr, decay in groups if members],
            betas=(config.beta1, config.beta2),
            eps=config.adam_eps,
            fused=True,
        )
        self.all: dict[str, Optimizer] = {"muon": self.muon, "adam": self.adam}
        self.base_rates = {name: [group["lr"] for group in optimizer.param_groups] for name, optimizer in self.all.items()}

    def step(self, step: int, scale: float) -> None:
        """Clip the global gradient norm, move all weights at `scale` times their base rates, and drop the gradients."""
        if self.config.grad_clip:
            nn.utils.clip_grad_norm_(self.parameters, self.config.grad_clip)
        self.muon.param_groups[0]["momentum"] = muon_momentum(step, self.config)
        for name, optimizer in self.all.items():
            for group, base in zip(optimizer.param_groups, self.base_rates[name], strict=True):
                group["lr"] = base * scale
            optimizer.step()
            optimizer.zero_grad()
