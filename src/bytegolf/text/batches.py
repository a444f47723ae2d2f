"""Provide shuffled training sequences from a token stream: endless, prefetched and resumable.

Sequence k covers tokens [kT, kT + T]: T inputs and, shifted by one, T targets. Neighbouring sequences share their
border token, so each epoch trains once on every pair of neighbouring tokens, except the last few that do not fill a
sequence. The order of an epoch is a function of the random seed and the epoch alone, so the whole state is the number
of sequences handed out. With several processes, each reads its own share of every batch; order and count refer to
all processes together, whatever their number.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

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
    """Check that the sequences of a batch divide evenly among the processes. Raises InputError if they do not."""
    sequences = recipe.train.batch_tokens // recipe.train.sequence_length
    if sequences % group.size:
        raise InputError(f"train.batch_tokens: expected a multiple of {group.size} sequences for {group.size} processes, found {sequences}")


def run_batches(recipe: Recipe, stream: TokenStream, position: int = 0, group: Group = ALONE) -> "Batches":
    """Return this process's share of the batches of a recipe's run, starting at sequence `position`."""
    config = recipe.train
    sequences = config.batch_tokens // config.sequence_length
    return Batches(stream, config.sequence_length, sequences, config.seed, recipe.model.vocab_size, position, group)


class Batches:
    """An iterator over this process's share of each batch: int64 arrays (sequences, sequence_length + 1).

    `position` counts the sequences handed out to all processes together; `Batches(..., position=p)` continues from there.
    A thread prepares the next batch while the current one is used: call `close`, or use the object as a context manager.

    Raises InputError if the stream is shorter than a sequence and, while iterating, for a token outside the vocabulary.
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
        """Start to prefetch the batch at `position`. `sequences_per_batch` counts those of all processes."""
        self.stream, self.sequence_length, self.sequences_per_batch = stream, sequence_length, sequences_per_batch
        self.seed, self.vocab_size, self.position, self.group = seed, vocab_size, position, group
        self.num_sequences = count_sequences(stream, sequence_length)
        self._epoch = -1
        self._order = np.empty(0, dtype=np.int64)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="batches")
        self._next = self._prefetch()

    def __iter__(self) -> Self:
        """Return the iterator itself."""
        return self

    def __next__(self) -> Batch:
        """Return the next batch, and start to prefetch the one after it."""
        batch = self._next.result()
        self.position += self.sequences_per_batch
        self._next = self._prefetch()
        return batch

    def close(self) -> None:
        """Stop the prefetching thread."""
        self._thread.shutdown(cancel_futures=True)

    def __enter__(self) -> Self:
        """Return the object itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop the prefetching thread."""
        self.close()

    def _prefetch(self) -> Future[Batch]:
        return self._thread.submit(self._batch, self.position)

    def _batch(self, position: int) -> Batch:
        share = self.group.share(range(position, position + self.sequences_per_batch))
        batch = np.empty((len(share), self.sequence_length + 1), dtype=np.int64)
        for index, row in zip(share, batch, strict=True):
            start = self._sequence_at(index) * self.sequence_length
            row[:] = self.stream[start : start + self.sequence_length + 1]
        if batch.max() >= self.vocab_size:
            raise InputError(f"tokens: expected ids below model.vocab_size {self.vocab_size}, found {batch.max()}")
        return batch

    def _sequence_at(self, position: int) -> int:
        epoch, index = divmod(position, self.num_sequences)
        if epoch != self._epoch:
            self._epoch = epoch
            self._order = np.random.Generator(np.random.PCG64([self.seed, epoch])).permutation(self.num_sequences)
        return int(self._order[index])
