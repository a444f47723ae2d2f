"""What attention keeps of positions that are forwarded once: their keys and values."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass
class KeysValues:
    """Of one block and the last `reach` positions at most: keys, normed but not rotated, and values, each (B, K, S, 1, h)."""

    reach: int
    keys: Tensor | None = None
    values: Tensor | None = None

    def extended(self, k_BKT1h: Tensor, v_BKT1h: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values of the cached positions and of those that follow them; the last of these are kept."""
        if self.keys is not None and self.values is not None:
            k_BKT1h, v_BKT1h = torch.cat((self.keys, k_BKT1h), dim=2), torch.cat((self.values, v_BKT1h), dim=2)
        first = max(0, k_BKT1h.shape[2] - self.reach)
        self.keys, self.values = k_BKT1h[:, :, first:], v_BKT1h[:, :, first:]
        return k_BKT1h, v_BKT1h
