"""The training loop: batches -> weights, on one process.

A step: fake quantisation once it is due, gradients accumulated over micro-batches, clipping, Muon and AdamW,
averages, log; then validation and checkpoint where they fall due. Everything a step depends on is in the
checkpoint, so an interrupted run continues as if nothing had happened.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from bytegolf.errors import InputError, InterruptedRunError
from bytegolf.progress import Progress
from bytegolf.run import RunFolder
from bytegolf.text.batches import Batches, run_batches
from bytegolf.text.shards import TokenStream
from bytegolf.train.averaging import Weights
from bytegolf.train.checkpoint import Checkpoint, State, load_checkpoint, newest_checkpoint, save_checkpoint
from bytegolf.train.interruption import interruption
from bytegolf.train.learner import Learner
from bytegolf.train.log import EventLog
from bytegolf.train.schedule import Clock, fake_quant_due, learning_rate_scale

Validate = Callable[[Weights, int], dict[str, float | None]]  # weights and how many held-out bytes to score, 0 for all


@dataclass
class Trainer:
    """One run: who learns, by which clock, from which tokens, and where it is kept."""

    learner: Learner
    tokens: TokenStream
    run: RunFolder
    fingerprint: dict[str, str]  # what must not change when the run resumes: data, tokenizer, replay
    clock: Clock

    def __post_init__(self) -> None:
        self.recipe = self.learner.recipe
        self.position = 0  # sequences consumed
        self.logged = (0, 0.0)  # step and seconds at the last line of the log

    def fit(self, validate: Validate) -> Weights:
        """Train to the end of the clock and return the final averaged weights.

        Raises InterruptedRunError, or InputError if the loss diverges.
        """
        config = self.recipe.train
        log_bytes = self._resume()
        if config.compile and not self.clock.done:
            self.learner.compile()
        with (
            EventLog(self.run.log, self.run.text_log, log_bytes) as log,
            run_batches(self.recipe, self.tokens, self.position) as batches,
            interruption() as interrupted,
            self._progress() as progress,
        ):
            while not self.clock.done:
                note = self._step(batches, log)
                progress.advance(self._work_done() - progress.done, note)
                if interrupted():
                    self._save(log)
                    raise InterruptedRunError(f"{self.run.root}: stopped at step {self.clock.step}; continue with --resume")
                if self.clock.done:
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

    def _step(self, batches: Batches, log: EventLog) -> str:
        """One optimiser step; returns a note for the progress bar."""
        progress = self.clock.progress
        if self.recipe.train.max_seconds:  # what no other run would measure, so that this one can be replayed
            log.record("clock", step=self.clock.step, progress=progress)
        scale = learning_rate_scale(self.clock.step, progress, self.recipe.train)
        if not self.learner.fake_quant and fake_quant_due(progress, scale, self.recipe.qat):
            self.learner.start_fake_quant()
            log.write("qat", step=self.clock.step, bits=dict(self.learner.qat_bits))
        with self.clock.running():
            mean = float(self.learner.step(next(batches), self.clock.step, scale))
        self.position = batches.position
        if not math.isfinite(mean):
            raise self._diverged(f"a finite loss, found {mean}")
        if self.clock.step % self.recipe.train.log_every == 0 or self.clock.done:
            log.write("step", step=self.clock.step, loss=mean, lr_scale=scale, progress=progress, **self._pace())
        return f"step {self.clock.step}, loss {mean:.3f}"

    def _require_finite(self, weights: Weights) -> None:
        """Before weights are scored or kept: a checkpoint or a run of infinities is worth nothing."""
        for name, weight in weights.items():
            if not weight.isfinite().all():
                raise self._diverged(f"finite weights, found others in {name}")

    def _diverged(self, expectation: str) -> InputError:
        kept = newest_checkpoint(self.run.checkpoints) or "none"
        return InputError(
            f"training diverged: expected {expectation} at step {self.clock.step}; last good checkpoint: {kept}; try lower learning rates"
        )

    def _pace(self) -> dict[str, float]:
        """Seconds so far, and tokens per second since the last line of the log."""
        steps, seconds = self.clock.step - self.logged[0], self.clock.seconds - self.logged[1]
        self.logged = (self.clock.step, self.clock.seconds)
        return {"seconds": self.clock.seconds, "tokens_per_second": steps * self.recipe.train.batch_tokens / seconds}

    def _save(self, log: EventLog) -> None:
        tensors, numbers = self.learner.state()
        self._require_finite(tensors)
        state = State(
            step=self.clock.step,
            seconds=self.clock.seconds,
            position=self.position,
            fake_quant=self.learner.fake_quant,
            swa_count=self.learner.averages.swa_count,
            optimizers=numbers,
            log_bytes=log.position,
            fingerprint=self.fingerprint,
        )
        save_checkpoint(self.run.checkpoints, self.clock.step, Checkpoint(tensors, state))

    def _resume(self) -> tuple[int, int]:
        """Continue from the newest checkpoint, if there is one; returns how much of the log still holds."""
        checkpoint = load_checkpoint(self.run.checkpoints, self.learner.device)
        if checkpoint is None:
            return 0, 0
        state = checkpoint.state
        for key, value in self.fingerprint.items():
            if state.fingerprint.get(key) != value:
                raise InputError(f"{self.run.root}: expected the {key} the run began with, found another; resume with the same")
        self.learner.restore(checkpoint)
        self.clock.step, self.clock.seconds = state.step, state.seconds
        self.position = state.position
        self.logged = (self.clock.step, self.clock.seconds)
        return state.log_bytes

    def _progress(self) -> Progress:
        total, unit = (self.clock.max_seconds, "s") if self.clock.max_seconds else (self.clock.max_steps, "steps")
        return Progress("train", total, unit, done=self._work_done())

    def _work_done(self) -> float:
        return self.clock.seconds if self.clock.max_seconds else self.clock.step


def _due(every: int, step: int) -> bool:
    return every > 0 and step % every == 0
