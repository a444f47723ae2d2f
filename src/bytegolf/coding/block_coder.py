"""One block of a file, coded by a model that reads many lanes side by side, or stored by zstd.

Lanes are neighbouring parts of the block's tokens. A block whose bytes are no text is stored, as is one that the model
would make larger.
"""

import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

import numpy as np
import zstandard

from bytegolf.coding.bgc_file import DIGEST_BYTES, UnreadableError, digest, read_exactly
from bytegolf.coding.codec import TooLongError, decode, encode, lane_lengths
from bytegolf.coding.lane_predictor import LanePredictor
from bytegolf.coding.lossless import Lossless
from bytegolf.coding.packed_model import PackedModel

MOST_SPELLED = 0.25  # share of bytes that no text token stands for, in a block that is worth the model's time
END, CODED, STORED = 0, 1, 2  # kinds of block; END is no block
BLOCK_HEAD = struct.Struct(f"<BIII{DIGEST_BYTES}s")  # kind, bytes, tokens, bytes coded, digest

Advance = Callable[[float], None]  # is told how many more bytes of the block are done


@dataclass(frozen=True)
class Layout:
    """The layout of a file: blocks, and lanes within a block's tokens. A file decodes only by the layout it was coded by."""

    block_bytes: int = 1 << 20  # at most
    lanes: int = 64  # at most: more are faster and know less of their past
    lane_tokens: int = 512  # at least, where there are several lanes
    window: int = 512  # at most: 64 lanes of a window of a 27 M parameter model take 0.7 GB

    def lengths(self, tokens: int) -> list[int]:
        """Return the number of tokens of each lane, the longer ones first."""
        return lane_lengths(tokens, max(1, min(self.lanes, tokens // self.lane_tokens)))


LAYOUT = Layout()


class Block(NamedTuple):
    """A block as it stands in a file, behind its head."""

    kind: int
    size: int  # bytes of what it expands to
    tokens: int
    data: bytes

    def head(self, expanded: bytes) -> bytes:
        """Return the block's head; its digest covers the sizes, the coded data and the expanded bytes."""
        sizes = struct.pack("<BIII", self.kind, self.size, self.tokens, len(self.data))
        return sizes + digest(sizes + self.data + expanded)


def read_block(file: BinaryIO, block_bytes: int) -> tuple[bytes, Block] | None:
    """Read the next block and its head, None at the end mark. Raises UnreadableError for sizes that cannot be."""
    first = read_exactly(file, 1)
    if first[0] == END:
        return None
    head = first + read_exactly(file, BLOCK_HEAD.size - 1)
    kind, size, tokens, length, _ = BLOCK_HEAD.unpack(head)
    if kind not in (CODED, STORED) or not 0 < size <= block_bytes or tokens > 2 * size or length > 2 * block_bytes:
        raise UnreadableError("a damaged block")
    return head, Block(kind, size, tokens, read_exactly(file, length))


class BlockCoder:
    """Turns bytes into blocks by a packed model, and back."""

    def __init__(self, packed: PackedModel, layout: Layout) -> None:
        self.model, self.experts, self.layout = packed.model, packed.artifact.experts, layout
        self.text = Lossless(packed.artifact.tokenizer)
        self.window = min(packed.artifact.score.window, layout.window)

    def encode(self, data: bytes, advance: Advance) -> Block:
        """Return the smaller of the coded and the stored block. The model is left as soon as it is certain to lose."""
        stored = zstandard.ZstdCompressor(level=19, write_content_size=False).compress(data)
        tokens, spelled = self.text.encode(data, MOST_SPELLED)
        block, done = Block(STORED, len(data), 0, stored), 0.0

        def advance_tokens(count: int) -> None:
            nonlocal done
            done += count * len(data) / len(tokens)
            advance(count * len(data) / len(tokens))

        if spelled <= MOST_SPELLED * len(data):
            lanes = np.split(tokens, np.cumsum(self.layout.lengths(len(tokens)))[:-1])
            with suppress(TooLongError):
                coded = encode(self._predictor(len(lanes)), lanes, advance_tokens, below=len(stored))
                block = Block(CODED, len(data), len(tokens), coded)
        advance(len(data) - done)
        return block

    def decode(self, block: Block, advance: Advance) -> bytes:
        """Return the bytes of a block. Raises DamagedError, ZstdError or InputError (unknown tokens) for one that is damaged."""
        if block.kind == STORED:
            advance(block.size)
            return zstandard.ZstdDecompressor().stream_reader(block.data).read(block.size + 1)
        lengths = self.layout.lengths(block.tokens)
        each = block.size / block.tokens if block.tokens else 0.0
        lanes = decode(self._predictor(len(lengths)), lengths, block.data, lambda count: advance(count * each))
        return self.text.decode(np.concatenate(lanes))

    def _predictor(self, lanes: int) -> LanePredictor:
        return LanePredictor(self.model, self.experts, lanes, self.window)
