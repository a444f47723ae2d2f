"""The model of the baseline specification (sections 2.1–2.4), slow and obvious.

One sequence at a time, one position at a time, one head at a time, in the dtype of the parameters.
It shares no code with `bytegolf.model`: from there come only the parameter names.

Shapes: T positions, D model width, V vocabulary, h head width, L layers.
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from bytegolf.config import ModelConfig
from support.reference_order import reference_order

BOS = 1  # starts a document
RMS_EPS = torch.finfo(torch.float32).eps  # the effective value of the baseline scripts, whatever the dtype
NORM_FLOOR = 1e-12


def reference_logits(parameters: Mapping[str, Tensor], config: ModelConfig, tokens_BT: Tensor) -> Tensor:
    """Logits (B, T, V) of each position's next token, in the dtype of the parameters."""
    return torch.stack([_Sequence(parameters, config, row).logits() for row in tokens_BT.tolist()])


class _Sequence:
    """One sequence on its way through the model."""

    def __init__(self, parameters: Mapping[str, Tensor], config: ModelConfig, tokens: list[int]) -> None:
        self.p, self.config, self.tokens = parameters, config, tokens
        self.starts = _document_starts(tokens) if config.isolate_documents else [0] * len(tokens)

    def logits(self) -> Tensor:
        x_TD = self.blocks(self.first_state())
        head_VD = self.p["tokens"] if self.config.tie_embeddings else self.p["head"]
        z_TV = torch.stack([head_VD @ _rms(x) for x in x_TD])
        cap = self.config.logit_softcap
        return cap * torch.tanh(z_TV / cap)

    # --- embeddings

    def first_state(self) -> Tensor:
        """x0: the normed sum of embeddings, each position smeared with its predecessor."""
        normed = [_rms(self.embedding(t)) for t in range(len(self.tokens))]
        if not self.config.smear_gate:
            return torch.stack(normed)
        gate = 1 / (1 + torch.exp(-self.p["smear.gate"]))
        smeared = []
        for t, x in enumerate(normed):
            before = normed[t - 1] if t > self.starts[t] else torch.zeros_like(x)
            smeared.append((1 - gate) * x + gate * before)
        return torch.stack(smeared)

    def embedding(self, t: int) -> Tensor:
        e = self.p["tokens"][self.tokens[t]]
        if self.config.bigram_size:
            e = e + self.projected("bigram", self.bigram_row(t))
        if self.config.trigram_size:
            e = e + self.projected("trigram", self.trigram_row(t))
        return e

    def projected(self, name: str, row: int) -> Tensor:
        """scale · P · table[row]; a table as wide as its output has no P."""
        x = self.p[f"{name}.table"][row]
        if f"{name}.projection" in self.p:
            x = self.p[f"{name}.projection"] @ x
        return self.p[f"{name}.scale"] * x

    def bigram_row(self, t: int) -> int:
        last_row = self.config.bigram_size - 1
        if t - self.starts[t] < 1:
            return last_row
        return ((36313 * self.tokens[t]) ^ (27191 * self.tokens[t - 1])) % last_row

    def trigram_row(self, t: int) -> int:
        last_row = self.config.trigram_size - 1
        if t - self.starts[t] < 2:
            return last_row
        return ((17291 * self.tokens[t]) ^ (36313 * self.tokens[t - 1]) ^ (27191 * self.tokens[t - 2])) % last_row

    # --- blocks

    def blocks(self, x0_TD: Tensor) -> Tensor:
        order = reference_order(self.config)
        num_encoders = len(order) // 2
        x = x0_TD
        stack = []
        for i in order[:num_encoders]:
            x = self.block(i, x, x0_TD)
            stack.append(x)
        for j, i in enumerate(order[num_encoders:]):
            if self.config.unet_skips and stack:
                x = x + self.p["controls.skips"][j] * stack.pop()
            x = self.block(i, x, x0_TD)
        return x

    def block(self, i: int, x: Tensor, x0: Tensor) -> Tensor:
        if self.config.residual_mix:
            keep, again = self.p["controls.residual_mix"][i]
            x = keep * x + again * x0
        sigma = 1 / math.sqrt(i + 1) if self.config.depth_scale else 1.0
        x = x + self.p["controls.attention_scale"][i] * self.attention(i, sigma * _rms(x))
        return x + self.p["controls.mlp_scale"][i] * self.mlp(i, sigma * _rms(x))

    def mlp(self, i: int, x_TD: Tensor) -> Tensor:
        hidden = x_TD @ self.p["banks.up"][i].T
        leaky = torch.where(hidden > 0, hidden, self.config.mlp_leak * hidden)
        return leaky**2 @ self.p["banks.down"][i].T

    # --- attention

    def attention(self, i: int, x_TD: Tensor) -> Tensor:
        num_layers, num_heads = self.config.num_layers, self.config.num_heads
        heads_per_kv = num_heads // self.config.num_kv_heads
        q_TD = x_TD @ self.p["banks.qo"][i].T
        k_TK = x_TD @ self.p["banks.kv"][i].T
        v_TK = x_TD @ self.p["banks.kv"][num_layers + i].T + self.added_values(i)
        has_xsa = i >= num_layers - self.config.xsa_layers
        outputs = []
        for n in range(num_heads):
            q_Th = self.p["controls.q_gain"][i, n] * self.rope(_rms(self.head(q_TD, n)))
            k_Th = self.rope(_rms(self.head(k_TK, n // heads_per_kv)))
            v_Th = self.head(v_TK, n // heads_per_kv)
            y_Th = self.attend(q_Th, k_Th, v_Th)
            y_Th = _without_own_value(y_Th, v_Th) if has_xsa else y_Th
            if self.config.head_gate_inputs:
                z_T = x_TD[:, : self.config.head_gate_inputs] @ self.p["controls.head_gate"][i, n]
                y_Th = y_Th * (2 / (1 + torch.exp(-z_T)))[:, None]
            outputs.append(y_Th)
        return torch.cat(outputs, dim=1) @ self.p["banks.qo"][num_layers + i].T

    def head(self, x: Tensor, n: int) -> Tensor:
        width = self.config.model_dim // self.config.num_heads
        return x[:, n * width : (n + 1) * width]

    def added_values(self, i: int) -> Tensor | float:
        """The value embedding of each position, or nothing before the last `value_embed_layers` blocks."""
        first = self.config.num_layers - self.config.value_embed_layers
        if i < first:
            return 0.0
        rows = torch.stack([self.projected("value_embedding", token) for token in self.tokens])
        return self.p["value_embedding.layer_scales"][i - first] * rows

    def rope(self, x_Th: Tensor) -> Tensor:
        """Turn pair (c, c + half) of position t by t · base^(−2c/rotated); leave dimensions from `rotated` on."""
        rotated = self.config.rope_dims or x_Th.shape[1]
        half = rotated // 2
        turned = []
        for t, x in enumerate(x_Th):
            angles = [t * self.config.rope_base ** (-2 * c / rotated) for c in range(half)]
            cos = x.new_tensor([math.cos(angle) for angle in angles])
            sin = x.new_tensor([math.sin(angle) for angle in angles])
            u, w = x[:half], x[half:rotated]
            turned.append(torch.cat((u * cos + w * sin, -u * sin + w * cos, x[rotated:])))
        return torch.stack(turned)

    def attend(self, q_Th: Tensor, k_Th: Tensor, v_Th: Tensor) -> Tensor:
        """Softmax attention of each position over itself and its document's past."""
        outputs = []
        for t, q in enumerate(q_Th):
            past = slice(self.starts[t], t + 1)
            scores = k_Th[past] @ q / math.sqrt(len(q))
            weights = torch.exp(scores - scores.max())
            outputs.append(weights @ v_Th[past] / weights.sum())
        return torch.stack(outputs)


def _rms(x: Tensor) -> Tensor:
    return x / torch.sqrt((x * x).mean(dim=-1, keepdim=True) + RMS_EPS)


def _without_own_value(y_Th: Tensor, v_Th: Tensor) -> Tensor:
    """XSA: each output less its component along the position's own value."""
    outputs = []
    for y, v in zip(y_Th, v_Th, strict=True):
        direction = v / torch.sqrt((v * v).sum()).clamp_min(NORM_FLOOR)
        outputs.append(y - (y @ direction) * direction)
    return torch.stack(outputs)


def _document_starts(tokens: list[int]) -> list[int]:
    """Where each position's document begins; the sequence begins one too."""
    starts, start = [], 0
    for t, token in enumerate(tokens):
        start = t if token == BOS else start
        starts.append(start)
    return starts
