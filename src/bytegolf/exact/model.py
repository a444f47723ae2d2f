"""The model in arithmetic with one possible result: hidden states of tokens -> integer probabilities.

The equations are those of `bytegolf.model.gpt`. B texts, T positions of each, N = B·T in rows, V vocabulary, D model width.
"""

import math
from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from bytegolf.arrays import Doubles, WeightArrays
from bytegolf.config import ModelConfig
from bytegolf.errors import InputError
from bytegolf.exact.attention import KeysAndValues
from bytegolf.exact.block import Earlier, ExactBlock, Sight
from bytegolf.exact.bounds import require_bounded, require_exact_sums
from bytegolf.exact.embeddings import FirstState, Table, Tokens64
from bytegolf.exact.matrix import IntegerMatrix, Product, without_traces
from bytegolf.exact.norm import normed_rows
from bytegolf.exact.output import softcap, write_nats
from bytegolf.exact.parts import in_parts

NOTHING_ADDED = Product(np.empty((0, 0)), np.empty(0), np.empty(0))
CHUNK_LOGITS = 1 << 18  # held at once where only those of targets are asked for


class ExactModel:
    """A model whose weights are integers. What reads text with it is a `Reader`."""

    def __init__(self, config: ModelConfig, weights: WeightArrays) -> None:
        require_exact_sums(config)
        self.config = config
        self.first_state = FirstState(weights)
        self.embedding = Table.of(weights, "value_embedding")
        self.blocks = [ExactBlock(config, weights, number, self.embedding) for number in range(config.num_layers)]
        self.gains = list(without_traces(weights["controls.skips"])) if "controls.skips" in weights else []
        self.head = IntegerMatrix(weights["tokens" if config.tie_embeddings else "head"])
        self.products = sum(self.blocks[number].products for number in config.block_order)  # numbers that a position is multiplied by
        self._require_bounded_states()

    @classmethod
    def of(cls, config: ModelConfig, weights: WeightArrays) -> Self:
        """Return the model of these weights, float32 by the names of its parameters.

        Raises InputError for weights that are not finite, or so large that a sum or a state could leave what float64 holds.
        """
        for name, values in weights.items():
            if not np.isfinite(values).all():
                raise InputError(f"model: expected finite weights, found NaN or infinity in {name}")
        return cls(config, weights)

    def hidden(self, x0_ND: Doubles, added: Product, pasts: Sequence[KeysAndValues], sight: Sight, last: int) -> Doubles:
        """Return the stream after all blocks, only of the `last` positions of each text.

        Blocks are run in the recipe's order, each time with a past of its own. Outputs of its first half return in the second half,
        last in first out (U-Net). Only the last to run leaves positions out.
        """
        depth = self.config.depth
        first_half = depth // 2
        gains, stack = iter(self.gains), list[Doubles]()
        nothing = Earlier(x0_ND, np.zeros(x0_ND.shape[1]))
        x = x0_ND
        for step, number in enumerate(self.config.block_order):
            block = self.blocks[number]
            earlier = Earlier(stack.pop(), next(gains)) if self.gains and step >= first_half and stack else nothing
            asked = last if step == depth - 1 else sight.first.shape[1]
            x = block.forward(x, x0_ND, earlier, added if block.embedding else NOTHING_ADDED, pasts[step], sight, asked)
            if step < first_half:
                stack.append(x)
        return x

    def logits(self, x: Doubles) -> Doubles:
        """Return the softcapped logits (…, V) of hidden states (…, D)."""
        rows, cap = x.reshape(-1, x.shape[-1]), self.config.logit_softcap
        logits = np.empty((len(rows), self.config.vocab_size))
        in_parts(lambda some: softcap(self._head(rows[some]), cap, logits[some]), len(rows), self.head.integers.size)
        return logits.reshape(*x.shape[:-1], -1)

    def nats(self, x: Doubles, targets: NDArray[np.integer]) -> Doubles:
        """Return -ln of the probabilities of targets (…), which are integers over their exact sum, given hidden states (…, D)."""
        rows, chosen = x.reshape(-1, x.shape[-1]), targets.reshape(-1).astype(np.int64)
        step, nats = max(1, CHUNK_LOGITS // self.config.vocab_size), np.empty(len(rows))

        def write(some: slice) -> None:
            for first in range(some.start, some.stop, step):
                span = slice(first, min(first + step, some.stop))
                write_nats(self._head(rows[span]), self.config.logit_softcap, chosen[span], nats[span])

        in_parts(write, len(rows), self.head.integers.size)
        return nats.reshape(targets.shape)

    def value_embedding(self, tokens_BT: Tokens64) -> Product:
        """Return what the last blocks add to their values, each times a scale of its own."""
        return NOTHING_ADDED if self.embedding is None else self.embedding.embed(tokens_BT.reshape(-1))

    def _head(self, x_ND: Doubles) -> Product:
        return self.head.times(normed_rows(x_ND, 1.0))

    def _require_bounded_states(self) -> None:
        """Raise InputError if weights let a state or a logit grow too large."""
        first = self.first_state.largest()
        require_bounded(first, "the embeddings")
        x = x0 = 2 * math.sqrt(self.config.model_dim)
        gains, stack = iter(self.gains), list[float]()
        for step, number in enumerate(self.config.block_order):
            second_half = step >= self.config.depth // 2
            earlier = stack.pop() * float(abs(next(gains)).max()) if self.gains and second_half and stack else 0.0
            x = self.blocks[number].largest_state(x, x0, earlier)
            require_bounded(x, f"block {number}")
            if not second_half:
                stack.append(x)
        require_bounded(float(self.head.row_norms().max()) * x0, "the logits")
