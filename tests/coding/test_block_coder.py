"""One block: coded or stored, whichever is smaller, and read back with care."""

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import zstandard

from bytegolf.coding.bgc_file import UnreadableError
from bytegolf.coding.block_coder import BLOCK_HEAD, CODED, END, STORED, Block, BlockCoder, Layout, read_block
from bytegolf.coding.lane_predictor import LanePredictor
from bytegolf.coding.packed_model import PackedModel
from bytegolf.exact.output import Frequencies
from support.proofs import SENTENCES, artifact_file, foreign

TEXT = "".join(SENTENCES[:5]).encode()
SHORT_TEXT = TEXT[:60]  # for which zstd has no repetition to find
NOISE = np.random.default_rng(0).bytes(1000)


@pytest.fixture(scope="module")
def blocks(tmp_path_factory: pytest.TempPathFactory) -> BlockCoder:
    return BlockCoder(PackedModel(artifact_file(tmp_path_factory.mktemp("artifact"))), Layout(block_bytes=2000, lane_tokens=10))


@pytest.mark.parametrize(("data", "kind"), [(SHORT_TEXT, CODED), (TEXT * 20, STORED), (NOISE, STORED), (b"\0" * 100, STORED)])
def test_the_smaller_block_is_taken(blocks: BlockCoder, data: bytes, kind: int) -> None:
    done: list[float] = []
    block = blocks.encode(data, done.append)
    assert (block.kind, block.size) == (kind, len(data)) and sum(done) == pytest.approx(len(data))
    assert len(block.data) <= len(zstandard.compress(data, 19))
    assert blocks.decode(block, done.append) == data and sum(done) == pytest.approx(2 * len(data))


def test_a_model_that_is_certain_to_lose_is_left_early(blocks: BlockCoder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Zeros take zstd a few bytes, which the model has written after as many tokens."""
    predict, read = LanePredictor.predict, []

    def counted(lanes: LanePredictor) -> Frequencies:
        read.append(lanes.lanes)
        return predict(lanes)

    monkeypatch.setattr(LanePredictor, "predict", counted)
    done: list[float] = []
    assert blocks.encode(bytes(2000), done.append).kind == STORED
    assert 0 < sum(read) < 200 and sum(done) == pytest.approx(2000)


def test_a_block_is_read_as_it_was_written(blocks: BlockCoder) -> None:
    block = blocks.encode(SHORT_TEXT, lambda _: None)
    head = block.head(SHORT_TEXT)
    file = io.BytesIO(head + block.data + bytes([END]))
    assert read_block(file, 2000) == (head, block)
    assert read_block(file, 2000) is None
    assert head != block.head(SHORT_TEXT[:-1] + b"?"), "the head knows what it expands to"


@pytest.mark.parametrize(
    ("kind", "size", "tokens", "length"), [(3, 10, 5, 4), (CODED, 0, 5, 4), (CODED, 2001, 5, 4), (CODED, 10, 21, 4), (CODED, 10, 5, 4001)]
)
def test_sizes_that_cannot_be_are_refused_before_anything_is_read(kind: int, size: int, tokens: int, length: int) -> None:
    with pytest.raises(UnreadableError, match="a damaged block"):
        read_block(io.BytesIO(BLOCK_HEAD.pack(kind, size, tokens, length, bytes(8))), 2000)
    assert BLOCK_HEAD.size == struct.calcsize("<BIII8s")


def test_a_layout_gives_few_tokens_few_lanes() -> None:
    layout = Layout(lanes=4, lane_tokens=10)
    assert [len(layout.lengths(tokens)) for tokens in (0, 9, 10, 19, 20, 39, 40, 1000)] == [1, 1, 1, 1, 2, 3, 4, 4]


def test_no_window_is_longer_than_the_models_own(tmp_path: Path) -> None:
    packed = PackedModel(artifact_file(tmp_path, foreign()))
    own = packed.artifact.score.window
    assert BlockCoder(packed, Layout(window=own + 1)).window == own
    assert BlockCoder(packed, Layout(window=own - 1)).window == own - 1


def test_a_stored_block_that_expands_to_more_is_cut_off(blocks: BlockCoder) -> None:
    stored = zstandard.ZstdCompressor(write_content_size=False).compress(bytes(10**6))
    assert len(blocks.decode(Block(STORED, 100, 0, stored), lambda _: None)) == 101
