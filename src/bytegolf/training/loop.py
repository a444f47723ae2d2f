"""The training loop: batches -> weights, on one process or many.

A step: QAT starts once it is due, gradients are accumulated over micro-batches and clipped, Muon and AdamW move the weights,
averages follow, the log is written; then validation and checkpoint where they fall due. Everything a step depends on is in the
checkpoint, so an interrupted run continues as if nothing had happened, on any number of processes.
All processes take the same way through here; the main process alone reads the clock, writes and speaks.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

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
from bytegolf.training.schedule import Clock, learning_rate_scale, qat_due
from bytegolf.training.throughput import Throughput
from bytegolf.training.trackers import trackers
from bytegolf.training.warmup import warm_up

Validate = Callable[[Weights, int], Mapping[str, float | None]]  # (weights, held-out bytes to score, 0 for all) -> values for the log


class SharedState(NamedTuple):
    """The facts that all processes agree on between two steps."""

    progress: float
    done: bool
    interrupted: bool


class Trainer:
    """One training run: its learner, its clock, its tokens, and the folder it is kept in.

    `fingerprint` holds what must not change when the run resumes: identities of data, tokenizer and the run it repeats.
    """

    def __init__(self, learner: Learner, tokens: TokenStream, run: RunFolder, fingerprint: dict[str, str], clock: Clock) -> None:
        self.learner, self.tokens, self.run, self.fingerprint, self.clock = learner, tokens, run, fingerprint, clock
        self.recipe, self.group = learner.recipe, learner.group
        self.position = 0  # sequences consumed by all processes
        self.throughput = Throughput.of(clock, self.recipe, learner.device, learner.model.compute_dtype, self.group.size)

    def fit(self, validate: Validate) -> Weights:
        """Train to the end of the clock and return the final averaged weights.

        Raises InterruptedRunError, or InputError if the loss diverges.
        """
        config = self.recipe.train
        log_bytes = self.resume()
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
            shared = self._shared_state(interrupted())
            while not shared.done:
                loss = self.train_step(shared.progress, batches, log)
                shared = self._shared_state(interrupted())
                progress.advance(self._work_done() - progress.done, f"step {self.clock.step}, loss {loss:.3f}")
                if shared.interrupted:
                    self._save(log)
                    raise InterruptedRunError(f"{self.run.root}: stopped at step {self.clock.step}; resume it to continue")
                if _due(config.verify_every, self.clock.step):
                    self.learner.verify(self.clock.step)
                if shared.done:
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
        """Agree on progress and the end by the main process's clock, and on whether any process was interrupted.

        Clocks differ: processes that each followed their own would use different learning rates, and their replicas would diverge.
        """
        done = self.clock.done
        own = (1.0 if done else self.clock.progress, done) if self.group.is_main else (0.0, False)
        progress, done, interrupted = self.group.sum_(torch.tensor([*own, interrupted], dtype=torch.float64)).tolist()
        return SharedState(progress, bool(done), bool(interrupted))

    def train_step(self, progress: float, batches: Batches, log: EventLog) -> float:
        """Take one optimiser step on the next batch, log it, and return the mean loss before it.

        Raises InputError if the loss is not finite.
        """
        if self.recipe.train.max_seconds:  # no other run would measure the same, so this lets the run be repeated
            log.record("clock", step=self.clock.step, progress=progress)
        scale = learning_rate_scale(self.clock.step, progress, self.recipe.train)
        if self.learner.grid is None and qat_due(progress, scale, self.recipe.qat):
            bits = self.learner.start_qat()
            log.write("qat", step=self.clock.step, bits=dict(bits))
        with self.clock.running():
            loss = float(self.learner.step(next(batches), self.clock.step, scale))
        self.position = batches.position
        if not math.isfinite(loss):
            raise self._diverged(f"a finite loss, found {loss}")
        if self.clock.step % self.recipe.train.log_every == 0 or self.clock.done:
            state = {"lr_scale": scale, "progress": progress, "qat": self.learner.rounds_weights}
            log.write("step", step=self.clock.step, loss=loss, **state, **self.throughput.read())
        return loss

    def _require_finite(self, weights: Weights) -> None:
        """Raise InputError if a weight is not finite: a checkpoint or a run of such weights is worth nothing."""
        for name, weight in weights.items():
            if not weight.isfinite().all():
                raise self._diverged(f"finite weights, found NaN or infinity in {name}")

    def _diverged(self, expectation: str) -> InputError:
        """Return the error that ends the run, which names the last checkpoint. All processes have to call this."""
        kept = self.group.once(lambda: newest_checkpoint(self.run.checkpoints)) or "none"
        return InputError(
            f"training diverged: expected {expectation} at step {self.clock.step}; last good checkpoint: {kept}; try lower learning rates"
        )

    def _save(self, log: EventLog) -> None:
        """Write a checkpoint. All processes have to call this; the main one writes."""
        tensors, numbers = self.learner.state()
        self._require_finite(tensors)
        if not self.group.is_main:
            return
        state = State(
            step=self.clock.step,
            seconds=self.clock.seconds,
            position=self.position,
            qat_started=self.learner.grid is not None,
            swa_count=self.learner.averages.swa_count,
            optimizers=numbers,
            log_bytes=log.position,
            fingerprint=self.fingerprint,
        )
        save_checkpoint(self.run.checkpoints, self.clock.step, Checkpoint(tensors, state))

    def resume(self) -> tuple[int, int]:
        """Continue from the newest checkpoint, if there is one, and return how many bytes of the two log files still hold."""
        device = self.learner.device
        checkpoint = shared_checkpoint(self.run.checkpoints, device, self.group)
        if checkpoint is None:
            self.learner.replicate()
            return 0, 0
        state = checkpoint.state
        for key, value in self.fingerprint.items():
            if state.fingerprint.get(key) != value:
                raise InputError(f"{self.run.root}: expected the {key} the run began with, found another; resume it with the same")
        self.learner.restore(checkpoint)
        self.clock.step, self.clock.seconds = state.step, state.seconds
        self.position = state.position
        self.throughput.start()
        return state.log_bytes

    @contextmanager
    def _log(self, keep_bytes: tuple[int, int]) -> Iterator[EventLog]:
        """Open the run's log, cut back to `keep_bytes`; on all but the main process it takes nothing."""
        if not self.group.is_main:
            yield NoLog()
            return
        with (
            trackers(self.recipe, self.run, keep_bytes[0]) as track,
            EventLog(self.run.log, self.run.text_log, keep_bytes, track) as log,
        ):
            yield log

    def _progress(self) -> Progress:
        total, unit = (self.clock.max_seconds, "s") if self.clock.max_seconds else (self.clock.max_steps, "steps")
        return Progress("train", total, unit, done=self._work_done())

    def _work_done(self) -> float:
        """Return seconds or steps so far, in the unit of the progress bar."""
        return self.clock.seconds if self.clock.max_seconds else self.clock.step


def _due(every: int, step: int) -> bool:
    return every > 0 and step % every == 0
