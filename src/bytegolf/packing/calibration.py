"""What the matrices of a model read of text: the second moments of their inputs.

H = E[x xᵀ] of a matrix tells what a change of its weights does to its output: E|ΔW x|² = tr(ΔW H ΔWᵀ).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from bytegolf.config import Recipe
from bytegolf.errors import InputError
from bytegolf.model.attention import Rotary, attention
from bytegolf.model.banks import BlockWeights
from bytegolf.model.block import BlockControls, Skip, branch_input, mixed, mlp
from bytegolf.model.compiled import ModelFunctions
from bytegolf.model.embeddings import Projected, Scaled
from bytegolf.model.gpt import GPT
from bytegolf.model.kernels import Kernel
from bytegolf.model.norm import rms_norm
from bytegolf.model.product import product
from bytegolf.text.batches import Batches
from bytegolf.text.shards import TokenStream

Moments = Mapping[str, Sequence[Tensor]]  # of each parameter that multiplies, by the matrices of its stack: (columns, columns)

BATCH_TOKENS = 8192


def calibrate(model: GPT, recipe: Recipe, tokens: TokenStream, advance: Callable[[int], None] = lambda _: None) -> Moments:
    """Moments over the recipe's `pack.calibration_tokens`, or all there are, drawn from training text as sequences of a run.

    Raises InputError if there is no whole sequence.
    """
    length = recipe.train.sequence_length
    wanted = max(1, min(recipe.pack.calibration_tokens, len(tokens) - 1) // length)
    at_once = min(wanted, max(1, BATCH_TOKENS // length))

    def sequences() -> Iterable[NDArray[np.int64]]:
        with Batches(tokens, length, at_once, recipe.train.seed, recipe.model.vocab_size) as batches:
            for first in range(0, wanted, at_once):
                batch = next(batches)[: wanted - first, :-1]
                yield batch
                advance(batch.size)

    return input_moments(model, sequences())


def input_moments(model: GPT, batches: Iterable[NDArray[np.int64]]) -> Moments:
    """Moments over batches of tokens (sequences, T), in float64, on the CPU.

    Raises InputError for a model whose activations are no numbers.
    """
    observer = _Observer(len(model.banks.up))
    device = model.tokens.device
    tables = [(f"{name}.projection", table) for name in ("bigram", "trigram", "value_embedding") if (table := getattr(model, name))]
    hooks = [table.register_forward_pre_hook(observer.lookup(name)) for name, table in tables if table.projection is not None]
    parts, model.functions = model.functions, ModelFunctions(block=observer.block, rms_norm=observer.head_input)
    positions = 0
    try:
        with torch.no_grad():
            for batch in batches:
                model(torch.from_numpy(np.ascontiguousarray(batch)).to(device))
                positions += batch.size
    finally:
        model.functions = parts
        for hook in hooks:
            hook.remove()
    means = {key: total.cpu() / positions for key, total in observer.totals.items()}
    if not all(mean.isfinite().all() for mean in means.values()):
        raise InputError("model: expected finite activations, found others; its training diverged")
    layers = range(observer.layers)
    read, wrote, up, down = ([means[kind, layer] for layer in layers] for kind in ("read", "heads", "hidden", "activation"))
    head = "tokens" if model.head is None else "head"
    moments = {"banks.qo": read + wrote, "banks.kv": read + read, "banks.up": up, "banks.down": down, head: [means["head", 0]]}
    return moments | {name: [means[name, 0]] for name, table in tables if table.projection is not None}


class _Observer:
    """The parts of a model that add up x xᵀ of what each matrix reads, by kind and layer."""

    def __init__(self, layers: int) -> None:
        self.layers, self.called = layers, 0
        self.totals: dict[tuple[str, int], Tensor] = {}

    def add(self, kind: str, layer: int, x: Tensor) -> None:
        rows = x.flatten(0, -2).float()
        total = (rows.T @ rows).double()
        self.totals[kind, layer] = self.totals[kind, layer] + total if (kind, layer) in self.totals else total

    def head_input(self, x: Tensor) -> Tensor:
        normed = rms_norm(x)
        self.add("head", 0, normed)
        return normed

    def lookup(self, name: str) -> Callable[[Projected, tuple[Tensor, torch.dtype]], None]:
        def hook(table: Projected, arguments: tuple[Tensor, torch.dtype]) -> None:
            self.add(name, 0, F.embedding(arguments[0], table.table))

        return hook

    def block(
        self,
        x: Tensor,
        x0: Tensor,
        weights: BlockWeights,
        controls: BlockControls,
        value_embedding: Scaled | None,
        skip: Skip | None,
        rotary: Rotary,
        visible: Tensor | None,
        exclusive: bool,
        leak: float,
        attend: Kernel,
        last: int | None,
        cache: None,
    ) -> Tensor:
        """`model.block.block`, whose last products are by the identity, so that what they read comes out."""
        layer, self.called = self.called % self.layers, self.called + 1
        x = mixed(x, x0, controls, skip)
        read = branch_input(x, controls)
        identity = torch.eye(weights.out.shape[1], dtype=x.dtype, device=x.device)
        heads = attention(read, weights._replace(out=identity), controls.q_gain, value_embedding, rotary, visible, exclusive, attend)
        x = torch.addcmul(x, controls.attention_scale, product(heads, weights.out))
        hidden = branch_input(x, controls)
        identity = torch.eye(weights.down.shape[1], dtype=x.dtype, device=x.device)
        activation = mlp(hidden, weights._replace(down=identity), leak)
        for kind, seen in (("read", read), ("heads", heads), ("hidden", hidden), ("activation", activation)):
            self.add(kind, layer, seen)
        return torch.addcmul(x, controls.mlp_scale, product(activation, weights.down))
