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
