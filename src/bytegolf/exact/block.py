"""One transformer block on rows of integers: the equations of `bytegolf.model.block`.

N = B·T positions in rows, D model width, M the MLP's.
"""

import math
from typing import NamedTuple

import numpy as np

from bytegolf.arrays import Doubles, WeightArrays
from bytegolf.compiling import compiled
from bytegolf.config import ModelConfig
from bytegolf.exact.angles import Angles
from bytegolf.exact.arithmetic import LEAST, round_row
from bytegolf.exact.attention import KeysAndValues, Positions, Units, attend, remember
from bytegolf.exact.bounds import FIXED_BITS, ROW_BITS, fixed_unit
from bytegolf.exact.embeddings import Table
from bytegolf.exact.matrix import Columns, IntegerMatrix, Product, Rows, times, without_traces
from bytegolf.exact.norm import normed_rows, write_normed_rows


class Sight(NamedTuple):
    """What attention is told of the positions it reads: angles of all places, and of each query the first position it sees."""

    angles: Angles
    first: Positions
    at: int  # place of the first position that is read


class Earlier(NamedTuple):
    """An earlier block's output (N, D) and its gain (D,)."""

    output: Doubles
    gain: Doubles


class ExactBlock:
    """The weights of one block."""

    def __init__(self, config: ModelConfig, weights: WeightArrays, number: int, embedding: Table | None) -> None:
        layers = config.num_layers
        self.key_width, self.exclusive = config.kv_dim, number >= layers - config.xsa_layers
        self.leak = config.mlp_leak if config.mlp_leak >= LEAST else 0.0
        self.depth_scale = 1.0 / math.sqrt(number + 1) if config.depth_scale else 1.0
        qo, kv = weights["banks.qo"], weights["banks.kv"]
        self.q, self.kv, self.out = (
            IntegerMatrix(qo[number]),
            IntegerMatrix.of(kv[number], kv[layers + number]),
            IntegerMatrix(qo[layers + number]),
        )
        self.up, self.down = IntegerMatrix(weights["banks.up"][number]), IntegerMatrix(weights["banks.down"][number])
        self.products = sum(matrix.integers.size for matrix in (self.q, self.kv, self.out, self.up, self.down))
        self.q_gain = without_traces(weights["controls.q_gain"][number]) / math.sqrt(config.head_dim)
        self.attention_scale = without_traces(weights["controls.attention_scale"][number])
        self.mlp_scale = without_traces(weights["controls.mlp_scale"][number])
        mixes = weights.get("controls.residual_mix")
        width = config.model_dim
        self.keep, self.again = np.ones(width), np.zeros(width)
        if mixes is not None:
            self.keep, self.again = without_traces(mixes[number])
        embedded = number - (layers - config.value_embed_layers)
        self.embedding = embedding if embedded >= 0 else None
        scale = self.embedding.scale * float(without_traces(weights["value_embedding.layer_scales"])[embedded]) if self.embedding else 0.0
        self.units = Units(fixed_unit(math.sqrt(config.head_dim)), fixed_unit(self.largest_value(scale)), scale)

    def largest_value(self, embedding_scale: float) -> float:
        """Return a bound on attention's values: a normed row of D numbers is at most sqrt(D) long."""
        reach = self.depth_scale * math.sqrt(len(self.q.integers)) * float(self.kv.row_norms()[self.key_width :].max())
        return (reach + (abs(embedding_scale) * self.embedding.largest() if self.embedding else 0.0)) * (1 + 2**-20)

    def largest_state(self, before: float, first: float, earlier: float) -> float:
        """Return a bound on the block's output, given those of what it reads and of what it adds of an earlier block's."""
        mixed = float(abs(self.keep).max()) * (before + earlier) + float(abs(self.again).max()) * first
        heads = self.units.value * 2**FIXED_BITS * (1 + math.sqrt(len(self.keep) / len(self.q_gain)))
        hidden = self.depth_scale * math.sqrt(len(self.keep)) * float(self.up.row_norms().max())
        attention = heads * math.sqrt(len(self.keep)) * float(self.out.row_norms().max())
        mlp = hidden**2 * math.sqrt(len(self.up.scales)) * float(self.down.row_norms().max())
        return mixed + float(abs(self.attention_scale).max()) * attention + float(abs(self.mlp_scale).max()) * mlp

    def forward(
        self, x_ND: Doubles, x0_ND: Doubles, earlier: Earlier, added: Product | None, past: KeysAndValues, sight: Sight, last: int
    ) -> Doubles:
        """Return the stream after the block, only of the `last` positions of each text: skip, residual mix, attention, MLP."""
        x = mixed(x_ND, x0_ND, self.keep, self.again, earlier)
        read = normed_rows(x, self.depth_scale)
        heads = self.heads(read, added, past, sight, last)
        x = last_rows(x, len(sight.first), last)
        add_attention(x, heads, self.out.columns, self.attention_scale)
        add_mlp(x, self.up.columns, self.down.columns, self.depth_scale, self.leak, self.mlp_scale)
        return x

    def heads(self, read: Rows, added: Product | None, past: KeysAndValues, sight: Sight, last: int) -> Rows:
        """Return what the heads of the last positions read."""
        texts, positions = sight.first.shape
        remember(self.kv.times(read), added, self.units, sight.angles, sight.at, past)
        asking = Rows(last_rows(read.integers, texts, last), last_rows(read.scales, texts, last))
        heads = Rows(np.empty_like(asking.integers), np.empty_like(asking.scales))
        first, at = np.ascontiguousarray(sight.first[:, positions - last :]), sight.at + positions - last
        attend(self.q.times(asking), self.q_gain, past, sight.angles, self.units, first, at, self.exclusive, heads)
        return heads


def last_rows(rows: Doubles, texts: int, last: int) -> Doubles:
    """Return the rows of the `last` positions of each text."""
    if texts * last == len(rows):
        return rows
    by_text = rows.reshape(texts, -1, *rows.shape[1:])
    return by_text[:, by_text.shape[1] - last :].reshape(-1, *rows.shape[1:])


@compiled
def mixed(x_ND: Doubles, x0_ND: Doubles, keep_D: Doubles, again_D: Doubles, earlier: Earlier) -> Doubles:
    """Return the stream after an earlier block's output is added and it is mixed with the first state."""
    out_ND = np.empty(x_ND.shape)
    for row in range(len(x_ND)):
        for i in range(len(keep_D)):
            x = x_ND[row, i] + earlier.gain[i] * earlier.output[row, i]
            x = keep_D[i] * x + again_D[i] * x0_ND[row, i]
            out_ND[row, i] = x if abs(x) >= LEAST else 0.0
    return out_ND


@compiled
def add_attention(x_ND: Doubles, heads: Rows, out: Columns, scale_D: Doubles) -> None:
    """Add what the heads read, mapped to the stream."""
    _add_product(x_ND, times(heads, out), scale_D)


@compiled
def add_mlp(x_ND: Doubles, up: Columns, down: Columns, depth_scale: float, leak: float, scale_D: Doubles) -> None:
    """Add what the MLP makes of the stream; one call, for calls are what a single token's time goes to."""
    read = Rows(np.empty(x_ND.shape), np.empty(len(x_ND)))
    write_normed_rows(x_ND, depth_scale, read)
    hidden = times(read, up)
    _add_product(x_ND, times(_activation(hidden, leak), down), scale_D)


@compiled
def _add_product(x_ND: Doubles, added: Product, scale_D: Doubles) -> None:
    """Add a product, each dimension times a number."""
    for row in range(len(x_ND)):
        for i in range(len(scale_D)):
            x_ND[row, i] += scale_D[i] * (added.sums[row, i] * (added.row_scales[row] * added.column_scales[i]))


@compiled
def _activation(hidden: Product, leak: float) -> Rows:
    """Return (leaky ReLU (hidden))², ready to be multiplied."""
    rows = Rows(np.empty(hidden.sums.shape), np.empty(len(hidden.sums)))
    for row in range(len(rows.integers)):
        activated = rows.integers[row]
        for i in range(len(activated)):
            h = hidden.sums[row, i] * (hidden.row_scales[row] * hidden.column_scales[i])
            h = h if h > 0.0 else leak * h
            activated[i] = h * h
        rows.scales[row] = round_row(activated, ROW_BITS, activated)
    return rows
