"""Texts read piece by piece, each token forwarded once."""

import torch
from torch import Tensor

from bytegolf.model.cache import KeysValues
from bytegolf.model.gpt import GPT, document_age, same_document

NEIGHBOURS = 3  # tokens that a first state reaches back: smear mixes in its predecessor's, which may hash two tokens more


class Stream:
    """B texts side by side, of which B pieces of equal length are read at a time.

    A position sees its piece up to itself, and the `reach` positions before its piece, as they were computed then: so through
    the layers it may know of tokens further back. Rotations count from the first position in sight, whatever came before it,
    so that angles stay small in a text of any length.
    """

    def __init__(self, model: GPT, reach: int) -> None:
        self.model, self.reach = model, reach
        self.caches = [KeysValues(reach) for _ in model.config.block_order]
        self.tokens: Tensor | None = None  # (B, P): the last ones

    def hidden(self, tokens_BT: Tensor) -> Tensor:
        """Return the hidden states of the next piece, (B, T, D)."""
        model, length = self.model, tokens_BT.shape[1]
        text = tokens_BT if self.tokens is None else torch.cat((self.tokens, tokens_BT), dim=1)
        self.tokens = text[:, -max(self.reach, NEIGHBOURS) :]
        in_sight, nearby = text[:, -self.reach - length :], text[:, -NEIGHBOURS - length :]
        isolated = model.config.isolate_documents
        visible = same_document(document_age(in_sight))[:, :, -length:] if isolated else None
        x0 = model.embed(nearby, document_age(nearby) if isolated else None)[:, -length:]
        return model.blocks(x0, model.block_values(tokens_BT), model.rotary(in_sight), visible, caches=self.caches)

    def logits(self, tokens_BT: Tensor) -> Tensor:
        """Return the logits of the token after each of the next piece, (B, T, V)."""
        return self.model.logits(self.hidden(tokens_BT))

    def nats(self, tokens_BT: Tensor, targets_BT: Tensor) -> Tensor:
        """Return the nats of the token after each of the next piece, (B, T)."""
        return self.model.nats(self.hidden(tokens_BT), targets_BT)
