"""The one clock of a run, and what follows from it: learning rates, the start of QAT, Muon's momentum."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from bytegolf.config import OptimConfig, QatConfig, TrainConfig


@dataclass
class Clock:
    """The progress of a run in [0, 1], from steps or from active seconds, whichever cap is nearer; a cap of 0 is none.

    Only time inside `running()` counts, so compiling and validation are free.
    """

    max_steps: int
    max_seconds: float
    step: int = 0
    seconds: float = 0.0

    @classmethod
    def of(cls, config: TrainConfig) -> "Clock":
        """Return the clock of a new run."""
        return cls(config.max_steps, config.max_seconds)

    @property
    def progress(self) -> float:
        """Return the share of the run that is behind it."""
        by_steps = self.step / self.max_steps if self.max_steps else 0.0
        by_seconds = self.seconds / self.max_seconds if self.max_seconds else 0.0
        return min(1.0, max(by_steps, by_seconds))

    @property
    def done(self) -> bool:
        """Return whether no step is left, or the next would end further past the time cap than the last ended before it."""
        if self.max_steps and self.step >= self.max_steps:
            return True
        if not self.max_seconds:
            return False
        return self.seconds + 0.5 * self.seconds / max(self.step, 1) >= self.max_seconds

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count what is done in here as one step of training, and its time."""
        began = time.perf_counter()
        yield
        self.seconds += time.perf_counter() - began
        self.step += 1


@dataclass
class RecordedClock(Clock):
    """The clock of an earlier run: `recorded` is its progress at the beginning of each of its `max_steps` steps."""

    recorded: Sequence[float] = ()

    @property
    def progress(self) -> float:
        """Return what the earlier run's clock said at this step."""
        return self.recorded[self.step]


def learning_rate_scale(step: int, progress: float, config: TrainConfig) -> float:
    """Return the factor on all learning rates: 1, then falling linearly to 0 over the last share of the run."""
    share = warmdown_share(step, progress, config)
    return min(1.0, (1.0 - progress) / share) if share else 1.0


def warmdown_share(step: int, progress: float, config: TrainConfig) -> float:
    """Return the share of the run over which learning rates fall.

    At the pace so far the run has `step / progress` steps. A warm-down of more steps than that takes the whole run and
    begins at 1, so that a short run has the shape of a long one and never starts at a fraction of its learning rates.
    """
    if not config.warmdown_steps:
        return config.warmdown
    return min(1.0, config.warmdown_steps * progress / step) if step else 1.0


def qat_due(progress: float, learning_rate_scale: float, config: QatConfig) -> bool:
    """Return whether QAT starts now, if it has not started."""
    return progress >= config.start < 1 or learning_rate_scale < config.below_scale


def muon_momentum(step: int, config: OptimConfig) -> float:
    """Return Muon's momentum, which rises linearly from `momentum_start` to `momentum` over the warm-up steps."""
    share = min(1.0, step / config.momentum_warmup_steps) if config.momentum_warmup_steps else 1.0
    return config.momentum_start + share * (config.momentum - config.momentum_start)
