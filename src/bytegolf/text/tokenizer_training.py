"""Tokenizers trained here: SentencePiece BPE that loses nothing, the same for the same texts."""

import io
import re
from collections.abc import Iterable, Iterator

import sentencepiece

from bytegolf.config import BOS, MAX_VOCAB_SIZE, TextConfig
from bytegolf.errors import InputError
from bytegolf.text.tokenizer import NUM_SPECIALS, BpeTokenizer, CapitalsTokenizer, Tokenizer

SENTENCE_CHARACTERS = 4000


def train_tokenizer(texts: Iterable[str], vocab_size: int, config: TextConfig) -> Tokenizer:
    """Train the tokenizer that a recipe asks for: see `train_bpe`."""
    if config.tokenizer == "capitals":
        return CapitalsTokenizer(train_bpe(map(CapitalsTokenizer.casing.mark, texts), vocab_size, config.across_words))
    return train_bpe(texts, vocab_size, config.across_words)


def train_bpe(texts: Iterable[str], vocab_size: int, across_words: bool = False) -> BpeTokenizer:
    """Train a lossless BPE tokenizer of `vocab_size` pieces. The same texts give the same tokenizer, byte for byte.

    `across_words` lets pieces span words and the spaces between them (as in SuperBPE, arXiv 2503.13423).

    Raises InputError if the texts have too few pieces to fill the vocabulary, or more characters than it holds.
    """
    if not NUM_SPECIALS + 256 < vocab_size <= MAX_VOCAB_SIZE:
        raise InputError(f"vocab_size: expected {NUM_SPECIALS + 256 + 1} to {MAX_VOCAB_SIZE} for BPE, found {vocab_size}")
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=_sentences(texts), model_writer=model, model_type="bpe", vocab_size=vocab_size,
            max_sentence_length=4 * SENTENCE_CHARACTERS, character_coverage=0.999, byte_fallback=True, split_digits=True,
            split_by_whitespace=not across_words, allow_whitespace_only_pieces=True,
            normalization_rule_name="identity", add_dummy_prefix=False, remove_extra_whitespaces=False,
            pad_id=0, bos_id=BOS, eos_id=2, unk_id=3, minloglevel=2,
        )  # fmt: skip
    except RuntimeError as error:
        raise InputError(f"vocab_size: expected {_possible_sizes(str(error))}, found {vocab_size}") from None
    return BpeTokenizer(model.getvalue())


def _sentences(texts: Iterable[str]) -> Iterator[str]:
    """Yield texts in stretches that keep their line ends, so that pieces with line ends in them are learned."""
    for text in texts:
        for start in range(0, len(text), SENTENCE_CHARACTERS):
            yield text[start : start + SENTENCE_CHARACTERS]


def _possible_sizes(message: str) -> str:
    """Return what SentencePiece's trainer asks for in its error message."""
    if match := re.search(r"value <= (\d+)", message):
        return f"at most {match[1]} pieces for so little text"
    if match := re.search(r"required_chars\. \d+ vs (\d+)", message):
        return f"at least {match[1]} pieces for the characters of this text"
    return "text to train a tokenizer on"
