"""The held-out text that is kept is what the held-out tokens decode to."""

from pathlib import Path

import numpy as np
import pytest
import zstandard

from bytegolf.config import BOS
from bytegolf.errors import InputError
from bytegolf.text import held_out_text as module
from bytegolf.text.held_out_text import write_held_out_text
from bytegolf.text.shards import ShardWriter, TokenStream
from bytegolf.text.tokenizer import Tokenizer

TEXTS = ["first", "", "ünd another", "", " x"]


@pytest.mark.parametrize("read_tokens", [1, 3, 1000])
def test_texts_and_where_they_begin(tmp_path: Path, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch, read_tokens: int) -> None:
    monkeypatch.setattr(module, "READ_TOKENS", read_tokens)
    with ShardWriter(tmp_path, "val", max_tokens=4) as writer:
        for text in TEXTS:
            writer.write(np.concatenate(([BOS], tokenizer.encode(text))))
    offsets, size = write_held_out_text(tmp_path / "text.zst", TokenStream(sorted(tmp_path.glob("*.bin"))), tokenizer)
    kept: bytes = zstandard.ZstdDecompressor().stream_reader((tmp_path / "text.zst").read_bytes()).read()
    assert kept == "".join(TEXTS).encode() and size == len(kept)
    assert offsets == [0, 5, 5, 17, 17]


def test_tokens_before_the_first_document(tmp_path: Path, tokenizer: Tokenizer) -> None:
    with ShardWriter(tmp_path, "val") as writer:
        writer.write([7, BOS, 8])
    with pytest.raises(InputError, match="held-out shards: expected a document, which begins with token 1, found token 7"):
        write_held_out_text(tmp_path / "text.zst", TokenStream([tmp_path / "val_000000.bin"]), tokenizer)
