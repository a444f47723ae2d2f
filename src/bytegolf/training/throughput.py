"""The speed of a run as it goes: time per step, tokens per second, share of the device's peak, memory."""

import torch

from bytegolf.config import Recipe
from bytegolf.model.flops import training_flops_per_token
from bytegolf.runtime.device import peak_flops, peak_memory
from bytegolf.runtime.progress import say
from bytegolf.training.schedule import Clock


class Throughput:
    """Speed read off a run's clock. Every reading covers the steps since the one before: cumulative figures hide a late slowdown.

    `peak` is the FLOP/s of all processes together, None where it is not known.
    """

    def __init__(self, clock: Clock, recipe: Recipe, device: torch.device, peak: float | None = None) -> None:
        self.clock, self.recipe, self.device, self.peak = clock, recipe, device, peak
        self.flops_per_token = training_flops_per_token(recipe)
        self.start()

    @classmethod
    def of(cls, clock: Clock, recipe: Recipe, device: torch.device, dtype: torch.dtype, processes: int) -> "Throughput":
        """Return the throughput of a run on `processes` devices like `device`, whose peak is looked up."""
        peak = peak_flops(device) if dtype == torch.bfloat16 else None
        return cls(clock, recipe, device, peak and peak * processes)

    def start(self) -> None:
        """Begin the next reading here."""
        self.step, self.seconds = self.clock.step, self.clock.seconds

    def explain(self) -> None:
        """Report the formula of MFU, model FLOPs utilisation, where it will be logged."""
        if self.peak:
            say(f"mfu: tokens/s · {self.flops_per_token:,} FLOPs a token / {self.peak:.4g} FLOP/s (dense bfloat16 peak of all devices)")

    def read(self) -> dict[str, float]:
        """Return `seconds` so far, `step_ms`, `tokens_per_second` and `mfu` since the last reading, and this process's `peak_memory_mb`."""
        steps, seconds = self.clock.step - self.step, self.clock.seconds - self.seconds
        speed = steps * self.recipe.train.batch_tokens / seconds
        self.start()
        return {
            "seconds": self.clock.seconds,
            "step_ms": 1e3 * seconds / steps,
            "tokens_per_second": speed,
            **({"mfu": speed * self.flops_per_token / self.peak} if self.peak else {}),
            "peak_memory_mb": peak_memory(self.device) / 1e6,
        }
