"""A model that compiles itself once enough work is left for that to pay."""

import time

import torch
from torch import Tensor

from bytegolf.model.gpt import GPT
from bytegolf.model.parts import Parts, compiled_parts
from bytegolf.progress import say

PAYS = 180.0  # seconds of work: compiling takes half a minute, and saves a quarter of a small model's time on a CPU

Shape = tuple[torch.Size, torch.Size]


class Compiling:
    """Gives a model's costs of batches that are to hold `targets` targets.

    When two batches of one shape follow each other, the time between them tells how much is left. Every shape costs
    a compilation, so only batches of this one run compiled: neither the first window nor the last batch.
    """

    def __init__(self, model: GPT, targets: int) -> None:
        self.model, self.left = model, targets
        self.shape: Shape | None = None
        self.began = 0.0
        self.compiled: tuple[Shape, Parts] | None = None

    def nats(self, tokens_BT: Tensor, targets_Bn: Tensor) -> Tensor:
        """As the model's own, to rounding."""
        shape, now = (tokens_BT.shape, targets_Bn.shape), time.perf_counter()
        if self.compiled is None and shape == self.shape and (now - self.began) * self.left / targets_Bn.numel() > PAYS:
            self.compiled = shape, self._compile(tokens_BT, targets_Bn)
        self.shape, self.began = shape, now
        self.left -= targets_Bn.numel()
        if self.compiled is None or shape != self.compiled[0]:
            return self.model.nats(tokens_BT, targets_Bn)
        return self._run(self.compiled[1], tokens_BT, targets_Bn)

    def _compile(self, tokens_BT: Tensor, targets_Bn: Tensor) -> Parts:
        say("compile: begins, under a minute")
        parts = compiled_parts()
        try:
            self._run(parts, tokens_BT, targets_Bn)
        except RuntimeError as error:  # no C++ compiler, no headers, ...
            say(f"compile: not possible here, scoring goes on without ({str(error).strip().splitlines()[0]})")
            return self.model.parts
        return parts

    def _run(self, parts: Parts, tokens_BT: Tensor, targets_Bn: Tensor) -> Tensor:
        written, self.model.parts = self.model.parts, parts
        try:
            return self.model.nats(tokens_BT, targets_Bn)
        finally:
            self.model.parts = written
