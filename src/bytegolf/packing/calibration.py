"""The second moments of what a model's matrices read of text.

H = E[x xᵀ] of a matrix tells what a change of its weights does to its output: E|ΔW x|² = tr(ΔW H ΔWᵀ).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bytegolf.config import Recipe
from bytegolf.errors import InputError
from bytegolf.model.gpt import GPT
from bytegolf.model.kernels import precision_of_sums
from bytegolf.packing.calibration_text import training_batches
from bytegolf.text.shards import TokenStream

Moments = Mapping[str, Sequence[Tensor]]  # of each parameter that multiplies, by the matrices of its stack: (columns, columns)

BATCH_TOKENS = 8192


def calibrate(model: GPT, recipe: Recipe, tokens: TokenStream, advance: Callable[[int], None] = lambda _: None) -> Moments:
    """Return moments over the recipe's `pack.calibration_tokens`, or all there are, drawn from training text as sequences of a run.

    `advance` is told how many tokens were read. Raises InputError if there is no whole sequence.
    """
    return input_moments(model, training_batches(recipe, tokens, BATCH_TOKENS), advance)


def input_moments(model: GPT, batches: Iterable[NDArray[np.int64]], advance: Callable[[int], None] = lambda _: None) -> Moments:
    """Return moments over batches of tokens (sequences, T), in float64, on the CPU.

    Raises InputError for a model whose activations are not finite.
    """
    sums, positions = InputSums(), 0
    with torch.no_grad():
        for batch in batches:
            x = model.hidden(torch.from_numpy(np.ascontiguousarray(batch)).to(model.tokens.device), observe=sums.add)
            sums.add("head", model.head_input(x))
            positions += batch.size
            advance(batch.size)
    means = {name: total.cpu().double() / positions for name, total in sums.totals.items()}
    if not all(mean.isfinite().all() for mean in means.values()):
        raise InputError("model: expected finite activations, found NaN or infinity; its training diverged")
    blocks = range(model.config.num_layers)
    read, heads, hidden, activation = ([means[f"blocks.{i}.{kind}"] for i in blocks] for kind in ("read", "heads", "hidden", "activation"))
    head = "tokens" if model.head is None else "head"
    moments = {"banks.qo": read + heads, "banks.kv": read + read, "banks.up": hidden, "banks.down": activation, head: [means["head"]]}
    return moments | {name: [mean] for name, mean in means.items() if name.endswith(".projection")}


class InputSums:
    """The sums of x xᵀ over all that was read at each place of a model."""

    def __init__(self) -> None:
        self.totals: dict[str, Tensor] = {}

    def add(self, place: str, x: Tensor) -> None:
        """Add what was read at a place, (..., columns): products in float32, sums in float64 where the device has it."""
        rows = x.flatten(0, -2).float()
        total = (rows.T @ rows).to(precision_of_sums(x.device))
        self.totals[place] = self.totals[place] + total if place in self.totals else total
