"""Averages of the weights, kept in float32: an exponential moving one (EMA) and a plain mean of late weights (SWA)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from bytegolf.config import AverageConfig
from bytegolf.model.weights import Weights


@dataclass
class Averages:
    """Both averages of a run, updated after each step; the run ends with `best`. An average that is off, or not begun, is empty."""

    config: AverageConfig
    ema: Weights = field(default_factory=dict)
    swa: Weights = field(default_factory=dict)
    swa_count: int = 0

    @torch.no_grad()
    def update(self, weights: Mapping[str, Tensor], step: int, learning_rate_scale: float) -> None:
        """Take in the weights after `step` steps: the EMA always, SWA every few steps once the learning rate is low."""
        if self.config.ema_decay:
            if self.ema:
                _move_towards(self.ema, weights, 1 - self.config.ema_decay)
            else:
                self.ema = _copy(weights)
        if learning_rate_scale < self.config.swa_below and step % self.config.swa_every == 0:
            self.swa_count += 1
            if self.swa:
                _move_towards(self.swa, weights, 1 / self.swa_count)
            else:
                self.swa = _copy(weights)

    def restart(self) -> None:
        """Forget all weights so far: those trained without the grid would dominate the average."""
        self.ema, self.swa, self.swa_count = {}, {}, 0

    def best(self, weights: Mapping[str, Tensor]) -> Weights:
        """Return the EMA if there is one, else the SWA mean of at least two, else the weights themselves."""
        return self.ema or (self.swa if self.swa_count >= 2 else {}) or dict(weights)


def _move_towards(average: Weights, weights: Mapping[str, Tensor], share: float) -> None:
    """Move `average` by `share` of the way to `weights`, by name: an average from a checkpoint has another order than the model."""
    torch._foreach_lerp_(list(average.values()), [weights[name].float() for name in average], share)


def _copy(weights: Mapping[str, Tensor]) -> Weights:
    return {name: weight.detach().float().clone() for name, weight in weights.items()}
