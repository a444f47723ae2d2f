"""What a run costs as it goes: time of a step, tokens per second, share of the device's peak, memory."""

from dataclasses import dataclass

import torch

from bytegolf.config import Recipe
from bytegolf.model.flops import training_flops_per_token
from bytegolf.runtime.device import peak_flops, peak_memory
from bytegolf.runtime.progress import say
from bytegolf.training.schedule import Clock


@dataclass
class Throughput:
    """Reads a clock. Every reading is of the steps since the one before: cumulative figures hide what happens late (defect B2)."""

    clock: Clock
    recipe: Recipe
    device: torch.device
    peak: float | None = None  # FLOP/s of all processes, where it is known

    @classmethod
    def of(cls, clock: Clock, recipe: Recipe, device: torch.device, dtype: torch.dtype, processes: int) -> "Throughput":
        peak = peak_flops(device) if dtype == torch.bfloat16 else None
        return cls(clock, recipe, device, peak and peak * processes)

    def __post_init__(self) -> None:
        self.flops = training_flops_per_token(self.recipe)
        self.start()

    def start(self) -> None:
        """Read from here."""
        self.step, self.seconds = self.clock.step, self.clock.seconds

    def explain(self) -> None:
        """Say what MFU is a share of."""
        if self.peak:
            say(f"mfu: tokens/s · {self.flops:,} FLOPs a token / {self.peak:.4g} FLOP/s (dense bfloat16 peak of all devices)")

    def read(self) -> dict[str, float]:
        """`seconds` so far; `step_ms`, `tokens_per_second` and `mfu` since the last reading; `peak_memory_mb` of this process."""
        steps, seconds = self.clock.step - self.step, self.clock.seconds - self.seconds
        speed = steps * self.recipe.train.batch_tokens / seconds
        self.start()
        return {
            "seconds": self.clock.seconds,
            "step_ms": 1e3 * seconds / steps,
            "tokens_per_second": speed,
            **({"mfu": speed * self.flops / self.peak} if self.peak else {}),
            "peak_memory_mb": peak_memory(self.device) / 1e6,
        }
