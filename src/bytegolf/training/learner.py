"""What a step changes: the model, its optimisers and its averages; and how a step is made of its parts."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.func import functional_call

from bytegolf.config import Recipe
from bytegolf.model.compiled import ModelFunctions, compiled_functions
from bytegolf.model.gpt import GPT
from bytegolf.model.weights import Bits, Weights
from bytegolf.runtime.parallel import ALONE, Group
from bytegolf.runtime.progress import say
from bytegolf.training.averaging import Averages
from bytegolf.training.checkpoint import Checkpoint, flatten, optimizer_tensors, restore_optimizer
from bytegolf.training.fake_quant import ClassBits, Grid, Solve, StepTable, fake_quantize
from bytegolf.training.optimizers import Optimizers
from bytegolf.training.replicas import require_equal

OptimizerNumbers = dict[str, dict[str, float]]


@dataclass
class Learner:
    """A model that learns, from some step on upon a grid: of what `solve` finds for its weights then, or else of `qat_bits` by class.

    Of several processes each holds a replica, learns from its share of every batch, and moves as all the others do.
    """

    recipe: Recipe
    model: GPT
    qat_bits: Bits
    group: Group = ALONE
    solve: Solve | None = None

    def __post_init__(self) -> None:
        self.optimizers = Optimizers(self.model, self.recipe.optim, self.model.compute_dtype, self.group)
        self.averages = Averages(self.recipe.average)
        self.grid: Grid | None = None  # before fake quantisation begins
        self.device = next(self.model.parameters()).device

    @property
    def weights(self) -> Weights:
        return {name: parameter.detach() for name, parameter in self.model.named_parameters()}

    def compile(self) -> None:
        """Compile what steps will need; leaves no trace in weights or data order. Without a compiler all stays as it is."""
        say("compile: begins, under a minute, and once for this shape of model on this machine")
        self.model.functions = compiled_functions()
        try:
            self.loss(self.micro_batches(self.made_up_batch())[0]).backward()
        except Exception as error:  # no C++ compiler, no headers, kernels cached by another version, ...
            say(f"compile: not possible here, training goes on without ({str(error).strip().splitlines()[0]})")
            self.model.functions = ModelFunctions()
        self.model.zero_grad()

    def replicate(self) -> None:
        """Take process 0's weights."""
        for weight in self.weights.values():
            self.group.broadcast_(weight)

    def verify(self, step: int) -> None:
        """Raises InputError if the processes hold different weights or averages."""
        averages = {"EMA": self.averages.ema, "SWA": self.averages.swa}
        kept = {f"the {kind} of {name}": tensor for kind, tensors in averages.items() for name, tensor in tensors.items()}
        steps = {f"the steps {name}": tensor for name, tensor in self.table.items()}
        require_equal(self.group, {**self.weights, **kept, **steps}, step)

    @property
    def fake_quant(self) -> bool:
        """Whether weights are rounded."""
        return self.grid is not None and self.grid.rounds

    @property
    def table(self) -> Weights:
        """The tensors of the grid, where it does not follow from the weights."""
        return dict(self.grid.tensors) if isinstance(self.grid, StepTable) else {}

    def start_fake_quant(self) -> Bits:
        """From here on the model is trained on the artifact's grid, and the averages begin anew; returns the bits of each class.

        Where even the coarsest grid is above the budget training goes on as it was, and there are no bits.
        """
        self.grid, bits = self._grid_to_come()
        if self.fake_quant:
            self.averages.restart()
        return bits

    def _grid_to_come(self) -> tuple[Grid, Bits]:
        solve = self.solve
        if solve is None:
            return ClassBits(self.qat_bits), self.qat_bits
        solved = self.group.once(lambda: solve(self.weights))
        return (solved.table.to(self.device), solved.bits) if solved else (StepTable({}), {})

    def step(self, batch: NDArray[Any], step: int, scale: float) -> Tensor:
        """The `step`-th move of all weights, at `scale` times their base rates; returns the mean loss of all processes before it."""
        loss = self.group.begin_sum(self.gradients(batch))
        self.optimizers.step(step, scale)
        self.averages.update(self.weights, step + 1, scale)
        return loss.wait()

    def gradients(self, batch: NDArray[Any]) -> Tensor:
        """What this process's share of the batch adds to the mean loss over all of it, gradients left in the parameters."""
        parts = self.micro_batches(batch)
        total = torch.zeros((), device=self.device)
        for part in parts:
            loss = self.loss(part) / (len(parts) * self.group.size)
            loss.backward()
            total += loss.detach()
        return total

    def micro_batches(self, batch: NDArray[Any]) -> tuple[Tensor, ...]:
        """(sequences, T + 1) tokens, in the portions that pass through the model at once: of one size, so that one shape is compiled."""
        config = self.recipe.train
        most = (config.micro_batch_tokens or config.batch_tokens) // config.sequence_length
        size = max(size for size in range(1, min(most, len(batch)) + 1) if len(batch) % size == 0)
        return torch.from_numpy(batch).to(self.device).split(size)

    def made_up_batch(self) -> NDArray[Any]:
        """This process's share of a batch, all of token 1, for what must not touch the data."""
        config = self.recipe.train
        return np.ones((config.batch_tokens // config.sequence_length // self.group.size, config.sequence_length + 1), dtype=np.int64)

    def loss(self, sequences: Tensor) -> Tensor:
        """Mean cross-entropy in nats of (sequences, T + 1) tokens."""
        # as tensors like those that rounding makes: code that was compiled for Parameters would be compiled anew for others
        weights: Weights = {name: parameter.view_as(parameter) for name, parameter in self.model.named_parameters()}
        if self.grid is not None:
            weights = fake_quantize(weights, self.grid)
        loss: Tensor = functional_call(self.model, dict(weights), (sequences[:, :-1], sequences[:, 1:]))
        return loss

    def state(self) -> tuple[Weights, OptimizerNumbers]:
        """All tensors by "part/name", and the plain numbers that optimisers keep, as a single process would; all have to call this."""
        parts: dict[str, Weights] = {"model": self.weights, "ema": self.averages.ema, "swa": self.averages.swa, "grid": self.table}
        numbers: OptimizerNumbers = {}
        for name, optimizer in self.optimizers.all.items():
            parts[name], numbers[name] = optimizer_tensors(optimizer.state_dict())
        return flatten(parts), numbers

    def restore(self, checkpoint: Checkpoint) -> None:
        """The inverse of `state`."""
        self.model.load_state_dict(checkpoint.part("model"))
        for name, optimizer in self.optimizers.all.items():
            restore_optimizer(optimizer, checkpoint.part(name), checkpoint.state.optimizers.get(name, {}))
        self.averages = Averages(self.recipe.average, checkpoint.part("ema"), checkpoint.part("swa"), checkpoint.state.swa_count)
        if checkpoint.state.fake_quant:
            self.grid = StepTable(checkpoint.part("grid")) if self.solve else ClassBits(self.qat_bits)
