"""Shuffled training sequences from a token stream, endless, prefetched and resumable.

Sequence k covers tokens [kT, kT + T]: its T inputs and, one further on, its T targets. Sequences share
their border token, so every neighbouring pair is trained on once per epoch (but for the last few that do
not fill a sequence). Every further epoch begins anywhere in the stream, whose end is followed by its beginning:
what is read several times is cut elsewhere each time, and so learned by heart later. Each epoch has its own order,
a function of seed and epoch alone, so the only state to save is how many sequences were handed out. Each of several
processes reads its own share of every batch; the order does not depend on their number, and the count is that of all
processes together.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from bytegolf.arrays import Tokens
from bytegolf.config import Recipe
from bytegolf.errors import InputError
from bytegolf.runtime.parallel import ALONE, Group
from bytegolf.text.shards import TokenStream

Batch = npt.NDArray[np.int64]


def count_sequences(stream: TokenStream, sequence_length: int) -> int:
    """Return the number of training sequences in the stream. Raises InputError if there is none."""
    sequences = (len(stream) - 1) // sequence_length
    if sequences < 1:
        limit = max(len(stream) - 1, 0)
        raise InputError(f"sequence_length: expected at most {limit} for {len(stream)} training tokens, found {sequence_length}")
    return sequences


def require_shares(recipe: Recipe, group: Group) -> None:
    """Raise InputError unless the sequences of a batch can be shared out evenly among the processes."""
    sequences = recipe.train.batch_tokens // recipe.train.sequence_length
    if sequences % group.size:
        raise InputError(f"train.batch_tokens: expected a multiple of {group.size} sequences for {group.size} processes, found {sequences}")


def run_batches(recipe: Recipe, stream: TokenStream, position: int = 0, group: Group = ALONE) -> "Batches":
    """Return this process's share of the batches of a recipe's run, beginning after `position` sequences."""
    config = recipe.train
    sequences = config.batch_tokens // config.sequence_length
    return Batches(stream, config.sequence_length, sequences, config.seed, recipe.model.vocab_size, position, group)


class Batches:
    """An iterator of int64 arrays (sequences, sequence_length + 1), this process's share of `sequences_per_batch`.

    `position` counts the sequences handed out to all processes; `Batches(..., position=p)` goes on from there. The next
    batch is read on a thread while this one is used: close the iterator, or use it as a context manager.

    Raises InputError if the stream is shorter than a sequence, and while iterating for a token that is
    not in the vocabulary.
    """

    def __init__(
        self,
        stream: TokenStream,
        sequence_length: int,
        sequences_per_batch: int,
        seed: int,
        vocab_size: int,
        position: int = 0,
        group: Group = ALONE,
    ) -> None:
        self.stream, self.sequence_length, self.sequences_per_batch = stream, sequence_length, sequences_per_batch
        self.seed, self.vocab_size, self.position, self.group = seed, vocab_size, position, group
        self.num_sequences = count_sequences(stream, sequence_length)
        self._epoch, self._begin = -1, 0
        self._order = np.empty(0, dtype=np.int64)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="batches")
        self._next = self._prefetch()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Batch:
        batch = self._next.result()
        self.position += self.sequences_per_batch
        self._next = self._prefetch()
        return batch

    def close(self) -> None:
        """Stop the thread that reads ahead."""
        self._thread.shutdown(cancel_futures=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _prefetch(self) -> Future[Batch]:
        return self._thread.submit(self._batch, self.position)

    def _batch(self, position: int) -> Batch:
        share = self.group.share(range(position, position + self.sequences_per_batch))
        batch = np.empty((len(share), self.sequence_length + 1), dtype=np.int64)
        for index, row in zip(share, batch, strict=True):
            row[:] = self._sequence(self._begin_at(index))
        if batch.max() >= self.vocab_size:
            raise InputError(f"tokens: expected ids below model.vocab_size {self.vocab_size}, found {batch.max()}")
        return batch

    def _begin_at(self, position: int) -> int:
        """Return the first token of the sequence at a position of the run."""
        epoch, index = divmod(position, self.num_sequences)
        if epoch != self._epoch:
            draw = np.random.Generator(np.random.PCG64([self.seed, epoch]))
            self._epoch, self._order = epoch, draw.permutation(self.num_sequences)
            self._begin = int(draw.integers(len(self.stream))) if epoch else 0
        return (self._begin + int(self._order[index]) * self.sequence_length) % len(self.stream)

    def _sequence(self, begin: int) -> Tokens:
        """Return a sequence, (sequence_length + 1,), that may pass the end of the stream."""
        end = begin + self.sequence_length + 1
        return np.concatenate([self.stream[begin:end], self.stream[: max(0, end - len(self.stream))]])
