"""Texts, tokenizers and corpus folders that tests of several rooms read."""

import argparse
import inspect
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sentencepiece

from bytegolf.config import BOS
from bytegolf.text.corpus import open_corpus
from bytegolf.text.documents import Remarks
from bytegolf.text.shards import ShardWriter
from bytegolf.text.tokenizer import Tokenizer

SOURCE = inspect.getsource(argparse)
TEXTS = ["first text", "    indented", "third"]


def foreign_model(**options: Any) -> bytes:
    """Return a SentencePiece model trained the way other projects do."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(SOURCE.splitlines()), model_writer=model, model_type="bpe", minloglevel=2,
        **{"vocab_size": 512, "byte_fallback": True, "pad_id": 0, "bos_id": 1, "eos_id": 2, "unk_id": 3, **options},
    )  # fmt: skip
    return model.getvalue()


def write_jsonl(path: Path, texts: Sequence[str]) -> Path:
    """Write a file with a JSON object per text, in this order."""
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return path


def write_texts(folder: Path, texts: Sequence[str]) -> Path:
    """Write a folder with a file per text, in this order."""
    folder.mkdir()
    for index, text in enumerate(texts):
        (folder / f"{index:03d}.txt").write_bytes(text.encode())
    return folder


def put(path: Path, data: bytes) -> Path:
    """Write a file, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def contest_folder(root: Path, name: str, tokenizer: Tokenizer, texts: Sequence[str] = TEXTS) -> Path:
    """Make `datasets/NAME` with the shards of some texts, as the contest publishes them."""
    folder = root / "datasets" / name
    folder.mkdir(parents=True)
    for split in ("train", "val"):
        with ShardWriter(folder, f"fineweb_{split}", max_tokens=20) as writer:
            for text in texts:
                writer.write([BOS, *tokenizer.encode(text)])
    return folder


def read_documents(
    *sources: Path | str, exclude: Path | None = None, text_column: str | None = None, remarks: Remarks | None = None
) -> list[tuple[str, str]]:
    """Return (name, text) of every document of a corpus, after checking that it can be read again."""
    corpus = open_corpus([str(source) for source in sources], exclude, text_column=text_column, remarks=remarks)
    documents = [(document.name, document.text) for document in corpus.read(remarks=remarks)]
    assert documents == [(document.name, document.text) for document in corpus]
    return documents
