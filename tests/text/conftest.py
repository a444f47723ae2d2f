"""Tokenizers trained once, and ways to lay out corpora and contest folders."""

import argparse
import inspect
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import sentencepiece

from bytegolf.text.tokenizer import BpeTokenizer, BytesTokenizer, Tokenizer, train_bpe

SOURCE = inspect.getsource(argparse)


@pytest.fixture(scope="session")
def bpe() -> BpeTokenizer:
    """512 pieces, with runs of spaces among them."""
    return train_bpe([SOURCE], 512)


@pytest.fixture(scope="session", params=["bpe", "bytes"])
def tokenizer(request: pytest.FixtureRequest, bpe: BpeTokenizer) -> Tokenizer:
    return bpe if request.param == "bpe" else BytesTokenizer()


def foreign_model(**options: Any) -> bytes:
    """A model trained the way other projects do."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(SOURCE.splitlines()), model_writer=model, model_type="bpe", minloglevel=2,
        **{"vocab_size": 512, "byte_fallback": True, "pad_id": 0, "bos_id": 1, "eos_id": 2, "unk_id": 3, **options},
    )  # fmt: skip
    return model.getvalue()


@pytest.fixture(scope="session")
def normalising() -> bytes:
    """A model that folds characters and spaces, and puts a space before each text."""
    return foreign_model(normalization_rule_name="nmt_nfkc", add_dummy_prefix=True)


def write_jsonl(path: Path, texts: Sequence[str]) -> Path:
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return path


def write_texts(folder: Path, texts: Sequence[str]) -> Path:
    """A folder with a file per text, in this order."""
    folder.mkdir()
    for index, text in enumerate(texts):
        (folder / f"{index:03d}.txt").write_bytes(text.encode())
    return folder
