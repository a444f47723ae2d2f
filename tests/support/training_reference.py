"""Training written out as its formulas say, one matrix at a time, in float64: slow, and sharing no code with `bytegolf.training`."""

import math

import numpy as np
import torch
from torch import Tensor

from bytegolf.config import OptimConfig

BANKS = {"banks.qo", "banks.kv", "banks.up", "banks.down"}


def newton_schulz(matrix: Tensor, steps: int) -> Tensor:
    """The quintic iteration on the matrix over its Frobenius norm, along the shorter side."""
    x = matrix.double()
    if x.shape[0] > x.shape[1]:
        return newton_schulz(matrix.T, steps).T
    x = x / (torch.linalg.matrix_norm(x) + 1e-7)
    for _ in range(steps):
        gram = x @ x.T
        x = 3.4445 * x - 4.7750 * gram @ x + 2.0315 * gram @ gram @ x
    return x


class PlainMuon:
    """One matrix: momentum, Nesterov's look ahead, orthogonal update, decoupled decay."""

    def __init__(self, weight: Tensor) -> None:
        self.weight, self.velocity = weight.double(), torch.zeros_like(weight, dtype=torch.float64)

    def step(self, gradient: Tensor, lr: float, momentum: float, decay: float, newton_schulz_steps: int) -> Tensor:
        gradient = gradient.double()
        self.velocity = momentum * self.velocity + gradient
        update = newton_schulz(gradient + momentum * self.velocity, newton_schulz_steps)
        rows, columns = self.weight.shape
        self.weight = self.weight - lr * decay * self.weight - lr * math.sqrt(max(1, rows / columns)) * update
        return self.weight


class PlainAdamW:
    """One tensor (Loshchilov & Hutter 2019, algorithm 2)."""

    def __init__(self, weight: Tensor) -> None:
        self.weight = weight.double()
        self.first, self.second = torch.zeros_like(self.weight), torch.zeros_like(self.weight)
        self.count = 0

    def step(self, gradient: Tensor, lr: float, beta1: float, beta2: float, eps: float, decay: float) -> Tensor:
        gradient = gradient.double()
        self.count += 1
        self.first = beta1 * self.first + (1 - beta1) * gradient
        self.second = beta2 * self.second + (1 - beta2) * gradient**2
        first, second = self.first / (1 - beta1**self.count), self.second / (1 - beta2**self.count)
        self.weight = self.weight - lr * decay * self.weight - lr * first / (second.sqrt() + eps)
        return self.weight


def base_rate_and_decay(name: str, config: OptimConfig) -> tuple[float, float]:
    """Return learning rate and decay as the baseline's table of groups has them; gains are not decayed, projections are AdamW's."""
    if name in BANKS:
        return config.matrix_lr, config.matrix_weight_decay
    if name == "tokens" or name.endswith(".table"):
        return config.embed_lr, config.weight_decay
    if name.endswith(".projection"):
        return config.projection_lr, config.weight_decay
    if name == "head":
        return config.head_lr, 0.0
    return config.scalar_lr, 0.0


class PlainOptimizer:
    """All parameters of a model, by name: clip globally, then move each."""

    def __init__(self, weights: dict[str, Tensor], config: OptimConfig) -> None:
        self.config = config
        self.matrices = {name: [PlainMuon(matrix) for matrix in weights[name]] for name in weights if name in BANKS}
        self.others = {name: PlainAdamW(weight) for name, weight in weights.items() if name not in BANKS}

    def step(self, gradients: dict[str, Tensor], step: int, scale: float) -> dict[str, Tensor]:
        """The weights after a step at `scale` times the base rates; `step` counts from 0."""
        config = self.config
        norm = math.sqrt(sum(float((gradient.double() ** 2).sum()) for gradient in gradients.values()))
        clip = min(1.0, config.grad_clip / (norm + 1e-6)) if config.grad_clip else 1.0
        warmup = config.momentum_warmup_steps
        momentum = config.momentum if step >= warmup else config.momentum_start + (config.momentum - config.momentum_start) * step / warmup
        moved = {}
        for name, gradient in gradients.items():
            rate, decay = base_rate_and_decay(name, config)
            if name in BANKS:
                parts = zip(self.matrices[name], gradient, strict=True)
                moved[name] = torch.stack(
                    [muon.step(clip * part, scale * rate, momentum, decay, config.newton_schulz_steps) for muon, part in parts]
                )
            else:
                adam = self.others[name]
                moved[name] = adam.step(clip * gradient, scale * rate, config.beta1, config.beta2, config.adam_eps, decay)
        return moved


def sequences(tokens: np.ndarray, length: int, count: int, seed: int) -> list[np.ndarray]:
    """The first `count` training sequences of a first epoch: `length` inputs and one more, in an order drawn from the seed."""
    order = np.random.Generator(np.random.PCG64([seed, 0])).permutation((len(tokens) - 1) // length)
    return [tokens[k * length : (k + 1) * length + 1].astype(np.int64) for k in order[:count]]


def nats_per_token(logits: Tensor, batch: Tensor) -> Tensor:
    """Return the mean of −log p(target) of (sequences, T + 1) tokens, from the logits of their T inputs."""
    logits = logits.float()
    log_p = logits - logits.logsumexp(dim=-1, keepdim=True)
    return -log_p.gather(-1, batch[:, 1:, None]).mean()
