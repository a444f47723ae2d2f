"""Texts read a token at a time, many of them side by side, as generating and decoding do."""

import torch
from torch import Tensor

from bytegolf.model.attention import Rotary
from bytegolf.model.cache import RotatedKeysValues
from bytegolf.model.gpt import GPT, document_age
from bytegolf.model.stream import NEIGHBOURS


class Lanes:
    """B texts side by side, of which one token each is read at a time. A step costs the same however long the text is.

    A position sees those before it back to a first one. Once `window` positions are in sight, all but half of them go at
    once: so most steps move no memory, and at least half a window is in sight in a long text. As in `Stream`, what is in
    sight was computed as it was then, and rotations count from the first position in sight.
    """

    def __init__(self, model: GPT, window: int) -> None:
        self.model, self.window = model, window
        self.caches = [RotatedKeysValues(window) for _ in range(model.config.num_layers)]
        self.tokens: Tensor | None = None  # (B, n): those in sight, and as many as a first state reaches back to
        self.length = 0  # positions in sight
        self.angles: Rotary | None = None  # of the whole window

    def logits(self, tokens_B: Tensor) -> Tensor:
        """Read one token of each text and return the logits of the tokens after them, (B, V)."""
        model = self.model
        if self.length == self.window:
            self._forget(self.window - self.window // 2)
        now = tokens_B[:, None]
        self.tokens = now if self.tokens is None else torch.cat((self.tokens, now), dim=1)
        self.length += 1
        nearby = self.tokens[:, -NEIGHBOURS - 1 :]
        isolated = model.config.isolate_documents
        x0 = model.embed(nearby, document_age(nearby) if isolated else None)[:, -1:]
        visible = self._visible() if isolated else None
        cos, sin = self._angles()
        rotary = Rotary(cos[: self.length], sin[: self.length])
        x = model.blocks(x0, model.block_values(now), rotary, visible, caches=self.caches)
        return model.logits(x)[:, 0]

    def _visible(self) -> Tensor:
        """Return which positions in sight are of the newest one's document, (B, 1, 1, positions in sight)."""
        assert self.tokens is not None
        age = document_age(self.tokens[:, -self.length :])[:, -1:]
        position = torch.arange(self.length, device=age.device)
        return (position >= self.length - 1 - age)[:, None, None]

    def _angles(self) -> Rotary:
        if self.angles is None:
            assert self.tokens is not None
            self.angles = self.model.rotary(self.tokens.new_zeros(1, self.window))
        return self.angles

    def _forget(self, positions: int) -> None:
        """Drop the first positions in sight. Rotating by an angle is undone by rotating by its negative."""
        cos, sin = self._angles()
        for cache in self.caches:
            cache.forget(positions, Rotary(cos[positions : positions + 1], -sin[positions : positions + 1]))
        self.length -= positions
        assert self.tokens is not None
        self.tokens = self.tokens[:, -max(self.length, NEIGHBOURS) :]
