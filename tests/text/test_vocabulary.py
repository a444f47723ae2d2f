"""A vocabulary is what was asked for, and is trained on training documents alone."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from bytegolf.config import TextConfig
from bytegolf.text import vocabulary as module
from bytegolf.text.dataset import open_data
from bytegolf.text.prepare import prepare_text
from bytegolf.text.tokenizer import BpeTokenizer, Tokenizer
from bytegolf.text.tokenizer_training import train_bpe, train_tokenizer
from bytegolf.text.vocabulary import Vocabulary
from support.corpora import SOURCE, write_jsonl, write_texts

TEXTS = [f"{i} " + SOURCE[i * 400 :][:400] for i in range(60)]


def test_what_is_asked_for_in_words(bpe: BpeTokenizer) -> None:
    """Two that make different tokenizers have different words: an interrupted preparation is continued by these."""
    asked = [
        Vocabulary(TextConfig(), 512, None),
        Vocabulary(TextConfig(), 513, None),
        Vocabulary(TextConfig(across_words=True), 512, None),
        Vocabulary(TextConfig(tokenizer="bytes"), 512, None),
        Vocabulary(TextConfig(tokenizer="capitals"), 512, None),
        Vocabulary(TextConfig(), 512, bpe),
        Vocabulary(TextConfig(), 512, train_bpe([SOURCE[:9000]], 400)),
    ]
    words = [str(vocabulary) for vocabulary in asked]
    assert words[:4] == ["bpe of 512 pieces", "bpe of 513 pieces", "bpe of 512 pieces across words", "bytes"]
    assert len(set(words)) == len(words)


def test_the_tokenizer_sees_no_held_out_text(tmp_path: Path) -> None:
    texts = ["Z" * 99, *TEXTS, "Z" * 99]
    prepare_text([str(write_jsonl(tmp_path / "a.jsonl", texts))], tmp_path / "data", vocab_size=400, val_docs=1)
    ids = open_data(tmp_path / "data").tokenizer.encode("ZZ")
    assert len(ids) == 2


def test_a_sample_trains_the_tokenizer_of_a_large_corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained_on: list[str] = []

    def train(texts: Iterable[str], vocab_size: int, config: TextConfig) -> Tokenizer:
        trained_on.extend(texts)
        return train_tokenizer(trained_on, vocab_size, config)

    monkeypatch.setattr(module, "train_tokenizer", train)
    monkeypatch.setattr(module, "SAMPLE_BYTES", 10_000)
    prepare_text([str(write_texts(tmp_path / "source", TEXTS))], tmp_path / "data", vocab_size=400)
    assert 5_000 < len("".join(trained_on)) <= 10_000
