"""Documents are found again in a stream of tokens, whatever is read at once."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytegolf.arrays import Tokens
from bytegolf.config import BOS
from bytegolf.text.shards import ShardWriter, TokenStream
from bytegolf.text.token_documents import document_blocks


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shards")


def stream_of(folder: Path, tokens: list[int]) -> TokenStream:
    for old in folder.iterdir():
        old.unlink()
    with ShardWriter(folder, "train", max_tokens=7) as writer:
        writer.write(tokens)
    return TokenStream(sorted(folder.glob("train_*.bin")))


def listed(stream: TokenStream, read_tokens: int) -> list[tuple[int, list[int]]]:
    found: list[tuple[int, Tokens]] = []
    place = 0
    for block in document_blocks(stream, read_tokens):
        assert block.start == place and len(block) == len(list(block)) > 0 and len(block.tokens) <= 2 * read_tokens
        place += len(block.tokens)
        found += block
    assert place == len(stream)
    return [(number, tokens.tolist()) for number, tokens in found]


@given(st.lists(st.lists(st.integers(2, 9), max_size=12), max_size=8), st.integers(13, 40))
def test_documents_that_fit_come_back_whole(folder: Path, texts: list[list[int]], read_tokens: int) -> None:
    stream = stream_of(folder, [token for text in texts for token in (BOS, *text)])
    assert listed(stream, read_tokens) == list(enumerate([[BOS, *text] for text in texts]))


@given(st.lists(st.integers(1, 3), max_size=40), st.integers(1, 9))
def test_no_token_is_lost_or_repeated(folder: Path, tokens: list[int], read_tokens: int) -> None:
    found = listed(stream_of(folder, tokens), read_tokens)
    assert [token for _, part in found for token in part] == tokens
    assert [number for number, _ in found] == list(range(len(found)))
    assert all(BOS not in part[1:] and part for _, part in found)


def test_a_document_of_more_than_is_read_at_once_is_several(folder: Path) -> None:
    found = listed(stream_of(folder, [BOS, *range(2, 27), BOS, 9]), 10)
    assert len(found) == 4 and found[-1][1] == [BOS, 9]
    assert np.concatenate([part for _, part in found]).tolist() == [BOS, *range(2, 27), BOS, 9]
