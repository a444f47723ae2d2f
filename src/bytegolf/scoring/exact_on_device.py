"""An `ExactModel` on a device of torch's: windows in one pass, to the bits that `exact` finds on a processor.

The equations are those of `bytegolf.exact`, whose integers it takes. B windows, T positions of each, D model width, K key-value
heads, G query heads that share one, h head width. Sums below 2^53 leave a product of matrices to any library.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bytegolf.arrays import Doubles
from bytegolf.config import BOS
from bytegolf.exact.angles import angles
from bytegolf.exact.arithmetic import LEAST
from bytegolf.exact.block import ExactBlock
from bytegolf.exact.bounds import NORM_BITS, ROW_BITS, SHARE_BITS, require_positions
from bytegolf.exact.embeddings import REACH, Table, hashed_rows
from bytegolf.exact.matrix import IntegerMatrix
from bytegolf.exact.model import ExactModel
from bytegolf.scoring.exact_tensors import TensorRows, exp, nearest, normed, rounded, sigmoid


class DeviceMatrix(NamedTuple):
    """Integers (n, out), and a scale (out,) for each column."""

    integers: Tensor
    scales: Tensor

    def times(self, rows: TensorRows) -> Tensor:
        """Return rows (…, n) times the matrix, (…, out)."""
        return (rows.integers @ self.integers) * (rows.units * self.scales)


class PositionTables(NamedTuple):
    """What attention is told of positions: cosines and sines (T, rotated/2), and who sees whom (B, 1, 1, T, T)."""

    cos: Tensor
    sin: Tensor
    seen: Tensor


class ExactOnDevice:
    """The model of `exact`, which reads whole windows on a device."""

    def __init__(self, model: ExactModel, device: torch.device) -> None:
        self.exact, self.device = model, device

    def read_windows(self, tokens_BT: NDArray[np.integer], last: int) -> Doubles:
        """Return the hidden states of the `last` positions of windows, (B, n, D), as `exact.reader.read_windows` does."""
        return self.hidden(tokens_BT.astype(np.int64))[:, -last:].cpu().numpy()

    def hidden(self, tokens_BT: NDArray[np.int64]) -> Tensor:
        """Return the stream after all blocks, (B, T, D)."""
        config = self.exact.config
        require_positions(tokens_BT.shape[1])
        age = _ages(tokens_BT, config.isolate_documents)
        x = x0 = self._first_state(tokens_BT, age)
        places, added = self._places(age), self._value_embedding(tokens_BT)
        first_half, gains, stack = config.depth // 2, iter(self.exact.gains), list[Tensor]()
        for step, number in enumerate(config.block_order):
            block = self.exact.blocks[number]
            if self.exact.gains and step >= first_half and stack:
                x = x + self._on_device(next(gains)) * stack.pop()
            x = self._block(block, x, x0, added if block.embedding else None, places)
            if step < first_half:
                stack.append(x)
        return x

    def _first_state(self, tokens_BT: NDArray[np.int64], age_BT: NDArray[np.int64]) -> Tensor:
        first, age = self.exact.first_state, torch.from_numpy(age_BT).to(self.device)
        text = np.pad(tokens_BT, ((0, 0), (REACH, 0)))
        x = self._on_device(first.tokens[tokens_BT])
        for multipliers, table in first.hashed:
            x = x + table.scale * self._looked_up(table, hashed_rows(text, age_BT, multipliers, len(table)))
        x = normed(x, NORM_BITS).values()
        before = torch.where(age[..., None] == 0, 0.0, x.roll(1, dims=1))
        return x + self._on_device(first.smeared) * (before - x)

    def _value_embedding(self, tokens_BT: NDArray[np.int64]) -> Tensor | None:
        return None if self.exact.embedding is None else self._looked_up(self.exact.embedding, tokens_BT)

    def _block(self, block: ExactBlock, x: Tensor, x0: Tensor, added: Tensor | None, places: PositionTables) -> Tensor:
        x = self._on_device(block.keep) * x + self._on_device(block.again) * x0
        x = torch.where(x.abs() >= LEAST, x, 0.0)
        heads = self._attend(block, normed(x, ROW_BITS, block.depth_scale), added, places)
        x = x + self._on_device(block.attention_scale) * self._matrix(block.out).times(heads)
        hidden = self._matrix(block.up).times(normed(x, ROW_BITS, block.depth_scale))
        hidden = torch.where(hidden > 0.0, hidden, block.leak * hidden)
        return x + self._on_device(block.mlp_scale) * self._matrix(block.down).times(rounded(hidden * hidden, ROW_BITS))

    def _attend(self, block: ExactBlock, read: TensorRows, added: Tensor | None, places: PositionTables) -> TensorRows:
        """Return what the heads of all positions read, (B, T, D)."""
        config, units = self.exact.config, block.units
        kv_heads, group = config.num_kv_heads, config.num_heads // config.num_kv_heads
        made = self._matrix(block.kv).times(read)
        made_values = made[..., config.kv_dim :]
        if added is not None:
            made_values = made_values + added * units.embedding
        values = nearest(_heads(made_values, kv_heads, 1) * (1.0 / units.value))
        keys = _turned(normed(_heads(made[..., : config.kv_dim], kv_heads, 1), NORM_BITS).values(), places)
        keys = nearest(keys * (1.0 / units.key))
        gains = self._on_device(block.q_gain).reshape(kv_heads, group, 1, 1)
        asked = _heads(self._matrix(block.q).times(read), kv_heads, group)
        queries = rounded(_turned(normed(asked, NORM_BITS, gains).values(), places), ROW_BITS)
        shares = _shares(queries.integers @ keys.mT, queries.units * units.key, places.seen)
        heads = (shares @ values) / shares.sum(dim=-1, keepdim=True)
        if block.exclusive:
            heads = _without_own_value(heads, values)
        heads = heads.flatten(1, 2).transpose(1, 2)
        if len(block.head_gate):
            heads = heads * self._openness(block, read)[..., None]
        rows = rounded(heads.flatten(2), ROW_BITS)
        return TensorRows(rows.integers, rows.units * units.value)

    def _openness(self, block: ExactBlock, read: TensorRows) -> Tensor:
        """Return by how much each head is open, (B, T, H): sums from left to right."""
        gate = self._on_device(block.head_gate)
        total = torch.zeros(*read.integers.shape[:-1], len(gate), dtype=torch.float64, device=self.device)
        for i in range(gate.shape[1]):
            total = total + gate[:, i] * (read.integers[..., i : i + 1] * read.units)
        return 2.0 * sigmoid(total)

    def _looked_up(self, table: Table, rows_BT: NDArray[np.int64]) -> Tensor:
        rows = TensorRows(self._on_device(table.table.integers[rows_BT]), self._on_device(table.table.scales[rows_BT])[..., None])
        return rows.values() if table.projection is None else self._matrix(table.projection).times(rows)

    def _places(self, age_BT: NDArray[np.int64]) -> PositionTables:
        config, length = self.exact.config, age_BT.shape[1]
        place = np.arange(length)
        first = place - age_BT if config.isolate_documents else np.zeros_like(age_BT)
        seen = (place[:, None] >= place) & (place >= first[:, :, None])
        cos, sin = (self._on_device(table) for table in angles(length, config.rotated_dims, config.rope_base))
        return PositionTables(cos, sin, torch.from_numpy(seen).to(self.device)[:, None, None])

    def _matrix(self, matrix: IntegerMatrix) -> DeviceMatrix:
        return DeviceMatrix(self._on_device(matrix.integers), self._on_device(matrix.scales))

    def _on_device(self, values: NDArray[np.floating]) -> Tensor:
        return torch.from_numpy(values).to(self.device, torch.float64)


def _ages(tokens_BT: NDArray[np.int64], isolated: bool) -> NDArray[np.int64]:
    """Return the number of positions since the document, or the window, began."""
    place = np.broadcast_to(np.arange(tokens_BT.shape[1]), tokens_BT.shape)
    return place - np.maximum.accumulate(np.where(tokens_BT == BOS, place, 0), axis=1) if isolated else place.copy()


def _heads(x_BTn: Tensor, kv_heads: int, group: int) -> Tensor:
    """Return (B, K, G, T, h)."""
    return x_BTn.unflatten(-1, (kv_heads, group, -1)).permute(0, 2, 3, 1, 4)


def _turned(x: Tensor, places: PositionTables) -> Tensor:
    """Return heads (B, K, G, T, h) with their first dimensions turned, half against half."""
    half = places.cos.shape[1]
    u, w, rest = x[..., :half], x[..., half : 2 * half], x[..., 2 * half :]
    return torch.cat((u * places.cos + w * places.sin, w * places.cos - u * places.sin, rest), dim=-1)


def _shares(scores: Tensor, units: Tensor, seen: Tensor) -> Tensor:
    """Return integers in proportion to e^score, 0 for positions that are not seen."""
    scores = torch.where(seen, scores, -math.inf)
    apart = torch.where(seen, scores - scores.amax(dim=-1, keepdim=True), 0.0)
    return torch.where(seen, nearest(exp(apart * units) * float(1 << SHARE_BITS)), 0.0)


def _without_own_value(heads: Tensor, values: Tensor) -> Tensor:
    """Return heads less their component along the position's own value."""
    rows = rounded(heads, NORM_BITS)
    along, squares = (rows.integers * values).sum(dim=-1, keepdim=True), (values * values).sum(dim=-1, keepdim=True)
    share = along * rows.units / squares
    return torch.where(squares > 0, heads - share * values, heads)
