"""Data folders whose training and held-out documents have something in common, by design."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bytegolf.config import BOS
from bytegolf.text.dataset import Dataset, open_data
from bytegolf.text.shards import ShardWriter
from bytegolf.text.tokenizer import BytesTokenizer, Tokenizer
from support.runs import documents

TEXTS = documents(seed=5, count=40)  # of about 1 KB each, no two nearly the same


def data_folder(root: Path, train: Sequence[str], val: Sequence[str], tokenizer: Tokenizer | None = None, shard_tokens: int = 5000) -> Path:
    """Make a folder of bare shards of the two sides."""
    used = tokenizer or BytesTokenizer()
    root.mkdir(parents=True)
    (root / used.file_name).write_bytes(used.serialised)
    for split, texts in (("train", train), ("val", val)):
        with ShardWriter(root, split, max_tokens=shard_tokens) as writer:
            for text in texts:
                writer.write(np.concatenate(([BOS], used.encode(text))))
    return root


def dataset(root: Path, train: Sequence[str], val: Sequence[str], tokenizer: Tokenizer | None = None) -> Dataset:
    """Make such a folder and open it."""
    used = tokenizer or BytesTokenizer()
    return open_data(data_folder(root, train, val, used), root / used.file_name)


def edited(text: str, every: int = 40) -> str:
    """Return a text with another word in place of every fortieth."""
    words = text.split(" ")
    return " ".join("REWRITTEN" if number % every == every // 2 else word for number, word in enumerate(words))
