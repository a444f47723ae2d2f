"""The keys and values that attention keeps of positions that are forwarded once."""

from dataclasses import dataclass

import torch
from torch import Tensor

from bytegolf.model.attention import Rotary, rotate


@dataclass
class KeysValues:
    """One block's keys (normed, not rotated) and values of the last `reach` positions at most, each (B, K, S, 1, h)."""

    reach: int
    keys: Tensor | None = None
    values: Tensor | None = None

    def extended(self, k_BKT1h: Tensor, v_BKT1h: Tensor, rotary: Rotary) -> tuple[Tensor, Tensor]:
        """Return keys and values of the cached positions and of those that follow them; the last of these are kept."""
        if self.keys is not None and self.values is not None:
            k_BKT1h, v_BKT1h = torch.cat((self.keys, k_BKT1h), dim=2), torch.cat((self.values, v_BKT1h), dim=2)
        first = max(0, k_BKT1h.shape[2] - self.reach)
        self.keys, self.values = k_BKT1h[:, :, first:], v_BKT1h[:, :, first:]
        return rotate(k_BKT1h, rotary), v_BKT1h


class RotatedKeysValues:
    """One block's keys and values of `capacity` positions at most, each rotated and written once: reading a token copies no others."""

    def __init__(self, capacity: int) -> None:
        self.capacity, self.length = capacity, 0
        self.keys: Tensor | None = None  # (B, K, capacity, 1, h)
        self.values: Tensor | None = None

    def extended(self, k_BKT1h: Tensor, v_BKT1h: Tensor, rotary: Rotary) -> tuple[Tensor, Tensor]:
        """Return keys and values of the cached positions and of those that follow them; all are kept."""
        batch, heads, new, _, width = k_BKT1h.shape
        if self.keys is None or self.values is None:
            self.keys, self.values = (k_BKT1h.new_zeros(batch, heads, self.capacity, 1, width) for _ in range(2))
        first, self.length = self.length, self.length + new
        self.keys[:, :, first : self.length] = rotate(k_BKT1h, rotary.last(new))
        self.values[:, :, first : self.length] = v_BKT1h
        return self.keys[:, :, : self.length], self.values[:, :, : self.length]

    def forget(self, positions: int, back: Rotary) -> None:
        """Drop the first `positions`; `back`, the tables of one position, rotates the rest to their new positions."""
        if self.keys is None or self.values is None:
            return
        kept = slice(positions, self.length)
        self.length -= positions
        self.keys[:, :, : self.length] = rotate(self.keys[:, :, kept], back)
        self.values[:, :, : self.length] = self.values[:, :, kept].clone()
