"""One transformer block on rows of integers: the equations of `bytegolf.model.block`.

N = B·T positions in rows, D model width, M the MLP's.
"""

import math
from typing import NamedTuple

import numpy as np

from bytegolf.arrays import Doubles, WeightArrays
from bytegolf.compiling import compiled, compiled_inside, compiled_inside_without_counts
from bytegolf.config import ModelConfig
from bytegolf.exact.angles import Angles
from bytegolf.exact.arithmetic import LEAST, round_row, sigmoid
from bytegolf.exact.attention import KeysAndValues, Positions, Units, attend, remember
from bytegolf.exact.bounds import FIXED_BITS, ROW_BITS, fixed_unit
from bytegolf.exact.embeddings import Table
from bytegolf.exact.matrix import Columns, IntegerMatrix, Product, Rows, times, without_traces
from bytegolf.exact.norm import write_normed_rows


class Sight(NamedTuple):
    """What attention is told of the positions it reads: angles of all places, and of each query the first position it sees."""

    angles: Angles
    first: Positions
    at: int  # place of the first position that is read


class Earlier(NamedTuple):
    """An earlier block's output (N, D) and its gain (D,)."""

    output: Doubles
    gain: Doubles


class ExactBlockWeights(NamedTuple):
    """The weights of a block as compiled functions take them."""

    q: Columns
    kv: Columns
    out: Columns
    up: Columns
    down: Columns
    q_gain: Doubles  # (H,)
    head_gate: Doubles  # (H, n), or (0, 0) where heads are always open
    attention_scale: Doubles  # (D,), as the three below
    mlp_scale: Doubles
    keep: Doubles  # share of the stream that is kept
    again: Doubles  # share of the first state that is added once more
    units: Units
    depth_scale: float
    leak: float
    exclusive: bool  # whether heads leave out their component along the position's own value


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
        gate = weights.get("controls.head_gate")
        self.head_gate = np.zeros((0, 0)) if gate is None else without_traces(gate[number])
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
        self.weights = ExactBlockWeights(
            q=self.q.columns,
            kv=self.kv.columns,
            out=self.out.columns,
            up=self.up.columns,
            down=self.down.columns,
            q_gain=self.q_gain,
            head_gate=self.head_gate,
            attention_scale=self.attention_scale,
            mlp_scale=self.mlp_scale,
            keep=self.keep,
            again=self.again,
            units=self.units,
            depth_scale=self.depth_scale,
            leak=self.leak,
            exclusive=self.exclusive,
        )

    def largest_value(self, embedding_scale: float) -> float:
        """Return a bound on attention's values: a normed row of D numbers is at most sqrt(D) long."""
        reach = self.depth_scale * math.sqrt(len(self.q.integers)) * float(self.kv.row_norms()[self.key_width :].max())
        return (reach + (abs(embedding_scale) * self.embedding.largest() if self.embedding else 0.0)) * (1 + 2**-20)

    def largest_state(self, before: float, first: float, earlier: float) -> float:
        """Return a bound on the block's output, given those of what it reads and of what it adds of an earlier block's."""
        mixed = float(abs(self.keep).max()) * (before + earlier) + float(abs(self.again).max()) * first
        open_at_most = 2.0 if len(self.head_gate) else 1.0
        heads = open_at_most * self.units.value * 2**FIXED_BITS * (1 + math.sqrt(len(self.keep) / len(self.q_gain)))
        hidden = self.depth_scale * math.sqrt(len(self.keep)) * float(self.up.row_norms().max())
        attention = heads * math.sqrt(len(self.keep)) * float(self.out.row_norms().max())
        mlp = hidden**2 * math.sqrt(len(self.up.scales)) * float(self.down.row_norms().max())
        return mixed + float(abs(self.attention_scale).max()) * attention + float(abs(self.mlp_scale).max()) * mlp

    def forward(
        self, x_ND: Doubles, x0_ND: Doubles, earlier: Earlier, added: Product, past: KeysAndValues, sight: Sight, last: int
    ) -> Doubles:
        """Return the stream after the block, only of the `last` positions of each text: skip, residual mix, attention, MLP.

        `added` are rows that are added to values, none where the block has no value embedding.
        """
        return _forward(x_ND, x0_ND, earlier, self.weights, added, past, sight, last)


@compiled
def _forward(
    x_ND: Doubles,
    x0_ND: Doubles,
    earlier: Earlier,
    weights: ExactBlockWeights,
    added: Product,
    past: KeysAndValues,
    sight: Sight,
    last: int,
) -> Doubles:
    """Return the stream after a block; one call, for calls are what a single token's time goes to."""
    texts, positions = sight.first.shape
    mixed = np.empty(x_ND.shape)
    _mix(x_ND, x0_ND, weights.keep, weights.again, earlier, mixed)
    read = Rows(np.empty(mixed.shape), np.empty(len(mixed)))
    write_normed_rows(mixed, weights.depth_scale, read)
    remember(times(read, weights.kv), added, weights.units, sight.angles, sight.at, past)
    rows = last_rows(texts, positions, last)
    x, asking = mixed[rows], Rows(read.integers[rows], read.scales[rows])
    heads = Rows(np.empty(asking.integers.shape), np.empty(len(rows)))
    first, at = sight.first[:, positions - last :], sight.at + positions - last
    openness = _openness(asking, weights.head_gate)
    attend(times(asking, weights.q), weights.q_gain, past, sight.angles, weights.units, first, at, weights.exclusive, openness, heads)
    _add_product(x, times(heads, weights.out), weights.attention_scale)
    write_normed_rows(x, weights.depth_scale, asking)
    _add_product(x, times(_activation(times(asking, weights.up), weights.leak), weights.down), weights.mlp_scale)
    return x


@compiled_inside
def last_rows(texts: int, positions: int, last: int) -> Positions:
    """Return which rows are the `last` positions of each text."""
    rows = np.empty(texts * last, np.int64)
    for text in range(texts):
        for t in range(last):
            rows[text * last + t] = (text + 1) * positions - last + t
    return rows


@compiled_inside
def _openness(read: Rows, gate_Hn: Doubles) -> Doubles:
    """Return by how much each head of each row is open, (N, H): sums from left to right."""
    heads, inputs = gate_Hn.shape
    openness = np.empty((len(read.scales), heads))
    for row in range(len(read.scales)):
        for head in range(heads):
            total = 0.0
            for i in range(inputs):
                total += gate_Hn[head, i] * (read.integers[row, i] * read.scales[row])
            openness[row, head] = 2.0 * sigmoid(total)
    return openness


@compiled_inside_without_counts
def _mix(x_ND: Doubles, x0_ND: Doubles, keep_D: Doubles, again_D: Doubles, earlier: Earlier, out_ND: Doubles) -> None:
    """Write the stream after an earlier block's output is added and it is mixed with the first state."""
    for row in range(len(x_ND)):
        for i in range(len(keep_D)):
            x = x_ND[row, i] + earlier.gain[i] * earlier.output[row, i]
            x = keep_D[i] * x + again_D[i] * x0_ND[row, i]
            out_ND[row, i] = x if abs(x) >= LEAST else 0.0


@compiled_inside_without_counts
def _add_product(x_ND: Doubles, added: Product, scale_D: Doubles) -> None:
    """Add a product, each dimension times a number."""
    for row in range(len(x_ND)):
        for i in range(len(scale_D)):
            x_ND[row, i] += scale_D[i] * (added.sums[row, i] * (added.row_scales[row] * added.column_scales[i]))


@compiled_inside
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
