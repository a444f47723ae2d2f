"""The training loop: batches -> weights, on one process or many.

A step: fake quantisation once it is due, gradients accumulated over micro-batches, clipping, Muon and AdamW,
averages, log; then validation and checkpoint where they fall due. Everything a step depends on is in the
checkpoint, so an interrupted run continues as if nothing had happened, on any number of processes.
All of them take the same way through here; process 0 alone reads the clock, writes and speaks.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from bytegolf.errors import InputError, InterruptedRunError
from bytegolf.model.weights import Weights
from bytegolf.runtime.interruption import interruption
from bytegolf.runtime.progress import Progress
from bytegolf.storage.run_folder import RunFolder
from bytegolf.text.batches import Batches, run_batches
from bytegolf.text.shards import TokenStream
from bytegolf.training.checkpoint import Checkpoint, State, newest_checkpoint, save_checkpoint, shared_checkpoint
from bytegolf.training.learner import Learner
from bytegolf.training.log import EventLog, NoLog
from bytegolf.training.schedule import Clock, fake_quant_due, learning_rate_scale
from bytegolf.training.throughput import Throughput
from bytegolf.training.trackers import trackers
from bytegolf.training.warmup import warm_up

Validate = Callable[[Weights, int], dict[str, float | None]]  # weights and how many held-out bytes to score, 0 for all


@dataclass(frozen=True)
class SharedState:
    """What all processes agree on between two steps."""

    progress: float
    done: bool
    interrupted: bool


@dataclass
class Trainer:
    """One run: who learns, by which clock, from which tokens, and where it is kept."""

    learner: Learner
    tokens: TokenStream
    run: RunFolder
    fingerprint: dict[str, str]  # what must not change when the run resumes: data, tokenizer, replay
    clock: Clock

    def __post_init__(self) -> None:
        self.recipe, self.group = self.learner.recipe, self.learner.group
        self.position = 0  # sequences consumed by all processes
        self.throughput = Throughput.of(self.clock, self.recipe, self.learner.device, self.learner.model.compute_dtype, self.group.size)

    def fit(self, validate: Validate) -> Weights:
        """Train to the end of the clock and return the final averaged weights.

        Raises InterruptedRunError, or InputError if the loss diverges.
        """
        config = self.recipe.train
        log_bytes = self._resume()
        if not self._shared_state(interrupted=False).done:
            if config.compile:
                self.learner.compile()
            warm_up(self.learner, config.warmup_steps)
        self.throughput.explain()
        with (
            self._log(log_bytes) as log,
            run_batches(self.recipe, self.tokens, self.position, self.group) as batches,
            interruption(insist=self.group.size == 1) as interrupted,
            self._progress() as progress,
        ):
            turn = self._shared_state(interrupted())
            while not turn.done:
                note = self._step(turn.progress, batches, log)
                turn = self._shared_state(interrupted())
                progress.advance(self._work_done() - progress.done, note)
                if turn.interrupted:
                    self._save(log)
                    raise InterruptedRunError(f"{self.run.root}: stopped at step {self.clock.step}; continue with --resume")
                if _due(config.verify_every, self.clock.step):
                    self.learner.verify(self.clock.step)
                if turn.done:
                    break
                if _due(config.validate_every, self.clock.step):
                    self._require_finite(self.learner.weights)
                    log.write("validate", step=self.clock.step, **validate(self.learner.weights, config.validate_bytes))
                if _due(config.checkpoint_every, self.clock.step):
                    self._save(log)
            final = self.learner.averages.best(self.learner.weights)
            self._require_finite(final)
            log.write("validate", step=self.clock.step, **validate(final, 0))
            log.write("done", step=self.clock.step, seconds=self.clock.seconds)
        return final

    def _shared_state(self, interrupted: bool) -> SharedState:
        """Progress and the end are process 0's, whose clock is the only one (defect A4); any process may be interrupted."""
        done = self.clock.done
        mine = (1.0 if done else self.clock.progress, done) if self.group.is_main else (0.0, False)
        progress, done, interrupted = self.group.sum_(torch.tensor([*mine, interrupted], dtype=torch.float64)).tolist()
        return SharedState(progress, bool(done), bool(interrupted))

    def _step(self, progress: float, batches: Batches, log: EventLog) -> str:
        """One optimiser step; returns a note for the progress bar."""
        if self.recipe.train.max_seconds:  # what no other run would measure, so that this one can be replayed
            log.record("clock", step=self.clock.step, progress=progress)
        scale = learning_rate_scale(self.clock.step, progress, self.recipe.train)
        if self.learner.grid is None and fake_quant_due(progress, scale, self.recipe.qat):
            bits = self.learner.start_fake_quant()
            log.write("qat", step=self.clock.step, bits=dict(bits))
        with self.clock.running():
            mean = float(self.learner.step(next(batches), self.clock.step, scale))
        self.position = batches.position
        if not math.isfinite(mean):
            raise self._diverged(f"a finite loss, found {mean}")
        if self.clock.step % self.recipe.train.log_every == 0 or self.clock.done:
            state = {"lr_scale": scale, "progress": progress, "qat": self.learner.fake_quant}
            log.write("step", step=self.clock.step, loss=mean, **state, **self.throughput.read())
        return f"step {self.clock.step}, loss {mean:.3f}"

    def _require_finite(self, weights: Weights) -> None:
        """Before weights are scored or kept: a checkpoint or a run of infinities is worth nothing."""
        for name, weight in weights.items():
            if not weight.isfinite().all():
                raise self._diverged(f"finite weights, found others in {name}")

    def _diverged(self, expectation: str) -> InputError:
        kept = self.group.once(lambda: newest_checkpoint(self.run.checkpoints)) or "none"
        return InputError(
            f"training diverged: expected {expectation} at step {self.clock.step}; last good checkpoint: {kept}; try lower learning rates"
        )

    def _save(self, log: EventLog) -> None:
        tensors, numbers = self.learner.state()
        self._require_finite(tensors)
        if not self.group.is_main:
            return
        state = State(
            step=self.clock.step,
            seconds=self.clock.seconds,
            position=self.position,
            fake_quant=self.learner.grid is not None,
            swa_count=self.learner.averages.swa_count,
            optimizers=numbers,
            log_bytes=log.position,
            fingerprint=self.fingerprint,
        )
        save_checkpoint(self.run.checkpoints, self.clock.step, Checkpoint(tensors, state))

    def _resume(self) -> tuple[int, int]:
        """Continue from the newest checkpoint, if there is one; returns how much of the log still holds."""
        device = self.learner.device
        checkpoint = shared_checkpoint(self.run.checkpoints, device, self.group)
        if checkpoint is None:
            self.learner.replicate()
            return 0, 0
        state = checkpoint.state
        for key, value in self.fingerprint.items():
            if state.fingerprint.get(key) != value:
                raise InputError(f"{self.run.root}: expected the {key} the run began with, found another; resume with the same")
        self.learner.restore(checkpoint)
        self.clock.step, self.clock.seconds = state.step, state.seconds
        self.position = state.position
        self.throughput.start()
        return state.log_bytes

    @contextmanager
    def _log(self, keep_bytes: tuple[int, int]) -> Iterator[EventLog]:
        if not self.group.is_main:
            yield NoLog()
            return
        with trackers(self.recipe, self.run) as track, EventLog(self.run.log, self.run.text_log, keep_bytes, track) as log:
            yield log

    def _progress(self) -> Progress:
        total, unit = (self.clock.max_seconds, "s") if self.clock.max_seconds else (self.clock.max_steps, "steps")
        return Progress("train", total, unit, done=self._work_done())

    def _work_done(self) -> float:
        return self.clock.seconds if self.clock.max_seconds else self.clock.step


def _due(every: int, step: int) -> bool:
    return every > 0 and step % every == 0
