"""Every pair of neighbours once per epoch, in an order that only seed and position decide."""

from collections import Counter
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytegolf.arrays import Tokens
from bytegolf.errors import InputError
from bytegolf.runtime.parallel import Group
from bytegolf.text.batches import Batches
from bytegolf.text.shards import ShardWriter, TokenStream

NUM_TOKENS = 101
LENGTH = 7  # 14 sequences, which leave 2 pairs
SEQUENCES = (NUM_TOKENS - 1) // LENGTH


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> TokenStream:
    """The numbers from 0, in shards of 30."""
    folder = tmp_path_factory.mktemp("stream")
    with ShardWriter(folder, "train", max_tokens=30) as writer:
        writer.write(np.arange(NUM_TOKENS))
    return TokenStream(sorted(folder.glob("*.bin")))


def take(stream: TokenStream, count: int, *, size: int = 4, seed: int = 1, position: int = 0) -> np.ndarray:
    with Batches(stream, LENGTH, size, seed, NUM_TOKENS, position) as batches:
        taken = np.stack(list(islice(batches, count)))
        assert batches.position == position + count * size
    assert taken.dtype == np.int64 and taken.shape == (count, size, LENGTH + 1)
    return taken


@given(size=st.integers(1, 40), seed=st.integers(0, 2**40))
def test_every_pair_once_per_epoch(stream: TokenStream, size: int, seed: int) -> None:
    rows = take(stream, -(-3 * SEQUENCES // size), size=size, seed=seed).reshape(-1, LENGTH + 1)
    epochs = [Counter(pair for row in rows[epoch * SEQUENCES :][:SEQUENCES].tolist() for pair in pairwise(row)) for epoch in range(3)]
    assert epochs[0] == Counter(pairwise(range(SEQUENCES * LENGTH + 1)))
    around = {*pairwise(range(NUM_TOKENS)), (NUM_TOKENS - 1, 0)}
    for seen in epochs[1:]:
        assert seen.keys() <= around and set(seen.values()) == {1} and seen.total() == SEQUENCES * LENGTH


def test_further_epochs_are_cut_elsewhere(stream: TokenStream) -> None:
    rows = take(stream, 40, size=SEQUENCES)
    cuts = {tuple(sorted(row[0] % LENGTH for row in epoch)) for epoch in rows}
    assert len(cuts) > 10


@given(size=st.integers(1, 20), done=st.integers(0, 12))
def test_resumed_is_uninterrupted(stream: TokenStream, size: int, done: int) -> None:
    whole = take(stream, done + 3, size=size)
    np.testing.assert_array_equal(take(stream, 3, size=size, position=done * size), whole[done:])


@given(share=st.integers(1, 5), size=st.integers(1, 6), done=st.integers(0, 5))
def test_processes_read_what_one_would_and_each_its_own(stream: TokenStream, share: int, size: int, done: int) -> None:
    """All at the same position, which counts the sequences of all."""
    together = share * size
    whole = take(stream, 3, size=together, position=done * together)
    parts = []
    for rank in range(size):
        with Batches(stream, LENGTH, together, 1, NUM_TOKENS, done * together, Group(rank, size)) as batches:
            parts.append(np.stack(list(islice(batches, 3))))
            assert batches.position == (done + 3) * together
    assert {part.shape for part in parts} == {(3, share, LENGTH + 1)}
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)


def test_a_process_reads_nothing_that_is_anothers(stream: TokenStream, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or every process would read the whole corpus."""
    read: list[int] = []
    original = TokenStream.__getitem__

    def noted(self: TokenStream, span: slice) -> Tokens:
        read.append(span.start)
        return original(self, span)

    monkeypatch.setattr(TokenStream, "__getitem__", noted)
    with Batches(stream, LENGTH, 6, 1, NUM_TOKENS, 0, Group(1, 3)) as batches:
        next(batches)
    assert len([start for start in read if start is not None]) in (2, 4), "its own two sequences, and perhaps those of the batch after"


def test_order(stream: TokenStream) -> None:
    first = take(stream, 2, size=SEQUENCES)
    np.testing.assert_array_equal(first, take(stream, 2, size=SEQUENCES))
    assert not np.array_equal(first[0], first[1])
    assert not np.array_equal(first, take(stream, 2, size=SEQUENCES, seed=2))
    assert not np.array_equal(first[0, :, 0], np.sort(first[0, :, 0]))


def test_a_stream_shorter_than_a_sequence(stream: TokenStream) -> None:
    with pytest.raises(InputError, match="sequence_length: expected at most 100 for 101 training tokens, found 101"):
        Batches(stream, 101, 1, 1, NUM_TOKENS)
    with Batches(stream, 100, 1, 1, NUM_TOKENS) as batches:
        np.testing.assert_array_equal(next(batches), np.arange(NUM_TOKENS)[None])


def test_a_token_outside_the_vocabulary(stream: TokenStream) -> None:
    with Batches(stream, 100, 1, 1, 100) as batches, pytest.raises(InputError, match=r"model\.vocab_size 100, found 100"):
        next(batches)


def test_no_shards_at_all(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="for 0 training tokens"):
        Batches(TokenStream([]), 4, 1, 1, 100)
