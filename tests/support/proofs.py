"""Small artifacts, and the tokenizers that people bring along."""

import io
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path

import sentencepiece

from bytegolf.artifact.container import write_artifact
from bytegolf.config import BOS, ExpertsConfig, TextConfig
from bytegolf.text.tokenizer import BpeTokenizer, BytesTokenizer, Tokenizer
from bytegolf.text.tokenizer_training import train_bpe, train_tokenizer
from support.artifacts import random_artifact
from support.models import changed

SENTENCES = [
    "The quick brown fox jumps over the lazy dog, then it sleeps.",
    "def main(argument: int) -> None:\n    return argument + 1\n",
    "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich.",
    "Съешь же ещё этих мягких французских булок.",
    "色は匂へど 散りぬるを 我が世誰ぞ 常ならむ",
] * 30


@cache
def own() -> Tokenizer:
    return train_bpe(SENTENCES, 500)


@cache
def marking() -> Tokenizer:
    """Capitals are marked."""
    return train_tokenizer(SENTENCES, 420, TextConfig(tokenizer="capitals"))


@cache
def foreign() -> Tokenizer:
    """As others train them: text is normalised, spaces are merged and a space is put in front."""
    return _trained(byte_fallback=True)


@cache
def without_bytes() -> Tokenizer:
    return _trained(byte_fallback=False)


def _trained(byte_fallback: bool) -> Tokenizer:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(SENTENCES), model_writer=model, model_type="bpe", vocab_size=420, character_coverage=0.98,
        byte_fallback=byte_fallback, pad_id=0, bos_id=BOS, eos_id=2, unk_id=3, minloglevel=2,
    )  # fmt: skip
    return BpeTokenizer(model.getvalue())


def tokenizers() -> Iterable[Tokenizer]:
    return (own(), marking(), foreign(), BytesTokenizer())


def artifact_file(folder: Path, tokenizer: Tokenizer | None = None, name: str = "model.bgz", experts: ExpertsConfig | None = None) -> Path:
    """A random model in a file."""
    tokenizer = tokenizer or own()
    path = folder / name
    artifact = replace(random_artifact(changed(vocab_size=tokenizer.vocab_size), tokenizer), experts=experts)
    path.write_bytes(write_artifact(artifact).data)
    return path
