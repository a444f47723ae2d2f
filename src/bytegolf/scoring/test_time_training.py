"""Protocol `ttt`, score-first test-time training: the windows of `sliding`, by a model that learns from what has been scored.

The text is a row of chunks of `ttt.chunk_tokens` targets. A window belongs to the chunk of its first scored target. All
windows of a chunk are scored, and only then is the model trained on the chunk, so that each token costs what a model
says that has not been trained on it. (The contest's score-first rule; test-time training: arXiv 1909.13231.)
"""

import copy
import math
from collections.abc import Iterator, Sequence
from itertools import groupby

import torch
from torch import Tensor

from bytegolf.errors import InputError
from bytegolf.model.gpt import GPT
from bytegolf.runtime.progress import say
from bytegolf.scoring.passes import Reading, Stage
from bytegolf.scoring.window_passes import WindowPasses, windows_at_once
from bytegolf.scoring.windows import sliding_windows


def adapting_stages(reading: Reading) -> Iterator[Stage]:
    """Yield a stage for each chunk, and learn from it when its targets are known: a copy learns, the model stays as it is.

    Raises InputError for more frozen blocks than the model has.
    """
    config, chunk_tokens, targets = reading.config, reading.ttt.chunk_tokens, reading.targets
    adapting = AdaptingModel(reading)
    passes = WindowPasses(reading, adapting.model, config.stride)
    windows = sliding_windows(targets, config)
    for chunk, members in groupby(windows, key=lambda window: window.first // chunk_tokens):
        of_chunk = list(members)
        yield passes.over(of_chunk)
        if of_chunk[-1].stop < targets:  # nobody would see what is learned at the end
            with passes.scorer.compiled():
                adapting.learn(chunk)


def mention_idle_chunks(reading: Reading) -> None:
    """Tell the user if no chunk is long enough to learn from."""
    chunk, window = reading.ttt.chunk_tokens, reading.config.window
    if chunk < window:
        say(f"ttt: nothing will be learned, no chunk of {chunk} tokens holds a sequence of {window}")


class AdaptingModel:
    """A copy of a model that learns by SGD, whose momentum lasts from chunk to chunk.

    The processes of the reading's group share the work. Each makes the same calls to the others, whatever its share is,
    and ends with the same weights.
    """

    def __init__(self, reading: Reading) -> None:
        self.reading, self.ttt = reading, reading.ttt
        layers = reading.model.config.num_layers if self.ttt.freeze_blocks else 0
        if self.ttt.freeze_blocks > layers:
            raise InputError(f"ttt.freeze_blocks: expected at most model.num_layers {layers}, found {self.ttt.freeze_blocks}")
        with torch.inference_mode(False):  # tensors made while scoring would take no gradient
            self.model = copy.deepcopy(reading.model).requires_grad_()
            parameters = list(self.model.parameters())
            self.gradient = _joint_gradient(parameters)
            self.frozen = _gradients_of_first_blocks(self.model, self.ttt.freeze_blocks) if self.ttt.freeze_blocks else []
            self.optimizer = torch.optim.SGD(parameters, lr=self.ttt.lr, momentum=self.ttt.momentum)

    def learn(self, chunk: int) -> None:
        """Train on the sequences of a chunk, side by side, `epochs` times over; the rate falls to 0 along a cosine over all chunks."""
        ttt, length, size = self.ttt, self.reading.config.window, self.ttt.chunk_tokens
        chunks = math.ceil(self.reading.targets / size)
        spans = [slice(first, first + length + 1) for first in range(chunk * size, (chunk + 1) * size - length + 1, length)]
        for group in self.optimizer.param_groups:
            group["lr"] = ttt.lr * (1 + math.cos(math.pi * chunk / max(chunks - 1, 1))) / 2
        with torch.inference_mode(False), torch.enable_grad():
            for _ in range(ttt.epochs):
                for first in range(0, len(spans), ttt.batch_sequences):
                    self._step(spans[first : first + ttt.batch_sequences])

    def _step(self, spans: Sequence[slice]) -> None:
        """Update by the mean loss of the sequences at `spans`, no more of them at once than windows are scored at once."""
        group = self.reading.group
        own, at_once = group.share(spans), windows_at_once(self.reading.config)
        self.gradient.zero_()
        for first in range(0, len(own), at_once):
            sequences = self.reading.rows(list(own[first : first + at_once]))
            loss = self.model(sequences[:, :-1], sequences[:, 1:])
            (loss * (len(sequences) / len(spans))).backward()
        group.sum_(self.gradient)
        for gradient in self.frozen:
            gradient.zero_()
        if self.ttt.grad_clip:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.ttt.grad_clip)
        self.optimizer.step()


def _joint_gradient(parameters: Sequence[torch.nn.Parameter]) -> Tensor:
    """Return one vector that all gradients are views of, so that processes sum it at once."""
    gradient = torch.cat([torch.zeros_like(parameter).flatten() for parameter in parameters])
    for parameter, part in zip(parameters, gradient.split([parameter.numel() for parameter in parameters]), strict=True):
        parameter.grad = part.view_as(parameter)
    return gradient


def _gradients_of_first_blocks(model: GPT, blocks: int) -> list[Tensor]:
    """Return the gradients of the gains and matrices of the first blocks.

    Matrices lie in banks that hold all blocks, so freezing a block is a matter of rows, not of whole parameters.
    """
    banks, controls = model.banks, model.controls
    rows_of_blocks = (
        banks.up,
        banks.down,
        controls.attention_scale,
        controls.mlp_scale,
        controls.q_gain,
        controls.residual_mix,
        controls.head_gate,
    )
    gradients = [parameter.grad for parameter in rows_of_blocks if parameter is not None]
    gradients += [half for bank in (banks.qo.grad, banks.kv.grad) if bank is not None for half in bank.chunk(2)]
    return [gradient[:blocks] for gradient in gradients if gradient is not None]
