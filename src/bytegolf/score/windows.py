"""Scoring with windows of fixed length: `standard` and `sliding`.

A stream of n + 1 tokens has n targets, target i being token i + 1; the first token is given. A window reads tokens
[start, stop) and scores its last `scored` targets, each from nothing but the tokens before it in the window.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Literal, NamedTuple, Protocol, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from bytegolf.config import ScoreConfig
from bytegolf.errors import InputError
from bytegolf.score.ledger import Ledger, Score

WindowProtocol = Literal["standard", "sliding"]
PROTOCOLS: tuple[str, ...] = get_args(WindowProtocol)


class Tokens(Protocol):
    """A stream of tokens that gives slices."""

    def __len__(self) -> int: ...
    def __getitem__(self, span: slice, /) -> NDArray[np.uint16]: ...


class Window(NamedTuple):
    start: int
    stop: int
    scored: int


def windows(protocol: WindowProtocol, targets: int, length: int, stride: int) -> Iterator[Window]:
    """The windows of a protocol, in order; together they score each of `targets` once.

    `standard`: one after the other, the last one shorter. `sliding`: each `stride` further than the one before and
    scoring what is new, the last one anchored at the end so that all have one shape.
    """
    if protocol == "standard":
        stride = length
    stop = min(length, targets)
    yield Window(0, stop, stop)
    while stop < targets:
        scored = min(stride, targets - stop)
        stop += scored
        yield Window(stop - (scored if protocol == "standard" else length), stop, scored)


def score_windows(
    model: nn.Module,
    tokens: Tokens,
    num_bytes: int,
    protocol: WindowProtocol,
    config: ScoreConfig,
    advance: Callable[[int], None] = lambda _: None,
) -> Score:
    """Score all of `tokens` after the first, which stand for `num_bytes` bytes. The model maps (B, T) to float32 logits."""
    targets = len(tokens) - 1
    ledger = Ledger(protocol, targets, num_bytes)
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            for batch in _batches(windows(protocol, targets, config.window, config.stride), config.batch_tokens):
                bits = _score_batch(model, tokens, batch, device)
                ledger.record(batch[0].stop - batch[0].scored, bits)
                advance(bits.numel())
    finally:
        model.train(was_training)
    return ledger.close()


def _batches(sequence: Iterable[Window], batch_tokens: int) -> Iterator[list[Window]]:
    """Runs of windows of one shape, as many as fit `batch_tokens`."""
    for (length, _), run in groupby(sequence, key=lambda window: (window.stop - window.start, window.scored)):
        size = max(1, batch_tokens // length)
        batch: list[Window] = []
        for window in run:
            batch.append(window)
            if len(batch) == size:
                yield batch
                batch = []
        if batch:
            yield batch


def _score_batch(model: nn.Module, tokens: Tokens, batch: list[Window], device: torch.device) -> Tensor:
    """Bits of the batch's targets, in order."""
    scored = batch[0].scored
    inputs = np.stack([tokens[window.start : window.stop] for window in batch]).astype(np.int64)
    targets = np.stack([tokens[window.stop - scored + 1 : window.stop + 1] for window in batch]).astype(np.int64)
    logits = model(torch.from_numpy(inputs).to(device), last=scored)
    nats = F.cross_entropy(logits.flatten(0, 1), torch.from_numpy(targets).flatten().to(device), reduction="none")
    if not nats.isfinite().all():
        raise InputError(f"model: expected finite scores, found others from token {batch[0].stop - scored} on; its training diverged")
    return nats.double() / math.log(2)
