"""Attention over keys and values that are integers: scores, shares and weighted values are exact sums.

B texts, T positions of each, S positions in sight, K key-value heads, G query heads that share one, h head width. Rows of a
product are positions, a text's one after the other.
"""

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from bytegolf.arrays import Doubles
from bytegolf.compiling import compiled, compiled_inside, compiled_inside_without_counts
from bytegolf.config import ModelConfig
from bytegolf.exact.angles import Angles
from bytegolf.exact.arithmetic import exp, inverse_rms, largest, nearest, nearest_integer, round_row
from bytegolf.exact.bounds import NORM_BITS, ROW_BITS, SHARE_BITS
from bytegolf.exact.matrix import Product, Rows
from bytegolf.exact.norm import EPSILON

Narrow = NDArray[np.float32]
Positions = NDArray[np.int64]


class KeysAndValues(NamedTuple):
    """What one block keeps of the positions in sight, as integers; float32 holds those of 24 bits."""

    keys: Narrow  # rotated, times a unit that all blocks share, (B, K, h, S)
    values: Narrow  # times the block's own unit, (B, K, S, h)

    @classmethod
    def empty(cls, config: ModelConfig, texts: int, positions: int) -> Self:
        """Return room for some positions of some texts."""
        heads, width = config.num_kv_heads, config.head_dim
        return cls(np.empty((texts, heads, width, positions), np.float32), np.empty((texts, heads, positions, width), np.float32))

    def of_texts(self, part: slice) -> Self:
        """Return what is kept of some of the texts."""
        if part == slice(0, len(self.keys)):
            return self
        return type(self)(self.keys[part], self.values[part])

    def forget(self, positions: int, length: int, angles: Angles) -> None:
        """Drop the first of `length` positions and turn the keys of the rest back to their new places."""
        _turn_back(self.keys, angles, positions, length)
        self.values[:, :, : length - positions] = self.values[:, :, positions:length].copy()


class Units(NamedTuple):
    """What the integers of a block's keys and values are in units of, and the factor of what is added to values."""

    key: float
    value: float
    embedding: float


@compiled_inside
def remember(made: Product, embedding: Product, units: Units, angles: Angles, at: int, past: KeysAndValues) -> None:
    """Keep keys, normed and rotated, and values of positions from `at` on.

    `made` has all keys, then all values, to which `embedding` is added if it has any rows.
    """
    texts, heads, _, width = past.values.shape
    positions = len(made.sums) // texts
    key, integers, keys_per_unit, values_per_unit = np.empty(width), np.empty(width), 1.0 / units.key, 1.0 / units.value
    for text in range(texts):
        for t in range(positions):
            row = text * positions + t
            for head in range(heads):
                for i in range(width):
                    column = head * width + i
                    key[i] = made.sums[row, column] * (made.row_scales[row] * made.column_scales[column])
                unit = round_row(key, NORM_BITS, integers)
                scale = unit * inverse_rms(integers, unit, EPSILON)
                for i in range(width):
                    integers[i] *= scale
                _rotate(integers, angles, at + t, key)
                for i in range(width):
                    past.keys[text, head, i, at + t] = nearest(key[i] * keys_per_unit)
                for i in range(width):
                    own = head * width + i
                    column = heads * width + own
                    value = made.sums[row, column] * (made.row_scales[row] * made.column_scales[column])
                    if len(embedding.sums):
                        added = embedding.sums[row, own] * (embedding.row_scales[row] * embedding.column_scales[own])
                        value += added * units.embedding
                    past.values[text, head, at + t, i] = nearest(value * values_per_unit)


@compiled
def _turn_back(keys_BKhS: Narrow, angles: Angles, positions: int, length: int) -> None:
    """Move keys to places that are some positions earlier."""
    texts, heads, width, _ = keys_BKhS.shape
    half, kept = angles.cos.shape[1], length - positions
    for text in range(texts):
        for head in range(heads):
            keys_hS = keys_BKhS[text, head]
            for i in range(half):
                cos, sin = angles.cos[positions, i], angles.sin[positions, i]
                for s in range(kept):
                    u, w = keys_hS[i, s + positions], keys_hS[half + i, s + positions]
                    keys_hS[i, s] = nearest(u * cos - w * sin)
                    keys_hS[half + i, s] = nearest(w * cos + u * sin)
            for i in range(2 * half, width):
                for s in range(kept):
                    keys_hS[i, s] = keys_hS[i, s + positions]


@compiled_inside_without_counts
def _rotate(x_h: Doubles, angles: Angles, place: int, out_h: Doubles) -> None:
    """Write a head with its first dimensions turned, half against half."""
    half = angles.cos.shape[1]
    for i in range(half):
        u, w, cos, sin = x_h[i], x_h[half + i], angles.cos[place, i], angles.sin[place, i]
        out_h[i] = u * cos + w * sin
        out_h[half + i] = w * cos - u * sin
    for i in range(2 * half, len(x_h)):
        out_h[i] = x_h[i]


@compiled_inside
def attend(
    asked: Product,
    gains_H: Doubles,
    past: KeysAndValues,
    angles: Angles,
    units: Units,
    first_BT: Positions,
    at: int,
    exclusive: bool,
    openness_NH: Doubles,
    heads: Rows,
) -> None:
    """Write what each head of each position from `at` on reads of the positions from its `first` one to itself.

    With `exclusive`, less its component along the position's own value. Then times `openness`, if that has any columns.
    Queries that share a key-value head go two by two, so that its keys and values are loaded half as often.
    """
    texts, kv_heads, in_sight, width = past.values.shape
    positions, group = first_BT.shape[1], len(gains_H) // kv_heads
    queries, query_units = np.zeros((positions * group + 1, width)), np.zeros(positions * group + 1)
    shares, read = np.empty((2, in_sight)), np.empty((2, width))
    for text in range(texts):
        for kv_head in range(kv_heads):
            keys, values = past.keys[text, kv_head], past.values[text, kv_head]
            _make_queries(asked, gains_H, angles, text * positions, at, kv_head * group, group, queries, query_units)
            for query in range(0, positions * group, 2):
                t, u = query // group, min((query + 1) // group, positions - 1)
                first, stop = min(first_BT[text, t], first_BT[text, u]), at + u + 1
                _scores(queries[query], queries[query + 1], keys, first, stop, shares[0], shares[1])
                total = _share(shares[0], query_units[query] * units.key, first, first_BT[text, t], at + t + 1, stop)
                other = _share(shares[1], query_units[query + 1] * units.key, first, first_BT[text, u], stop, stop)
                _weigh(shares[0], shares[1], values, first, stop, read[0], read[1])
                _write_head(read[0], total, values[at + t], exclusive, heads, text * positions + t, kv_head * group + query % group)
                if query + 1 < positions * group:
                    head = kv_head * group + (query + 1) % group
                    _write_head(read[1], other, values[at + u], exclusive, heads, text * positions + u, head)
    for row in range(len(heads.scales)):
        for head in range(openness_NH.shape[1]):
            heads.integers[row, head * width : (head + 1) * width] *= openness_NH[row, head]
        heads.scales[row] = round_row(heads.integers[row], ROW_BITS, heads.integers[row]) * units.value


@compiled_inside
def _make_queries(
    asked: Product,
    gains_H: Doubles,
    angles: Angles,
    first_row: int,
    at: int,
    first_head: int,
    group: int,
    queries_Qh: Doubles,
    units_Q: Doubles,
) -> None:
    """Write the queries of a group of heads, one position after the other, as integers; one more stays as it is."""
    width = queries_Qh.shape[1]
    query, integers = np.empty(width), np.empty(width)
    for place in range((len(queries_Qh) - 1) // group):
        row = first_row + place
        for member in range(group):
            head = first_head + member
            for i in range(width):
                column = head * width + i
                query[i] = asked.sums[row, column] * (asked.row_scales[row] * asked.column_scales[column])
            unit = round_row(query, NORM_BITS, integers)
            scale = unit * inverse_rms(integers, unit, EPSILON) * gains_H[head]
            for i in range(width):
                integers[i] *= scale
            _rotate(integers, angles, at + place, query)
            units_Q[place * group + member] = round_row(query, ROW_BITS, queries_Qh[place * group + member])


@compiled_inside_without_counts
def _scores(a_h: Doubles, b_h: Doubles, keys_hS: Narrow, first: int, stop: int, a_S: Doubles, b_S: Doubles) -> None:
    """Write the products of two queries with the keys of positions first … stop - 1."""
    scores, others = a_S[first:stop], b_S[first:stop]
    scores[:] = 0.0
    others[:] = 0.0
    whole = len(a_h) // 4 * 4
    for i in range(0, whole, 4):
        a, b, c, d = a_h[i], a_h[i + 1], a_h[i + 2], a_h[i + 3]
        e, f, g, h = b_h[i], b_h[i + 1], b_h[i + 2], b_h[i + 3]
        w, x, y, z = keys_hS[i, first:stop], keys_hS[i + 1, first:stop], keys_hS[i + 2, first:stop], keys_hS[i + 3, first:stop]
        for s in range(len(scores)):
            scores[s] += (a * w[s] + b * x[s]) + (c * y[s] + d * z[s])
            others[s] += (e * w[s] + f * x[s]) + (g * y[s] + h * z[s])
    for i in range(whole, len(a_h)):
        a, b, w = a_h[i], b_h[i], keys_hS[i, first:stop]
        for s in range(len(scores)):
            scores[s] += a * w[s]
            others[s] += b * w[s]


@compiled_inside_without_counts
def _share(scores_S: Doubles, unit: float, first: int, own_first: int, own_stop: int, stop: int) -> float:
    """Turn scores into shares, integers in proportion to e^score, 0 for positions that are not its own; return their sum."""
    scores_S[first:own_first] = 0.0
    scores_S[own_stop:stop] = 0.0
    own = scores_S[own_first:own_stop]
    top, total = largest(own), np.int64(0)
    for s in range(len(own)):
        share = exp((own[s] - top) * unit) * (1 << SHARE_BITS)
        own[s] = nearest(share)
        total += nearest_integer(share)
    return float(total)


@compiled_inside_without_counts
def _weigh(a_S: Doubles, b_S: Doubles, values_Sh: Narrow, first: int, stop: int, a_h: Doubles, b_h: Doubles) -> None:
    """Write the sums of the values of positions first … stop - 1, each times one share and times another."""
    a_h[:] = 0.0
    b_h[:] = 0.0
    whole = first + (stop - first) // 4 * 4
    for s in range(first, whole, 4):
        a, b, c, d = a_S[s], a_S[s + 1], a_S[s + 2], a_S[s + 3]
        e, f, g, h = b_S[s], b_S[s + 1], b_S[s + 2], b_S[s + 3]
        w, x, y, z = values_Sh[s], values_Sh[s + 1], values_Sh[s + 2], values_Sh[s + 3]
        for i in range(len(a_h)):
            a_h[i] += (a * w[i] + b * x[i]) + (c * y[i] + d * z[i])
            b_h[i] += (e * w[i] + f * x[i]) + (g * y[i] + h * z[i])
    for s in range(whole, stop):
        a, b, w = a_S[s], b_S[s], values_Sh[s]
        for i in range(len(a_h)):
            a_h[i] += a * w[i]
            b_h[i] += b * w[i]


@compiled_inside_without_counts
def _write_head(read_h: Doubles, total: float, own_h: Narrow, exclusive: bool, heads: Rows, row: int, head: int) -> None:
    """Write the output of a head, the sum that it read over that of its shares; in units of values."""
    for i in range(len(read_h)):
        read_h[i] /= total
    out_h = heads.integers[row, head * len(read_h) : (head + 1) * len(read_h)]
    if exclusive:
        _remove_own_value(read_h, own_h, out_h)
    for i in range(len(read_h)):
        out_h[i] = read_h[i]


@compiled_inside_without_counts
def _remove_own_value(read_h: Doubles, value_h: Narrow, integers_h: Doubles) -> None:
    """Subtract from a head's output, in place, its component along the position's own value; both in units of values."""
    unit, along, squares = round_row(read_h, NORM_BITS, integers_h), np.int64(0), np.int64(0)
    for i in range(len(value_h)):
        own = np.int64(np.int32(nearest_integer(value_h[i])))
        along += np.int64(np.int32(nearest_integer(integers_h[i]))) * own
        squares += own * own
    if squares > 0:
        share = float(along) * unit / float(squares)
        for i in range(len(value_h)):
            read_h[i] -= share * value_h[i]
