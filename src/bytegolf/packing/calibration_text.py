"""Batches to calibrate by: training text, or without any the model's own text, or random tokens. Never the held-out split."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from bytegolf.config import BOS, Recipe
from bytegolf.model.gpt import GPT
from bytegolf.model.stream import Stream
from bytegolf.names import CalibrationName
from bytegolf.text.batches import Batches
from bytegolf.text.shards import TokenStream

CalibrationBatch = NDArray[np.int64]  # (sequences, tokens)

BATCH_TOKENS = 1024
COUNTED_TOKENS = 1 << 24  # of training text, in which rows of tables are counted
WRITTEN_AT_ONCE = 64  # sequences


def training_batches(recipe: Recipe, tokens: TokenStream, batch_tokens: int) -> Iterator[CalibrationBatch]:
    """Yield the first training sequences of a run, `pack.calibration_tokens` in all or as many as there are.

    Raises InputError if there is no whole sequence.
    """
    length = recipe.train.sequence_length
    wanted = max(1, min(recipe.pack.calibration_tokens, len(tokens) - 1) // length)
    at_once = min(wanted, max(1, batch_tokens // length))
    with Batches(tokens, length, at_once, recipe.train.seed, recipe.model.vocab_size) as batches:
        for first in range(0, wanted, at_once):
            yield next(batches)[: wanted - first, :-1]


def calibration_batches(source: CalibrationName, model: GPT, recipe: Recipe, tokens: TokenStream | None) -> Iterator[CalibrationBatch]:
    """Yield `pack.calibration_tokens` tokens of a source in small batches: training text, the model's own text, or random tokens."""
    if source == "text":
        assert tokens is not None
        yield from training_batches(recipe, tokens, BATCH_TOKENS)
        return
    length = recipe.train.sequence_length
    wanted, at_once = max(1, recipe.pack.calibration_tokens // length), max(1, BATCH_TOKENS // length)
    write = _written if source == "self" else _drawn
    generator = torch.Generator(model.tokens.device).manual_seed(recipe.train.seed)
    for first in range(0, wanted, WRITTEN_AT_ONCE):
        sequences = write(model, min(WRITTEN_AT_ONCE, wanted - first), length, generator).cpu().numpy()
        yield from (sequences[start : start + at_once] for start in range(0, len(sequences), at_once))


def counted_batches(tokens: TokenStream, length: int) -> Iterator[CalibrationBatch]:
    """Yield the beginning of a text, once and in order, as sequences of `length` tokens."""
    for first in range(0, min(len(tokens), COUNTED_TOKENS) - length, length):
        yield tokens[first : first + length].astype(np.int64)[None]


def _written(model: GPT, sequences: int, length: int, generator: torch.Generator) -> torch.Tensor:
    """Return text that the model samples after a document's start, (sequences, length)."""
    stream = Stream(model, length)
    tokens = [torch.full((sequences, 1), BOS, device=model.tokens.device)]
    with torch.no_grad():
        while len(tokens) < length:
            logits = stream.logits(tokens[-1])[:, -1]
            tokens.append(torch.multinomial(logits.softmax(-1), 1, generator=generator))
    return torch.cat(tokens, dim=1)


def _drawn(model: GPT, sequences: int, length: int, generator: torch.Generator) -> torch.Tensor:
    """Return tokens that are all equally likely, (sequences, length)."""
    return torch.randint(len(model.tokens), (sequences, length), generator=generator, device=model.tokens.device)
