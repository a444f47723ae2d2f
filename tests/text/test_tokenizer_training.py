"""Tokenizers trained here are the same for the same texts, and sizes that cannot be trained are named."""

import pytest

from bytegolf.config import TextConfig
from bytegolf.errors import InputError
from bytegolf.text.tokenizer import BpeTokenizer
from bytegolf.text.tokenizer_training import train_bpe, train_tokenizer
from support.corpora import SOURCE


def test_training_is_deterministic(bpe: BpeTokenizer) -> None:
    again = train_bpe([SOURCE], 512)
    assert again.serialised == bpe.serialised and again.sha256 == bpe.sha256
    assert (bpe.kind, bpe.name, bpe.vocab_size) == ("bpe", "bpe 512", 512)


@pytest.mark.parametrize(
    ("text", "vocab_size", "expected"),
    [
        (SOURCE, 60_000, "at most"),
        ("".join(map(chr, range(0x4E00, 0x5000))), 300, "at least"),
        (SOURCE, 260, "261 to 65536"),
        (SOURCE, 65_537, "261 to 65536"),
        ("", 512, "text to train"),
    ],
)
def test_a_vocabulary_that_cannot_be_trained(text: str, vocab_size: int, expected: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError, match=rf"vocab_size: expected .*{expected}.*, found {vocab_size}"):
        train_bpe([text], vocab_size)
    assert capfd.readouterr() == ("", "")


def test_pieces_across_words_make_fewer_tokens() -> None:
    within, across = (train_bpe([SOURCE], 512, across_words) for across_words in (False, True))
    assert len(across.encode(SOURCE)) < len(within.encode(SOURCE))
    assert across.decode(across.encode(SOURCE)) == SOURCE.encode()
    spanning = [across.decode([i]).strip() for i in range(across.vocab_size)]
    assert any(b" " in piece for piece in spanning)
    assert not any(b" " in within.decode([i]).strip() for i in range(within.vocab_size))


def test_a_word_has_the_same_pieces_however_it_is_written() -> None:
    words = ["The stone is old.", "Is the stone old?", "STONE, THE OLD STONE"] * 50
    plain, marking = (train_tokenizer(words, 290, TextConfig(tokenizer=kind)) for kind in ("bpe", "capitals"))
    assert (plain.kind, marking.kind) == ("bpe", "capitals")
    assert set(marking.encode("stone").tolist()) < set(marking.encode("STONE").tolist())
    assert len(marking.encode("THE STONE")) < len(plain.encode("THE STONE"))
    assert marking.serialised == train_tokenizer(words, 290, TextConfig(tokenizer="capitals")).serialised
