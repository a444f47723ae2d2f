"""Protocol `lora`: windows that are scored, and then learned from, by low-rank adapters that begin anew with each document.

Beside every matrix W of a block stands a product B A of low rank (LoRA, arXiv 2106.09685). A document's targets are scored piece by
piece, and after each piece the adapters take one step by the gradient of its loss: the pass that scored it serves for that too. What is
learned from a document is forgotten at its end. (The contest's per-document adapters, parameter-golf #1530.)
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrize

from bytegolf.config import BOS, LoraConfig
from bytegolf.model.gpt import GPT
from bytegolf.scoring.passes import Reading, Stage
from bytegolf.scoring.windows import Window, pieces

BANKS = ("qo", "kv", "up", "down")
EPSILON = 1e-10  # AdamW's; gradients of single pieces are small


def low_rank_stages(reading: Reading) -> Iterator[Stage]:
    """Yield a stage for each piece of a document, and learn from it when its targets are known; the model itself stays as it is."""
    adapted = AdaptedModel(reading.model, reading.lora)
    for document in documents(reading):
        adapted.forget()
        for window in pieces(document, reading.config):
            scoring = LearningPass(reading, adapted.model, window)
            yield (scoring,)
            if window.stop < document.stop:  # what would be learned from the last piece is forgotten
                adapted.learn(scoring)


def documents(reading: Reading) -> Iterator[range]:
    """Yield the targets of each document; the BOS that begins the next one is the last of them."""
    begins = 1 + np.flatnonzero(reading.tokens[1 : reading.targets] == BOS)
    for first, stop in pairwise([0, *begins.tolist(), reading.targets]):
        yield range(first, stop)


class LowRank(nn.Module):
    """What is added to a bank of matrices (n, rows, columns): B A, of rank r, which is 0 at first."""

    def __init__(self, bank: Tensor, rank: int, generator: torch.Generator) -> None:
        super().__init__()
        matrices, rows, columns = bank.shape
        bound = columns**-0.5
        drawn = torch.empty(matrices, rank, columns).uniform_(-bound, bound, generator=generator)
        self.a = nn.Parameter(drawn.to(bank.device))
        self.b = nn.Parameter(torch.zeros(matrices, rows, rank, device=bank.device))

    def forward(self, bank: Tensor) -> Tensor:
        """Return the bank with what is added."""
        return torch.baddbmm(bank, self.b, self.a)


class AdaptedModel:
    """A copy of a model, whose adapters learn and forget."""

    def __init__(self, model: GPT, config: LoraConfig) -> None:
        self.config = config
        with torch.inference_mode(False):  # tensors made while scoring would take no gradient
            self.model = copy.deepcopy(model).requires_grad_(False)
            generator = torch.Generator().manual_seed(0)
            self.adapters = nn.ModuleList()
            for name in BANKS:
                adapter = LowRank(getattr(self.model.banks, name), config.rank, generator)
                parametrize.register_parametrization(self.model.banks, name, adapter)
                self.adapters.append(adapter)
            self.first = copy.deepcopy(self.adapters.state_dict())
            self.forget()

    def forget(self) -> None:
        """Make the adapters, and what their optimiser knows, what they were at first."""
        with torch.inference_mode(False):
            self.adapters.load_state_dict(self.first)
            self.optimizer = torch.optim.AdamW(
                self.adapters.parameters(),
                lr=self.config.lr,
                betas=(self.config.beta1, self.config.beta2),
                eps=EPSILON,
                weight_decay=self.config.weight_decay,
            )

    def learn(self, scored: "LearningPass") -> None:
        """Move the adapters by the gradient of what a pass was scored by."""
        with torch.inference_mode(False), torch.enable_grad():
            scored.loss.backward()
            self.optimizer.step()
            self.optimizer.zero_grad()


@dataclass
class LearningPass:
    """The pass over one window, which is made once: the loss that is learned from is that of the score."""

    reading: Reading
    model: GPT
    window: Window

    @property
    def first(self) -> int:
        """The first target that is scored."""
        return self.window.first

    @property
    def scored(self) -> int:
        """Return how many targets are scored."""
        return self.window.scored

    def nats(self) -> Tensor:
        """Return the nats of the targets, (1, targets)."""
        return self._made[1].detach()[None]

    def logits(self) -> Tensor:
        """Return the logits of the targets, (1, targets, V)."""
        return self._made[0].detach()[None]

    @property
    def loss(self) -> Tensor:
        """The mean nats of the targets, with what its gradient needs."""
        return self._made[1].mean()

    @cached_property
    def _made(self) -> tuple[Tensor, Tensor]:
        """Logits (targets, V) and nats (targets,), with what their gradients need."""
        window = self.window
        with torch.inference_mode(False), torch.enable_grad():
            inputs = self.reading.rows([slice(window.start, window.stop)])
            targets = self.reading.rows([slice(window.first + 1, window.stop + 1)])
            logits = self.model.logits(self.model.hidden(inputs, window.scored))[0]
            return logits, F.cross_entropy(logits, targets[0], reduction="none")
