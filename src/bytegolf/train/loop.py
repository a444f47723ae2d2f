"""The training loop: batches -> weights, on one process.

A step: fake quantisation once it is due, gradients accumulated over micro-batches, clipping, Muon and AdamW,
averages, log; then validation and checkpoint where they fall due. Everything a step depends on is in the
checkpoint, so an interrupted run continues as if nothing had happened.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.func import functional_call

from bytegolf.config import Recipe
from bytegolf.errors import InputError, InterruptedRunError
from bytegolf.model.gpt import GPT
from bytegolf.model.parts import Parts, compiled_parts
from bytegolf.progress import Progress, say
from bytegolf.run import RunFolder
from bytegolf.text.batches import Batches
from bytegolf.text.shards import TokenStream
from bytegolf.train.averaging import Averages
from bytegolf.train.checkpoint import (
    Checkpoint,
    State,
    flatten,
    load_checkpoint,
    newest_checkpoint,
    optimizer_tensors,
    restore_optimizer,
    save_checkpoint,
)
from bytegolf.train.fake_quant import Bits, fake_quantize
from bytegolf.train.interruption import interruption
from bytegolf.train.log import EventLog
from bytegolf.train.optim import Optimizers
from bytegolf.train.schedule import Clock, learning_rate_scale

Weights = dict[str, Tensor]
Validate = Callable[[Weights, int], dict[str, float | None]]  # weights and how many held-out bytes to score, 0 for all


@dataclass
class Trainer:
    """One run: its model, optimisers, averages, clock and place in the data."""

    recipe: Recipe
    model: GPT
    compute_dtype: torch.dtype
    tokens: TokenStream
    run: RunFolder
    qat_bits: Bits
    fingerprint: dict[str, str]  # what must not change when the run resumes: data, tokenizer, replay
    clock: Clock

    def __post_init__(self) -> None:
        self.optimizers = Optimizers(self.model, self.recipe.optim, self.compute_dtype)
        self.averages = Averages(self.recipe.average)
        self.fake_quant = False
        self.position = 0  # sequences consumed
        self.logged = (0, 0.0)  # step and seconds at the last line of the log
        self.device = next(self.model.parameters()).device

    def fit(self, validate: Validate) -> Weights:
        """Train to the end of the clock and return the final averaged weights.

        Raises InterruptedRunError, or InputError if the loss diverges.
        """
        config = self.recipe.train
        log_bytes = self._resume()
        self._warm_up()
        with (
            EventLog(self.run.log, self.run.text_log, log_bytes) as log,
            self._batches() as batches,
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
                    self._require_finite(self.weights)
                    log.write("validate", step=self.clock.step, **validate(self.weights, config.validate_bytes))
                if _due(config.checkpoint_every, self.clock.step):
                    self._save(log)
            final = self.averages.best(self.weights)
            self._require_finite(final)
            log.write("validate", step=self.clock.step, **validate(final, 0))
            log.write("done", step=self.clock.step, seconds=self.clock.seconds)
        return final

    @property
    def weights(self) -> Weights:
        return {name: parameter.detach() for name, parameter in self.model.named_parameters()}

    def _step(self, batches: Batches, log: EventLog) -> str:
        """One optimiser step; returns a note for the progress bar."""
        progress = self.clock.progress
        if self.recipe.train.max_seconds:  # what no other run would measure, so that this one can be replayed
            log.record("clock", step=self.clock.step, progress=progress)
        scale = learning_rate_scale(progress, self.recipe.train.warmdown)
        if not self.fake_quant and progress >= self.recipe.qat.start < 1:
            self.fake_quant = True
            self.averages.restart()
            log.write("qat", step=self.clock.step, bits=dict(self.qat_bits))
        with self.clock.running():
            loss = self._gradients(next(batches))
            self.optimizers.step(self.clock.step, scale)
            self.averages.update(self.weights, self.clock.step + 1, scale)
            mean = float(loss)
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

    def _gradients(self, tokens: NDArray[Any]) -> Tensor:
        """Mean loss over the batch, gradients left in the parameters."""
        micro = self.recipe.train.micro_batch_tokens or self.recipe.train.batch_tokens
        sequences = torch.from_numpy(tokens).to(self.device)
        parts = sequences.split(micro // self.recipe.train.sequence_length)
        total = torch.zeros((), device=self.device)
        for part in parts:
            loss = self.loss(part) / len(parts)
            loss.backward()
            total += loss.detach()
        return total

    def loss(self, sequences: Tensor) -> Tensor:
        """Mean cross-entropy in nats of (sequences, T + 1) tokens."""
        weights: Weights = dict(self.model.named_parameters())
        if self.fake_quant:
            weights = fake_quantize(weights, self.qat_bits)
        loss: Tensor = functional_call(self.model, weights, (sequences[:, :-1], sequences[:, 1:]))
        return loss

    def _warm_up(self) -> None:
        """Compile what the run will need before the clock starts; leaves no trace in weights or data order."""
        if not self.recipe.train.compile:
            return
        say("compile: begins, under a minute, and once for this shape of model on this machine")
        length = self.recipe.train.sequence_length
        micro = self.recipe.train.micro_batch_tokens or self.recipe.train.batch_tokens
        self.model.parts = compiled_parts()
        try:
            self.loss(torch.ones(micro // length, length + 1, dtype=torch.long, device=self.device)).backward()
        except RuntimeError as error:  # no C++ compiler, no headers, ...
            say(f"compile: not possible here, training goes on without ({str(error).strip().splitlines()[0]})")
            self.model.parts = Parts()
        self.model.zero_grad()

    def _save(self, log: EventLog) -> None:
        parts: dict[str, Weights] = {"model": self.weights, "ema": self.averages.ema, "swa": self.averages.swa}
        numbers: dict[str, dict[str, float]] = {}
        for name, optimizer in self.optimizers.all.items():
            parts[name], numbers[name] = optimizer_tensors(optimizer.state_dict())
        state = State(
            step=self.clock.step,
            seconds=self.clock.seconds,
            position=self.position,
            fake_quant=self.fake_quant,
            swa_count=self.averages.swa_count,
            optimizers=numbers,
            log_bytes=log.position,
            fingerprint=self.fingerprint,
        )
        tensors = flatten(parts)
        self._require_finite(tensors)
        save_checkpoint(self.run.checkpoints, self.clock.step, Checkpoint(tensors, state))

    def _resume(self) -> tuple[int, int]:
        """Continue from the newest checkpoint, if there is one; returns how much of the log still holds."""
        checkpoint = load_checkpoint(self.run.checkpoints, self.device)
        if checkpoint is None:
            return 0, 0
        state = checkpoint.state
        for key, value in self.fingerprint.items():
            if state.fingerprint.get(key) != value:
                raise InputError(f"{self.run.root}: expected the {key} the run began with, found another; resume with the same")
        self.model.load_state_dict(checkpoint.part("model"))
        for name, optimizer in self.optimizers.all.items():
            restore_optimizer(optimizer, checkpoint.part(name), state.optimizers.get(name, {}))
        self.averages = Averages(self.recipe.average, checkpoint.part("ema"), checkpoint.part("swa"), state.swa_count)
        self.clock.step, self.clock.seconds = state.step, state.seconds
        self.fake_quant = state.fake_quant
        self.position = state.position
        self.logged = (self.clock.step, self.clock.seconds)
        return state.log_bytes

    def _batches(self) -> Batches:
        config = self.recipe.train
        sequences = config.batch_tokens // config.sequence_length
        return Batches(self.tokens, config.sequence_length, sequences, config.seed, self.recipe.model.vocab_size, self.position)

    def _progress(self) -> Progress:
        total, unit = (self.clock.max_seconds, "s") if self.clock.max_seconds else (self.clock.max_steps, "steps")
        return Progress("train", total, unit, done=self._work_done())

    def _work_done(self) -> float:
        return self.clock.seconds if self.clock.max_seconds else self.clock.step


def _due(every: int, step: int) -> bool:
    return every > 0 and step % every == 0
