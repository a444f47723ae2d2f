"""NorMuon: Muon whose rows move alike (Li et al. 2025, arXiv 2510.05491)."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from bytegolf.config import OptimConfig
from bytegolf.runtime.parallel import Group
from bytegolf.training.bank_optimizer import BankOptimizer
from bytegolf.training.muon import Muon

EPSILON = 1e-8


class NorMuon(Muon):
    """Muon's update with each row over its root mean square, as that was lately; the matrix is as long as Muon's in the end.

    Rows of an orthogonal matrix are of one length, those of Newton–Schulz's are not, and neurons whose rows are short learn late.
    The setting `beta2` is the decay of the mean squares. They are not corrected for having begun at 0: the length undoes it.
    """

    @classmethod
    def of(cls, banks: Sequence[Tensor], config: OptimConfig, dtype: torch.dtype, group: Group) -> "NorMuon":
        """Return a recipe's NorMuon."""
        made = cls(banks, config.matrix_lr, config.matrix_weight_decay, config.newton_schulz_steps, dtype, group)
        made.param_groups[0]["beta2"] = config.normuon_beta2
        return made

    def update(self, gradient: Tensor, state: dict[str, Tensor], settings: Mapping[str, Any]) -> Tensor:
        """Return the update, after moving the momentum and the rows' mean squares."""
        update = super().update(gradient, state, settings).float()
        squares = update.square().mean(dim=-1, keepdim=True)
        if "squares" not in state:
            state["squares"] = torch.zeros_like(squares)
        mean_squares = state["squares"].lerp_(squares, 1 - settings["beta2"])
        even = update / (mean_squares.sqrt() + EPSILON)
        length = update.norm(dim=(-2, -1), keepdim=True) / (even.norm(dim=(-2, -1), keepdim=True) + EPSILON)
        return (even * length).to(self.dtype)


def bank_optimizer(banks: Sequence[Tensor], config: OptimConfig, dtype: torch.dtype, group: Group) -> BankOptimizer:
    """Return a recipe's optimiser of banks: NorMuon if it has a decay of mean squares, else Muon."""
    kind = NorMuon if config.normuon_beta2 else Muon
    return kind.of(banks, config, dtype, group)
