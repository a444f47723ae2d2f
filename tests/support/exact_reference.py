"""Exact arithmetic written out: Python integers for every sum, Python floats one operation at a time, lists for arrays.

One text at a time, one position at a time, one head at a time. It shares no code with `bytegolf.exact`: what it takes from
docs/exact.md are the widths of integers and the order of operations.

Shapes: T positions, D model width, V vocabulary, h head width.
"""

import math
from collections.abc import Mapping
from itertools import pairwise

from bytegolf.config import ModelConfig
from support.exact_numbers import (
    Matrix,
    Rounded,
    Vector,
    cos_sin,
    dot,
    exp,
    frequencies,
    norm,
    normed,
    rounded,
    sigmoid,
    tanh,
    times,
    unit_for,
    values,
    without_traces,
)
from support.reference_order import reference_order

BOS = 1


def reference_frequencies(weights: Mapping[str, object], config: ModelConfig, tokens: list[int]) -> list[list[int]]:
    """Return the integer probabilities of the token after each position, given weights as nested lists."""
    return [frequencies(logits) for logits in _Text(weights, config, tokens).logits()]


class _Text:
    """One text on its way through the model."""

    def __init__(self, weights: Mapping[str, object], config: ModelConfig, tokens: list[int]) -> None:
        self.w, self.config, self.tokens = dict(weights), config, tokens
        self.width = config.model_dim // config.num_heads
        starts, start = [], 0
        for t, token in enumerate(tokens):
            start = t if config.isolate_documents and token == BOS else start
            starts.append(start)
        self.starts = starts

    def __getitem__(self, name: str) -> list:  # type: ignore[type-arg]
        found = self.w[name]
        assert isinstance(found, list)
        return found

    def logits(self) -> Matrix:
        head = self["tokens" if self.config.tie_embeddings else "head"]
        cap = self.config.logit_softcap
        return [[cap * tanh(z / cap) for z in times(head, normed(x, 15))] for x in self.blocks(self.first_state())]

    # --- embeddings

    def first_state(self) -> Matrix:
        states = [self.embedding(t) for t in range(len(self.tokens))]
        if not self.config.smear_gate:
            return states
        gate = without_traces([sigmoid(logit) for logit in self["smear.gate"]])
        before = [[0.0] * len(gate), *states[:-1]]
        before = [[0.0] * len(gate) if t == start else b for t, (start, b) in enumerate(zip(self.starts, before, strict=True))]
        return [[x + g * (b - x) for x, g, b in zip(s, gate, n, strict=True)] for s, n in zip(states, before, strict=True)]

    def embedding(self, t: int) -> Vector:
        age, recent = t - self.starts[t], self.tokens[: t + 1][::-1]
        x = without_traces(self["tokens"][self.tokens[t]])
        for name, multipliers in (("bigram", (36313, 27191)), ("trigram", (17291, 36313, 27191))):
            if f"{name}.table" in self.w:
                last = len(self[f"{name}.table"]) - 1
                mixed = 0
                for multiplier, token in zip(multipliers, recent, strict=False):
                    mixed ^= multiplier * token
                row = last if age < len(multipliers) - 1 else mixed % last
                scale = self.number(f"{name}.scale")
                x = [a + scale * b for a, b in zip(x, self.projected(name, row), strict=True)]
        return values(normed(x, 19))

    def number(self, name: str) -> float:
        found = self.w[name]
        assert isinstance(found, float)
        return without_traces([found])[0]

    def projected(self, name: str, row: int) -> Vector:
        x = rounded(without_traces(self[f"{name}.table"][row]), 15)
        return times(self[f"{name}.projection"], x) if f"{name}.projection" in self.w else values(x)

    # --- blocks

    def blocks(self, x0: Matrix) -> Matrix:
        order = reference_order(self.config)
        x, stack = x0, list[Matrix]()
        skips = iter(self["controls.skips"] if "controls.skips" in self.w else [])
        for step, i in enumerate(order):
            if self.config.unet_skips and step >= len(order) // 2 and stack:
                gain, output = without_traces(next(skips)), stack.pop()
                x = [[a + g * b for a, g, b in zip(s, gain, o, strict=True)] for s, o in zip(x, output, strict=True)]
            x = self.block(i, x, x0)
            if step < len(order) // 2:
                stack.append(x)
        return x

    def block(self, i: int, x: Matrix, x0: Matrix) -> Matrix:
        if self.config.residual_mix:
            keep, again = map(without_traces, self["controls.residual_mix"][i])
            x = [[k * a + g * b for k, a, g, b in zip(keep, s, again, s0, strict=True)] for s, s0 in zip(x, x0, strict=True)]
        x = [without_traces(s) for s in x]
        sigma = 1 / math.sqrt(i + 1) if self.config.depth_scale else 1.0
        x = self.added(x, self["controls.attention_scale"][i], self.attention(i, [normed(s, 15, sigma) for s in x], sigma))
        return self.added(x, self["controls.mlp_scale"][i], [self.mlp(i, normed(s, 15, sigma)) for s in x])

    def added(self, x: Matrix, scale: Vector, branch: Matrix) -> Matrix:
        scale = without_traces(scale)
        return [[a + s * b for a, s, b in zip(row, scale, out, strict=True)] for row, out in zip(x, branch, strict=True)]

    def mlp(self, i: int, x: Rounded) -> Vector:
        hidden = [h if h > 0 else self.config.mlp_leak * h for h in times(self["banks.up"][i], x)]
        return times(self["banks.down"][i], rounded([h * h for h in hidden], 15))

    # --- attention

    def attention(self, i: int, x: list[Rounded], sigma: float) -> Matrix:
        layers, heads = self.config.num_layers, self.config.num_heads
        key_unit, value_unit = unit_for(math.sqrt(self.width)), unit_for(self.largest_value(i, sigma))
        all_keys, all_values = [], []
        for t, row in enumerate(x):
            all_keys.append(self.heads(times(self["banks.kv"][i], row)))
            made = times(self["banks.kv"][layers + i], row)
            added = self.added_values(i, t)
            made = made if added is None else [a + b for a, b in zip(made, added, strict=True)]
            all_values.append([[round(value / value_unit) for value in head] for head in self.heads(made)])
        outputs = []
        for t, row in enumerate(x):
            queries = self.heads(times(self["banks.qo"][i], row))
            read: Vector = []
            for n in range(heads):
                gain = without_traces([self["controls.q_gain"][i][n]])[0] / math.sqrt(self.width)
                query = rounded(self.turned(values(normed(queries[n], 19, gain)), t), 15)
                group = n * self.config.num_kv_heads // heads
                past = range(self.starts[t], t + 1)
                keys = [[round(k / key_unit) for k in self.turned(values(normed(all_keys[s][group], 19)), s)] for s in past]
                made = self.read(query, key_unit, keys, [all_values[s][group] for s in past], i >= layers - self.config.xsa_layers)
                read += [y * openness for y in made] if (openness := self.openness(i, n, row)) is not None else made
            row_out = rounded(read, 15)
            outputs.append(times(self["banks.qo"][layers + i], Rounded(row_out.integers, row_out.scale * value_unit)))
        return outputs

    def openness(self, i: int, head: int, row: Rounded) -> float | None:
        if not self.config.head_gate_inputs:
            return None
        total = 0.0
        for weight, integer in zip(without_traces(self["controls.head_gate"][i][head]), row.integers, strict=False):
            total += weight * (integer * row.scale)
        return 2.0 * sigmoid(total)

    def heads(self, x: Vector) -> Matrix:
        bounds = range(0, len(x) + 1, self.width)
        return [x[a:b] for a, b in pairwise(bounds)]

    def largest_value(self, i: int, sigma: float) -> float:
        layers = self.config.num_layers
        longest = max(norm(row) for row in self["banks.kv"][layers + i])
        bound = sigma * math.sqrt(self.config.model_dim) * longest
        scale = self.embedding_scale(i)
        if scale is not None:
            table = max(norm(row) for row in self["value_embedding.table"])
            projection = max(norm(r) for r in self["value_embedding.projection"]) if "value_embedding.projection" in self.w else 1.0
            bound += abs(scale) * (table * projection)
        return bound * (1 + 2**-20)

    def embedding_scale(self, i: int) -> float | None:
        place = i - (self.config.num_layers - self.config.value_embed_layers)
        return None if place < 0 else self.number("value_embedding.scale") * without_traces(self["value_embedding.layer_scales"])[place]

    def added_values(self, i: int, t: int) -> Vector | None:
        scale = self.embedding_scale(i)
        return None if scale is None else [value * scale for value in self.projected("value_embedding", self.tokens[t])]

    def turned(self, x: Vector, position: int) -> Vector:
        rotated = self.config.rope_dims or self.width
        half = rotated // 2
        turns = [cos_sin(position, 2 * c, rotated, self.config.rope_base) for c in range(half)]
        first = [x[c] * cos + x[half + c] * sin for c, (cos, sin) in enumerate(turns)]
        second = [x[half + c] * cos - x[c] * sin for c, (cos, sin) in enumerate(turns)]
        return first + second + x[rotated:]

    def read(self, query: Rounded, key_unit: float, keys: list[list[int]], past_values: list[list[int]], exclusive: bool) -> Vector:
        """What a head reads, in units of values."""
        scores = [dot(query.integers, key) for key in keys]
        shares = [round(exp((score - max(scores)) * (query.scale * key_unit)) * 2**20) for score in scores]
        read = [float(dot(shares, list(column))) / float(sum(shares)) for column in zip(*past_values, strict=True)]
        own = past_values[-1]
        squares = dot(own, own)
        if exclusive and squares:
            row = rounded(read, 19)
            share = float(dot(row.integers, own)) * row.scale / float(squares)
            read = [y - share * v for y, v in zip(read, own, strict=True)]
        return read
