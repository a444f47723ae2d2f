"""The protocols of `score` as predictors: each token is given the very probability that it is scored with.

A forward pass scores a row of targets at once, in sight of all tokens before each. Whoever does not know them yet makes the
same pass, in the same shapes, over guesses: a row is right as soon as all tokens before it are. For a causal model, that is:
one that looks ahead gives the encoder, who guesses the truth, other distributions than the decoder, and decodes to something else.
A wrong guess costs another pass, so decoding takes up to one a token.
"""

from collections.abc import Callable, Iterator
from copy import copy
from itertools import groupby
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bytegolf.coding.predictor import Distributions, Lane
from bytegolf.config import ScoreConfig, TttConfig
from bytegolf.model.gpt import GPT
from bytegolf.model.stream import Stream
from bytegolf.names import ProtocolName
from bytegolf.proving.guesses import Draft
from bytegolf.runtime.parallel import ALONE
from bytegolf.scoring.nats import rows
from bytegolf.scoring.test_time_training import AdaptingModel
from bytegolf.scoring.windows import Window, sliding_windows, standard_windows


class Pass(NamedTuple):
    """One forward pass. `states`, called as often as tokens become known, is what the head reads for the targets, (scored, D)."""

    first: int  # the first target; target i is token i + 1
    scored: int
    model: GPT  # whose head it is
    states: Callable[[], Tensor]


Passes = Iterator[Pass]  # asked for the next pass only when all tokens of the one before are known


class Reading(Protocol):
    """How a text is read: passes over `tokens`, which are being filled in."""

    def __call__(self, tokens: Lane) -> Passes: ...


def reading(model: GPT, protocol: ProtocolName, config: ScoreConfig, ttt: TttConfig) -> Reading:
    """As `bytegolf.score` reads by that protocol, one window or piece at a time."""
    model.eval()
    match protocol:
        case "standard":
            return lambda tokens: map(_window_pass(model, tokens), standard_windows(len(tokens) - 1, config.window))
        case "sliding":
            return lambda tokens: map(_window_pass(model, tokens), sliding_windows(len(tokens) - 1, config.window, config.stride))
        case "streaming":
            return lambda tokens: _streaming(model, tokens, config)
        case "ttt":
            return lambda tokens: _adapting(model, tokens, config, ttt)


def _window_pass(model: GPT, tokens: Lane) -> Callable[[Window], Pass]:
    device = next(model.parameters()).device

    def made(window: Window) -> Pass:
        def states() -> Tensor:
            return model.hidden(rows(tokens, [slice(window.start, window.stop)], device), window.scored)[0]

        return Pass(window.first, window.scored, model, states)

    return made


def _streaming(model: GPT, tokens: Lane, config: ScoreConfig) -> Passes:
    targets, device = len(tokens) - 1, next(model.parameters()).device
    stream = Stream(model, reach=config.window - config.stride)
    for first in range(0, targets, config.stride):
        stop = min(first + config.stride, targets)
        tried = stream

        def states(first: int = first, stop: int = stop, before: Stream = stream) -> Tensor:
            nonlocal tried
            tried = copy(before)
            tried.caches = [copy(cache) for cache in before.caches]
            return tried.hidden(rows(tokens, [slice(first, stop)], device))[0]

        yield Pass(first, stop - first, model, states)
        stream = tried  # the last attempt was made with the right tokens, or its last row would have been no good


def _adapting(model: GPT, tokens: Lane, config: ScoreConfig, ttt: TttConfig) -> Passes:
    """As `bytegolf.scoring.test_time_training`: a chunk is learned from when all of it is known."""
    targets = len(tokens) - 1
    adapting = AdaptingModel(model, tokens, config, ttt, ALONE)
    made = _window_pass(adapting.model, tokens)
    chunks = -(-targets // ttt.chunk_tokens)
    for chunk, windows in groupby(
        sliding_windows(targets, config.window, config.stride), key=lambda window: window.first // ttt.chunk_tokens
    ):
        scored = 0
        for window in windows:
            yield made(window)
            scored = window.stop
        if scored < targets:
            adapting.learn(chunk, chunks)


class Replay:
    """One lane: a text of known length by a protocol. Its first token is given."""

    lanes = 1

    def __init__(self, vocab_size: int, read: Reading, first_token: int, targets: int, draft: Callable[[], Draft]) -> None:
        self.read, self.first_token, self.targets, self.new_draft = read, first_token, targets, draft
        self.vocab_size = vocab_size
        self.forwards = 0
        self.reset()

    def reset(self) -> None:
        self.tokens = np.zeros(self.targets + 1, np.uint16)  # right up to `position`, guesses after it
        self.tokens[0] = self.first_token
        self.position = 0  # tokens known after the first, and the target to predict
        self.passes = self.read(self.tokens)
        self.now: Pass | None = None
        self.states: Tensor | None = None  # of the pass, where they are right for the target to predict
        self.draft = self.new_draft()

    @torch.inference_mode()
    def predict(self) -> Distributions:
        if self.now is None or self.position == self.now.first + self.now.scored:
            self.now, self.states = next(self.passes), None
        if self.states is None:
            ahead = slice(self.position + 1, self.now.first + self.now.scored)
            self.tokens[ahead] = self.draft.guess(self.tokens, self.position + 1, ahead.stop - ahead.start)
            self.states = self.now.states()
            self.forwards += 1
        row = self.position - self.now.first
        logits = self.now.model.logits(self.states[None, row : row + 1])[0]  # a row at a time, so that only what is read is computed
        return torch.softmax(logits.float(), dim=-1).cpu().numpy()

    def observe(self, tokens_L: NDArray[np.integer]) -> None:
        self.position += 1
        (token,) = tokens_L
        if self.tokens[self.position] != token:
            self.tokens[self.position] = token
            self.states = None
