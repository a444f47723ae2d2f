"""The curvature of a model's loss in each weight: the Fisher information, in factors of rows and columns.

Where targets are drawn from the model's own predictions, gradients of different tokens are independent with mean 0. So the
gradient G of a matrix over a whole batch will do: E[Gᵀ G] is the sum over its tokens of g'g · x xᵀ, x what the matrix reads and
g the gradient of what it gives, and E[G²] the Fisher information of each weight (Martens and Grosse 2015, arXiv 1503.05671,
factor it so from each token's). It holds for lookup tables, and for one that is a head too, as it does for matrices.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bytegolf.artifact.shapes import stack_shape
from bytegolf.errors import InputError
from bytegolf.model.gpt import GPT
from bytegolf.runtime.threads import on_threads

SEED = 1


@dataclass(frozen=True)
class Curvature:
    """The curvature of a stack of matrices, in nats per token, float64 on the CPU.

    `columns` (matrices, columns, columns) is the mean over rows of the curvature of a row, and `rows` (matrices, rows) the
    mean curvature of the weights of each row.
    """

    columns: Tensor
    rows: Tensor

    def __add__(self, other: "Curvature") -> "Curvature":
        return Curvature(self.columns + other.columns, self.rows + other.rows)


Curvatures = Mapping[str, Curvature]
CalibrationBatches = Sequence[NDArray[np.int64]]


def curvatures(model: GPT, batches: CalibrationBatches, advance: Callable[[int], None] = lambda _: None) -> Curvatures:
    """Return the curvature of every parameter over batches of tokens (sequences, T). Many small batches tell more than few large ones.

    Raises InputError for a model whose gradients are no numbers.
    """
    totals: dict[str, Curvature] = {}
    tokens = 0
    numbered = list(zip(accumulate((batch.size for batch in batches), initial=SEED), batches, strict=False))
    at_once = (os.cpu_count() or 1) if model.tokens.device.type == "cpu" else 1
    with on_threads(1), ThreadPoolExecutor(at_once) as workers:  # a batch is one thread's, so that their number changes nothing
        for first in range(0, len(numbered), at_once):
            some = numbered[first : first + at_once]
            for (_, batch), found in zip(some, workers.map(lambda each: _of_batch(model, *each), some), strict=True):
                totals = {name: totals[name] + curvature if name in totals else curvature for name, curvature in found.items()}
                tokens += batch.size
                advance(batch.size)
    if not all(total.columns.isfinite().all() for total in totals.values()):
        raise InputError("model: expected finite gradients, found NaN or infinity; its training diverged")
    return {name: Curvature(total.columns / tokens, total.rows / tokens) for name, total in totals.items()}


def _of_batch(model: GPT, seed: int, batch: NDArray[np.int64]) -> Curvatures:
    """Return the curvature of one batch, summed over its tokens."""
    names = [name for name, _ in model.named_parameters()]
    gradients = _gradients(model, batch, seed)
    return {
        name: _curvature(gradient.reshape(stack_shape(gradient.shape)).float()) for name, gradient in zip(names, gradients, strict=True)
    }


def _gradients(model: GPT, batch: NDArray[np.int64], seed: int) -> tuple[Tensor, ...]:
    """Return the gradients of the summed loss in nats of targets that the model draws."""
    tokens = torch.from_numpy(np.ascontiguousarray(batch)).to(model.tokens.device)
    generator = torch.Generator(tokens.device).manual_seed(seed)
    x = model.hidden(tokens)
    with torch.no_grad():
        targets = torch.cat([_drawn(model.logits(part), generator) for part in x.flatten(0, 1).split(1024)])
    loss = model.loss(x, targets.view(tokens.shape)) * tokens.numel()
    return torch.autograd.grad(loss, tuple(model.parameters()))


def _drawn(logits_NV: Tensor, generator: torch.Generator) -> Tensor:
    probabilities = logits_NV.softmax(-1)
    if not probabilities.isfinite().all():
        raise InputError("model: expected finite predictions, found NaN or infinity; its training diverged")
    return torch.multinomial(probabilities, 1, generator=generator)[:, 0]


def _curvature(gradients: Tensor) -> Curvature:
    columns = gradients.mT @ gradients / gradients.shape[1]
    return Curvature(columns.cpu().double(), gradients.square().mean(2).cpu().double())


def row_uses(model: GPT, batches: Iterable[NDArray[np.int64]]) -> dict[str, NDArray[np.int64]]:
    """Return how often each row of each lookup table is read in batches of tokens (sequences, T), targets included."""
    uses: dict[str, NDArray[np.int64]] = {}
    with torch.no_grad():
        for batch in batches:
            for name, rows in _rows(model, torch.from_numpy(np.ascontiguousarray(batch))):
                found = np.bincount(rows.numpy().ravel(), minlength=len(model.get_parameter(name)))
                uses[name] = uses[name] + found if name in uses else found
    return uses


def _rows(model: GPT, tokens: Tensor) -> Iterator[tuple[str, Tensor]]:
    yield "tokens", tokens
    if model.head is not None:
        yield "head", tokens
    if model.value_embedding is not None:
        yield "value_embedding.table", tokens
    for name in ("bigram", "trigram"):
        table = getattr(model, name)
        if table is not None:
            yield f"{name}.table", table.rows(tokens, None)
