"""Text in pieces that cost what their tokens cost."""

import pytest

from bytegolf.config import BOS, TextConfig
from bytegolf.reporting.coloured_text import GAINS, LEVELS, MOST_BYTES, draw_text, gain_level, level, pieces
from bytegolf.text.tokenizer import BytesTokenizer
from bytegolf.text.tokenizer_training import train_tokenizer
from support.corpora import SOURCE
from support.reports import TEXT, ParsedPage, a_course


def test_pieces_are_the_text_and_its_bits() -> None:
    """Two bytes are one character: their bits are added. The given token, which begins the document, costs nothing."""
    course = a_course()
    found = pieces(course, BytesTokenizer())
    assert "".join(piece.text for piece in found) == TEXT and found[0].text == "" and found[0].bits == 0
    assert sum(piece.bits for piece in found) == pytest.approx(sum(course.first_bits))
    accented = next(piece for piece in found if piece.text == "é")
    assert accented.bits == course.first_bits[1] + course.first_bits[2] and accented.bits_model == 2 * accented.bits


def test_a_mark_costs_its_word_more() -> None:
    tokenizer = train_tokenizer([SOURCE], 400, TextConfig(tokenizer="capitals"))
    tokens = [BOS, *tokenizer.encode("A\x0e").tolist(), BOS]
    course = a_course(experts=False).model_copy(update={"first_tokens": tokens, "first_bits": [1.0] * (len(tokens) - 1)})
    found = pieces(course, tokenizer)
    assert [piece.text for piece in found] == ["", "A", "\x0e", ""]
    assert sum(piece.bits for piece in found) == len(tokens) - 1 and found[1].bits > 1


def test_a_page_of_text_and_no_more() -> None:
    found = pieces(a_course("x" * 5000), BytesTokenizer())
    assert len("".join(piece.text for piece in found)) == MOST_BYTES


def test_without_experts_there_is_one_cost() -> None:
    found = pieces(a_course(experts=False), BytesTokenizer())
    assert all(piece.bits_model is None for piece in found)
    assert "by the model alone" not in draw_text(found)


def test_costs_and_savings_have_levels() -> None:
    assert [level(bits) for bits in (0, 0.24, 0.25, 0.5, 1, 2, 4, 8, 16, 1000)] == [0, 0, 1, 2, 3, 4, 5, 6, 7, 7]
    assert level(1000) == len(LEVELS) - 1
    assert [gain_level(saved) for saved in (-2, -0.5, 0, 0.5, 2, 5)] == list(range(len(GAINS)))


def test_each_piece_says_what_it_costs() -> None:
    page = ParsedPage(draw_text(pieces(a_course("ab"), BytesTokenizer())))
    tips = [attributes["data-tip"] for name, attributes in page.tags if name == "i"]
    assert tips == [
        "0.00 bits with experts, 0.00 by the model alone",
        "'a': 0.00 bits with experts, 0.00 by the model alone",
        "'b': 1.00 bits with experts, 2.00 by the model alone",
    ]
    assert page.having("m4") and page.having("x3") and page.having("g4"), "2 bits, 1 bit, 1 bit saved"
