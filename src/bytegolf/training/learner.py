"""The optimiser step, and all that it changes: the model, its optimisers and its averages."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.func import functional_call

from bytegolf.config import Recipe
from bytegolf.model.compiled import ModelFunctions, compiled_functions
from bytegolf.model.gpt import GPT
from bytegolf.model.kernels import is_compiled_for
from bytegolf.model.weights import Bits, Weights
from bytegolf.runtime.parallel import ALONE, Group
from bytegolf.runtime.progress import say
from bytegolf.training.averaging import Averages
from bytegolf.training.bank_optimizer import MakeBankOptimizer
from bytegolf.training.checkpoint import Checkpoint, flatten, optimizer_tensors, restore_optimizer
from bytegolf.training.fake_quant import ClassBits, Grid, SpacingTable, fake_quantize
from bytegolf.training.late_qat import QatPlan
from bytegolf.training.muon import Muon
from bytegolf.training.optimizers import Optimizers
from bytegolf.training.replicas import require_equal

OptimizerNumbers = dict[str, dict[str, float]]


class Learner:
    """A model in training, with its optimisers, its averages and, once QAT has started, the grid its weights are rounded to.

    With several processes each holds a replica, takes its share of every batch, and moves its weights as all the others do.
    """

    def __init__(self, recipe: Recipe, model: GPT, qat: QatPlan, group: Group = ALONE, make_banks: MakeBankOptimizer = Muon.of) -> None:
        self.recipe, self.model, self.qat, self.group = recipe, model, qat, group
        self.device = next(model.parameters()).device
        self.optimizers = Optimizers(model, recipe.optim, model.compute_dtype, group, make_banks)
        self.averages = Averages(recipe.average)
        self.grid: Grid | None = None  # until QAT starts

    @property
    def weights(self) -> Weights:
        """Return the live weights by name, without gradients."""
        return {name: parameter.detach() for name, parameter in self.model.named_parameters()}

    # --- one step

    def step(self, batch: NDArray[Any], step: int, scale: float) -> Tensor:
        """Move all weights once, at `scale` times their base learning rates, and return the mean loss in nats before the move.

        `batch` is this process's share, (sequences, T + 1) tokens; `step` counts from 0; the loss is the mean over all processes.
        """
        micro_batches = self.micro_batches(batch)
        loss = torch.zeros((), device=self.device)
        for micro_batch in micro_batches:
            share = self.loss(micro_batch) / (len(micro_batches) * self.group.size)
            share.backward()
            loss += share.detach()
        mean_loss = self.group.begin_sum(loss)
        self.optimizers.step(step, scale)
        self.averages.update(self.weights, step + 1, scale)
        return mean_loss.wait()

    def micro_batches(self, batch: NDArray[Any]) -> tuple[Tensor, ...]:
        """Split (sequences, T + 1) tokens into what passes through the model at once: of one size, so that one shape is compiled."""
        config = self.recipe.train
        most = (config.micro_batch_tokens or config.batch_tokens) // config.sequence_length
        size = max(size for size in range(1, min(most, len(batch)) + 1) if len(batch) % size == 0)
        return torch.from_numpy(batch).to(self.device).split(size)

    def loss(self, sequences: Tensor) -> Tensor:
        """Return the mean cross-entropy, in nats, of (sequences, T + 1) tokens."""
        # as tensors like those that rounding makes: code that was compiled for Parameters would be compiled anew for others
        weights: Weights = {name: parameter.view_as(parameter) for name, parameter in self.model.named_parameters()}
        if self.grid is not None:
            weights = fake_quantize(weights, self.grid)
        loss: Tensor = functional_call(self.model, dict(weights), (sequences[:, :-1], sequences[:, 1:]))
        return loss

    # --- before the first step

    def dummy_batch(self) -> NDArray[Any]:
        """Return a batch for what must not touch the data: this process's share, every token 1."""
        config = self.recipe.train
        return np.ones((config.batch_tokens // config.sequence_length // self.group.size, config.sequence_length + 1), dtype=np.int64)

    def compile(self) -> None:
        """Compile what steps will need; weights and data order are untouched. Without a compiler all stays as it is."""
        if not is_compiled_for(self.device):
            return
        say("compile: begins, under a minute, and once for this shape of model on this machine")
        self.model.functions = compiled_functions()
        try:
            self.loss(self.micro_batches(self.dummy_batch())[0]).backward()
        except Exception as error:  # no C++ compiler, no headers, kernels cached by another version, ...
            say(f"compile: not possible here, training goes on without ({str(error).strip().splitlines()[0]})")
            self.model.functions = ModelFunctions()
        self.model.zero_grad()

    def replicate(self) -> None:
        """Replace the weights by those of the main process."""
        for weight in self.weights.values():
            self.group.broadcast_(weight)

    # --- quantisation-aware training

    @property
    def rounds_weights(self) -> bool:
        """Return whether the loss is that of rounded weights. QAT may have started without a grid within the budget."""
        return self.grid is not None and self.grid.rounds

    @property
    def grid_tensors(self) -> Weights:
        """Return the tensors of the grid; none where it follows from the weights."""
        return dict(self.grid.tensors) if isinstance(self.grid, SpacingTable) else {}

    def start_qat(self) -> Bits:
        """Round weights to a grid from the next step on, begin the averages anew, and return the bits per weight of each class.

        Where even the coarsest grid is above the budget nothing is rounded, the averages go on, and there are no bits.
        """
        self.grid, bits = self.qat.grid(self.recipe, self.weights, self.group, self.device)
        if self.rounds_weights:
            self.averages.restart()
        return bits

    # --- what is kept of it

    def verify(self, step: int) -> None:
        """Raise InputError, on every process, if the processes hold different weights, averages or spacings."""
        averages = {"EMA": self.averages.ema, "SWA": self.averages.swa}
        kept = {f"the {kind} of {name}": tensor for kind, tensors in averages.items() for name, tensor in tensors.items()}
        spacings = {f"the spacings {name}": tensor for name, tensor in self.grid_tensors.items()}
        require_equal(self.group, {**self.weights, **kept, **spacings}, step)

    def state(self) -> tuple[Weights, OptimizerNumbers]:
        """Return all tensors by "group/name" and the optimisers' plain numbers, as a single process would hold them.

        All processes have to call this.
        """
        groups: dict[str, Weights] = {
            "model": self.weights,
            "ema": self.averages.ema,
            "swa": self.averages.swa,
            "grid": self.grid_tensors,
        }
        numbers: OptimizerNumbers = {}
        for name, optimizer in self.optimizers.all.items():
            groups[name], numbers[name] = optimizer_tensors(optimizer.state_dict())
        return flatten(groups), numbers

    def restore(self, checkpoint: Checkpoint) -> None:
        """Continue from what `state` returned."""
        self.model.load_state_dict(checkpoint.group("model"))
        for name, optimizer in self.optimizers.all.items():
            restore_optimizer(optimizer, checkpoint.group(name), checkpoint.state.optimizers.get(name, {}))
        self.averages = Averages(self.recipe.average, checkpoint.group("ema"), checkpoint.group("swa"), checkpoint.state.swa_count)
        if checkpoint.state.qat_started:
            solved = self.qat.solves(self.recipe)
            self.grid = SpacingTable(checkpoint.group("grid")) if solved else ClassBits(self.qat.bits)
