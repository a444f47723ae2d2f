"""The first state of each position, before any attention: its token, a hash of its last tokens, its neighbour.

B batch, T positions, D model width. Where documents are isolated, `age` (B, T) counts the positions since
the last document start, and nothing here reaches further back than that.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from bytegolf.model.norm import rms_norm
from bytegolf.model.observe import Observe
from bytegolf.model.product import product


class Scaled(NamedTuple):
    """Values (B, T, width) with a scalar factor, by which they are multiplied only where they are added."""

    values: Tensor
    scale: Tensor


class HashKind(NamedTuple):
    """A hash of the last tokens: a multiplier for the current one, the one before it, …, and the output's initial scale."""

    multipliers: tuple[int, ...]
    scale: float


BIGRAM = HashKind((36313, 27191), 0.05)
TRIGRAM = HashKind((17291, 36313, 27191), 0.02)


class Projected(nn.Module):
    """A lookup table (rows, d) whose rows are mapped to `width`; no map where d is the width already."""

    def __init__(self, rows: int, dim: int, width: int) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.zeros(rows, dim))
        self.projection = nn.Parameter(torch.zeros(width, dim)) if dim != width else None

    def initialise(self, generator: torch.Generator, table_std: float) -> None:
        """Draw the table from a normal distribution, and the projection as an orthogonal matrix."""
        nn.init.normal_(self.table, std=table_std, generator=generator)
        if self.projection is not None:
            nn.init.orthogonal_(self.projection, generator=generator)

    def forward(self, rows_BT: Tensor, dtype: torch.dtype, observe: Observe | None = None) -> Tensor:
        """Return the rows (B, T) of the table, mapped to (B, T, width) in `dtype`. `observe` is told what "projection" reads."""
        x = nn.functional.embedding(rows_BT, self.table)
        if self.projection is None:
            return x.to(dtype)
        if observe is not None:
            observe("projection", x)
        return product(x.to(dtype), self.projection.to(dtype))


class HashEmbedding(Projected):
    """An embedding of the last n tokens: they are hashed to a row of a table, shared by all that collide."""

    def __init__(self, kind: HashKind, rows: int, dim: int, width: int) -> None:
        super().__init__(rows, dim, width)
        self.kind = kind
        self.scale = nn.Parameter(torch.tensor(kind.scale))

    def rows(self, tokens_BT: Tensor, age_BT: Tensor | None) -> Tensor:
        """Return the table's row for each position, (B, T). The last row stands for contexts that a document's start cuts short.

        int64, so that products of any uint16 token are exact.
        """
        multipliers = self.kind.multipliers
        tokens_BT = tokens_BT.long()
        mixed = multipliers[0] * tokens_BT
        for back, multiplier in enumerate(multipliers[1:], start=1):
            mixed = mixed ^ multiplier * tokens_BT.roll(back, dims=1)
        position = torch.arange(tokens_BT.shape[1], device=tokens_BT.device) if age_BT is None else age_BT
        start = len(self.table) - 1
        return torch.where(position < len(multipliers) - 1, start, mixed % start)

    def embed(self, tokens_BT: Tensor, age_BT: Tensor | None, dtype: torch.dtype, observe: Observe | None = None) -> Scaled:
        """Return the embedding of each position's last tokens, (B, T, width)."""
        return Scaled(self(self.rows(tokens_BT, age_BT), dtype, observe), self.scale.to(dtype))


class ValueEmbedding(Projected):
    """A token embedding added to the attention values of the last blocks, with one learned scale each."""

    INITIAL_SCALE = 0.1
    TABLE_STD = 0.01

    def __init__(self, vocab_size: int, dim: int, kv_dim: int, num_layers: int) -> None:
        super().__init__(vocab_size, dim, kv_dim)
        self.scale = nn.Parameter(torch.tensor(self.INITIAL_SCALE))
        self.layer_scales = nn.Parameter(torch.ones(num_layers))

    def embed(self, tokens_BT: Tensor, dtype: torch.dtype, observe: Observe | None = None) -> list[Scaled]:
        """Return what is added to the values (B, T, kv) of each of the last blocks."""
        values = self(tokens_BT, dtype, observe)
        return [Scaled(values, scale) for scale in (self.scale * self.layer_scales).to(dtype).unbind(0)]


class Smear(nn.Module):
    """A learned gate that mixes each position with its predecessor, per dimension."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.gate = nn.Parameter(torch.zeros(dim))

    def shares(self, dtype: torch.dtype) -> Tensor:
        """Return the share of the predecessor in each dimension, (D,), in [0, 1]."""
        return self.gate.sigmoid().to(dtype)


def first_state(tokens_BTD: Tensor, hashed: Sequence[Scaled], smeared_D: Tensor | None, age_BT: Tensor | None) -> Tensor:
    """Return the normed sum of embeddings, (B, T, D), each position mixed with its predecessor where there are shares."""
    x = tokens_BTD
    for embedding in hashed:
        x = x + embedding.scale * embedding.values
    x = rms_norm(x)
    return x if smeared_D is None else smear(x, smeared_D, age_BT)


def smear(x_BTD: Tensor, shares_D: Tensor, age_BT: Tensor | None) -> Tensor:
    """Return (1 - g) x_t + g x_{t-1} for shares g; the predecessor of a document's start is zero."""
    previous = nn.functional.pad(x_BTD[:, :-1], (0, 0, 1, 0))
    if age_BT is not None:
        previous = previous.masked_fill((age_BT == 0)[..., None], 0)
    return torch.lerp(x_BTD, previous, shares_D)
