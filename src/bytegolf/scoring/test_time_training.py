"""Score-first test-time training: the windows of `sliding`, by a model that learns from what has been scored.

The text is a row of chunks of `ttt.chunk_tokens` targets. A window belongs to the chunk of its first scored target. All
windows of a chunk are scored, and only then is the model trained on the chunk, so that each token costs what a model
says that has not been trained on it. (The contest's score-first rule; test-time training: arXiv 1909.13231.)
"""

import copy
import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from itertools import groupby, islice

import torch
from torch import Tensor

from bytegolf.config import ScoreConfig, TttConfig
from bytegolf.errors import InputError
from bytegolf.model.gpt import GPT
from bytegolf.runtime.parallel import ALONE, Group
from bytegolf.runtime.progress import say
from bytegolf.scoring.nats import Costs, Tokens, rows
from bytegolf.scoring.windows import Window, WindowScorer, sliding_windows


def adapting_costs(model: GPT, tokens: Tokens, config: ScoreConfig, ttt: TttConfig, group: Group = ALONE) -> Iterator[Costs]:
    """Costs of all targets, known to all processes of `group`, each of which calls this with the same arguments.

    `model` stays as it is: a copy learns. Raises InputError for more frozen blocks than the model has.
    """
    targets = len(tokens) - 1
    if ttt.chunk_tokens < config.window and group.is_main:
        say(f"ttt: nothing will be learned, no chunk of {ttt.chunk_tokens} tokens holds a sequence of {config.window}")
    adapting = AdaptingModel(model, tokens, config, ttt, group)
    windows = sliding_windows(targets, config.window, config.stride)
    for chunk, members in groupby(windows, key=lambda window: window.first // ttt.chunk_tokens):
        scored = 0
        for costs in adapting.costs(members):
            yield costs
            scored = costs.first + costs.nats.numel()
        if scored < targets:  # what is learned at the end nobody would see
            adapting.learn(chunk, chunks=math.ceil(targets / ttt.chunk_tokens))


class AdaptingModel:
    """A copy of a model: it scores, and it learns by SGD, whose momentum lasts from chunk to chunk.

    The work is shared among the processes of `group`. Each makes the same calls to the others, whatever its share is,
    and ends with the same weights.
    """

    def __init__(self, model: GPT, tokens: Tokens, config: ScoreConfig, ttt: TttConfig, group: Group) -> None:
        if ttt.freeze_blocks and ttt.freeze_blocks > model.config.num_layers:
            raise InputError(f"ttt.freeze_blocks: expected at most model.num_layers {model.config.num_layers}, found {ttt.freeze_blocks}")
        self.tokens, self.config, self.ttt, self.group = tokens, config, ttt, group
        with torch.inference_mode(False):  # tensors made while scoring would take no gradient
            self.model = copy.deepcopy(model).requires_grad_()
            parameters = list(self.model.parameters())
            self.gradient = torch.cat(
                [torch.zeros_like(parameter).flatten() for parameter in parameters]
            )  # in one piece, to be summed at once
            for parameter, part in zip(parameters, self.gradient.split([parameter.numel() for parameter in parameters]), strict=True):
                parameter.grad = part.view_as(parameter)
            self.frozen = _gradients_of_first_blocks(self.model, ttt.freeze_blocks) if ttt.freeze_blocks else []
            self.optimizer = torch.optim.SGD(parameters, lr=ttt.lr, momentum=ttt.momentum)
        self.scorer = WindowScorer(self.model, tokens, config, stride=config.stride)

    def costs(self, windows: Iterable[Window]) -> Iterator[Costs]:
        """Costs of what `windows` score: batches as `sliding` makes them, one for each process at a time."""
        batches = self.scorer.batches(windows)
        while together := list(islice(batches, self.group.size)):
            sizes = [sum(window.scored for window in batch) for batch in together]
            nats = self.gradient.new_zeros(sum(sizes))
            parts = nats.split(sizes)
            for i in self.group.share(range(len(together))):
                parts[i].copy_(self.scorer.costs(together[i]).nats.flatten())
            self.group.sum_(nats)
            for batch, part in zip(together, parts, strict=True):
                yield Costs(batch[0].first, part)

    def learn(self, chunk: int, chunks: int) -> None:
        """Train on the sequences of a chunk, side by side, `epochs` times over; the rate falls to 0 along a cosine over all chunks."""
        length, size, count = self.config.window, self.ttt.chunk_tokens, self.ttt.batch_sequences
        spans = [slice(first, first + length + 1) for first in range(chunk * size, (chunk + 1) * size - length + 1, length)]
        for group in self.optimizer.param_groups:
            group["lr"] = self.ttt.lr * (1 + math.cos(math.pi * chunk / max(chunks - 1, 1))) / 2
        costing = self.scorer.costing
        with torch.inference_mode(False), torch.enable_grad(), costing.compiled() if costing.ready else nullcontext():
            for _ in range(self.ttt.epochs):
                for first in range(0, len(spans), count):
                    self._step(spans[first : first + count])

    def _step(self, spans: Sequence[slice]) -> None:
        """One update by the mean loss of the sequences at `spans`, no more of them at once than are scored at once."""
        own, at_once = self.group.share(spans), self.scorer.size
        self.gradient.zero_()
        for first in range(0, len(own), at_once):
            sequences = rows(self.tokens, list(own[first : first + at_once]), self.gradient.device)
            loss = self.model(sequences[:, :-1], sequences[:, 1:])
            (loss * (len(sequences) / len(spans))).backward()
        self.group.sum_(self.gradient)
        for gradient in self.frozen:
            gradient.zero_()
        if self.ttt.grad_clip:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.ttt.grad_clip)
        self.optimizer.step()


def _gradients_of_first_blocks(model: GPT, blocks: int) -> list[Tensor]:
    """Of their gains, and of their matrices, which lie in the banks of all blocks (the baseline's defect B7)."""
    banks, controls = model.banks, model.controls
    rows_of_blocks = (banks.up, banks.down, controls.attention_scale, controls.mlp_scale, controls.q_gain, controls.residual_mix)
    gradients = [parameter.grad for parameter in rows_of_blocks if parameter is not None]
    gradients += [half for bank in (banks.qo.grad, banks.kv.grad) if bank is not None for half in bank.chunk(2)]
    return [gradient[:blocks] for gradient in gradients if gradient is not None]
