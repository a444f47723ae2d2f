"""Models that show what a scorer does with them."""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bytegolf.model.gpt import GPT


class Toy(nn.Module):
    """A model without a head: its hidden states are the logits that it makes of any tokens."""

    def hidden(self, tokens_BT: Tensor, last: int | None = None) -> Tensor:
        logits: Tensor = self(tokens_BT, last)
        return logits

    def nats(self, logits_BnV: Tensor, targets_Bn: Tensor) -> Tensor:
        return F.cross_entropy(logits_BnV.flatten(0, 1), targets_Bn.flatten(), reduction="none").view(targets_Bn.shape)


def as_gpt(toy: Toy) -> GPT:
    """Return a toy as what a scorer declares it takes; of that it uses only what toys have."""
    return cast(GPT, toy)


class Remembering(Toy):
    """A fading memory of all tokens in the window, in float64: any other context gives other logits, without noise."""

    def __init__(self, vocab_size: int = 11, width: int = 5, seed: int = 0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.embedding = nn.Parameter(torch.randn(vocab_size, width, generator=generator, dtype=torch.float64))
        self.head = nn.Parameter(torch.randn(vocab_size, width, generator=generator, dtype=torch.float64))

    def forward(self, tokens_BT: Tensor, last: int | None = None) -> Tensor:
        states, state = [], torch.zeros(len(tokens_BT), self.embedding.shape[1], dtype=torch.float64)
        for token in tokens_BT.unbind(1):
            state = torch.tanh(0.9 * state + self.embedding[token])
            states.append(state)
        logits = torch.stack(states, dim=1) @ self.head.T
        return logits if last is None else logits[:, -last:]


class Uniform(Toy):
    """Every token as likely as any other. Remembers what it was asked: (batch, window, positions scored)."""

    def __init__(self, vocab_size: int) -> None:
        super().__init__()
        self.logit = nn.Parameter(torch.tensor(3.5))
        self.vocab_size = vocab_size
        self.asked: list[Tensor] = []
        self.training_at_work: set[bool] = set()

    def forward(self, tokens_BT: Tensor, last: int | None = None) -> Tensor:
        self.asked.append(tokens_BT)
        self.training_at_work |= {self.training, torch.is_grad_enabled()}
        return self.logit.expand(len(tokens_BT), last or tokens_BT.shape[1], self.vocab_size)


class Broken(Toy):
    """Logits of one value everywhere, as an overflow would leave them."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.tensor(value))

    def forward(self, tokens_BT: Tensor, last: int | None = None) -> Tensor:
        return self.value.expand(len(tokens_BT), last or tokens_BT.shape[1], 11)
