"""Text to calibrate by: training text, or without any the model's own, or tokens drawn blindly. Never the held-out split."""

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


def calibration_batches(source: CalibrationName, model: GPT, recipe: Recipe, tokens: TokenStream | None) -> Iterator[CalibrationBatch]:
    """Sequences of a run, `pack.calibration_tokens` of them in all or as many as there are, in small batches."""
    length = recipe.train.sequence_length
    if source == "text":
        assert tokens is not None
        wanted = max(1, min(recipe.pack.calibration_tokens, len(tokens) - 1) // length)
        at_once = min(wanted, max(1, BATCH_TOKENS // length))
        with Batches(tokens, length, at_once, recipe.train.seed, recipe.model.vocab_size) as batches:
            for first in range(0, wanted, at_once):
                yield next(batches)[: wanted - first, :-1]
        return
    wanted, at_once = max(1, recipe.pack.calibration_tokens // length), max(1, BATCH_TOKENS // length)
    write = _written if source == "self" else _drawn
    generator = torch.Generator(model.tokens.device).manual_seed(recipe.train.seed)
    for first in range(0, wanted, WRITTEN_AT_ONCE):
        sequences = write(model, min(WRITTEN_AT_ONCE, wanted - first), length, generator).cpu().numpy()
        yield from (sequences[start : start + at_once] for start in range(0, len(sequences), at_once))


def counted_batches(tokens: TokenStream, length: int) -> Iterator[CalibrationBatch]:
    """The beginning of a text, once, in order."""
    for first in range(0, min(len(tokens), COUNTED_TOKENS) - length, length):
        yield tokens[first : first + length].astype(np.int64)[None]


def _written(model: GPT, sequences: int, length: int, generator: torch.Generator) -> torch.Tensor:
    """What the model writes after a document's start, token by token as its predictions have it: (sequences, length)."""
    stream = Stream(model, length)
    tokens = [torch.full((sequences, 1), BOS, device=model.tokens.device)]
    with torch.no_grad():
        while len(tokens) < length:
            logits = stream.logits(tokens[-1])[:, -1]
            tokens.append(torch.multinomial(logits.softmax(-1), 1, generator=generator))
    return torch.cat(tokens, dim=1)


def _drawn(model: GPT, sequences: int, length: int, generator: torch.Generator) -> torch.Tensor:
    """Tokens that are all equally likely."""
    return torch.randint(len(model.tokens), (sequences, length), generator=generator, device=model.tokens.device)
