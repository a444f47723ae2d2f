"""The first state of each position, before any attention: its token, a hash of its last tokens, its neighbour.

B texts, T positions, N = B·T of them in rows, D model width. `age` (B, T) counts the positions since the document or the text
began, and nothing here reaches further back.
"""

from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from bytegolf.arrays import Doubles, WeightArrays
from bytegolf.compiling import compiled_without_counts
from bytegolf.exact.arithmetic import sigmoid
from bytegolf.exact.matrix import IntegerMatrix, Product, Rows, rounded, without_traces
from bytegolf.exact.norm import norm_in_place

REACH = 2  # tokens before the current one that a hash mixes
BIGRAM, TRIGRAM = (36313, 27191), (17291, 36313, 27191)  # multipliers of the current token, the one before it, …

Tokens64 = NDArray[np.int64]


class Table:
    """A lookup table (rows, d) whose rows are mapped to another width; no map where d is the width already."""

    def __init__(self, table: NDArray[np.float32], projection: NDArray[np.float32] | None, scale: float) -> None:
        self.table, self.scale = rounded(without_traces(table)), scale
        self.projection = None if projection is None else IntegerMatrix(projection)
        self.unscaled = np.ones(table.shape[1])

    @classmethod
    def of(cls, weights: WeightArrays, name: str) -> Self | None:
        """Return a model's table, if it has it."""
        if f"{name}.table" not in weights:
            return None
        return cls(weights[f"{name}.table"], weights.get(f"{name}.projection"), float(without_traces(weights[f"{name}.scale"]).item()))

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.table.scales)

    def embed(self, rows_N: Tokens64) -> Product:
        """Return some rows, mapped; what they stand for is still to be multiplied by `scale`."""
        rows = Rows(self.table.integers[rows_N], self.table.scales[rows_N])
        return Product(*rows, self.unscaled) if self.projection is None else self.projection.times(rows)

    def largest(self) -> float:
        """Return a bound on what a mapped row holds, `scale` aside."""
        norms = np.sqrt((self.table.integers**2).sum(axis=1)) * self.table.scales
        return float(norms.max() * (1.0 if self.projection is None else self.projection.row_norms().max()))


class FirstState:
    """What makes the first state of tokens."""

    def __init__(self, weights: WeightArrays) -> None:
        self.tokens = without_traces(weights["tokens"])
        tables = ((multipliers, Table.of(weights, name)) for name, multipliers in (("bigram", BIGRAM), ("trigram", TRIGRAM)))
        self.hashed = [(multipliers, table) for multipliers, table in tables if table is not None]
        gate = weights.get("smear.gate")
        shares = [0.0] * self.tokens.shape[1] if gate is None else [sigmoid(float(logit)) for logit in gate]
        self.smeared = without_traces(np.array(shares))

    def largest(self) -> float:
        """Return a bound on the sum of embeddings."""
        return float(abs(self.tokens).max()) + sum(abs(table.scale) * table.largest() for _, table in self.hashed)

    def embed(self, text_BR: Tokens64, age_BT: Tokens64) -> Doubles:
        """Return the normed sum of embeddings of the last T tokens of texts, (B, T, D)."""
        texts, positions = age_BT.shape
        x = self.tokens[text_BR[:, -positions:].reshape(-1)]
        for multipliers, table in self.hashed:
            _add_scaled(x, table.embed(hashed_rows(text_BR, age_BT, multipliers, len(table)).reshape(-1)), table.scale)
        norm_in_place(x)
        return x.reshape(texts, positions, -1)

    def smear(self, x_BTD: Doubles, before_BD: Doubles, age_BT: Tokens64) -> Doubles:
        """Return (1 - g) x_t + g x_{t-1} for learned shares g; the first of a document has zeros before it."""
        smeared = np.empty_like(x_BTD)
        _smear(x_BTD, before_BD, age_BT, self.smeared, smeared)
        return smeared


def hashed_rows(text_BR: Tokens64, age_BT: Tokens64, multipliers: Sequence[int], rows: int) -> Tokens64:
    """Return each position's row of a hash table; the last one stands for contexts that a beginning cuts short."""
    found = np.empty_like(age_BT)
    _hash_rows(text_BR, age_BT, np.array(multipliers), rows, found)
    return found


@compiled_without_counts
def _hash_rows(text_BR: Tokens64, age_BT: Tokens64, multipliers: Tokens64, rows: int, found_BT: Tokens64) -> None:
    texts, positions = age_BT.shape
    before = text_BR.shape[1] - positions
    for text in range(texts):
        for t in range(positions):
            mixed = np.int64(0)
            for back in range(len(multipliers)):
                mixed ^= multipliers[back] * text_BR[text, before + t - back]
            found_BT[text, t] = rows - 1 if age_BT[text, t] < len(multipliers) - 1 else mixed % (rows - 1)


@compiled_without_counts
def _add_scaled(x_ND: Doubles, added: Product, scale: float) -> None:
    """Add a product times a number."""
    for row in range(len(x_ND)):
        for i in range(x_ND.shape[1]):
            x_ND[row, i] += scale * (added.sums[row, i] * (added.row_scales[row] * added.column_scales[i]))


@compiled_without_counts
def _smear(x_BTD: Doubles, before_BD: Doubles, age_BT: Tokens64, shares_D: Doubles, out_BTD: Doubles) -> None:
    texts, positions, width = x_BTD.shape
    for text in range(texts):
        for t in range(positions):
            before = x_BTD[text, t - 1] if t > 0 else before_BD[text]
            begins = age_BT[text, t] == 0
            for i in range(width):
                neighbour = 0.0 if begins else before[i]
                out_BTD[text, t, i] = x_BTD[text, t, i] + shares_D[i] * (neighbour - x_BTD[text, t, i])
