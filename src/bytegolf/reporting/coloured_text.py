"""Text coloured by what each token costs."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from bytegolf.config import BOS
from bytegolf.reporting.markup import Markup, tag
from bytegolf.storage.run_records import CourseRecord
from bytegolf.text.tokenizer import Tokenizer

MOST_BYTES = 4096
LEVELS = ("under ¼ bit", "¼ to ½", "½ to 1", "1 to 2", "2 to 4", "4 to 8", "8 to 16", "16 bits or more")
GAINS = ("costs over 1 bit more", "¼ to 1 more", "within ¼ bit", "¼ to 1 saved", "1 to 4 saved", "over 4 bits saved")


class Piece(NamedTuple):
    """One or more tokens that stand for whole characters, or for none where a document begins; their bits, and by the model alone."""

    text: str
    bits: float
    bits_model: float | None


def pieces(record: CourseRecord, tokenizer: Tokenizer) -> list[Piece]:
    """Return the beginning of a scored text, piece by piece; the first one, which was given, costs nothing."""
    tokens = np.array(record.first_tokens, np.uint16)
    content, ends = tokenizer.decode(tokens), np.cumsum(tokenizer.byte_counts(tokens))
    model = record.first_bits_model
    found: list[Piece] = []
    start, bits, bits_model = 0, 0.0, None if model is None else 0.0
    for number, end in enumerate(ends.tolist()):
        if end > MOST_BYTES:
            break
        bits += record.first_bits[number - 1] if number else 0.0
        if model is not None and bits_model is not None:
            bits_model += model[number - 1] if number else 0.0
        try:
            text = content[start:end].decode()
        except UnicodeDecodeError:  # the rest of the character is in the next token
            continue
        if not text and tokens[number] != BOS:  # a mark, which costs what it marks more
            continue
        found.append(Piece(text, bits, bits_model))
        start, bits, bits_model = end, 0.0, None if model is None else 0.0
    return found


def draw_text(shown: Sequence[Piece]) -> Markup:
    """Return the text as HTML, with what each piece costs by its classes and when it is pointed at."""
    return tag("div", *(_piece(piece) for piece in shown), class_="text", tabindex=0)


def draw_scale(names: Sequence[str], prefix: str) -> Markup:
    """Return what the colours stand for."""
    return tag("ul", *(tag("li", tag("i", class_=f"{prefix}{level}"), name) for level, name in enumerate(names)), class_=f"scale {prefix}")


def level(bits: float) -> int:
    """Return the number of a cost in `LEVELS`, which double."""
    return 0 if bits < 0.25 else min(len(LEVELS) - 1, math.floor(math.log2(bits)) + 3)


def gain_level(saved: float) -> int:
    """Return the number of a saving in `GAINS`."""
    return sum(saved >= bound for bound in (-1.0, -0.25, 0.25, 1.0, 4.0))


def _piece(piece: Piece) -> Markup:
    alone = piece.bits if piece.bits_model is None else piece.bits_model
    kinds = f"m{level(alone)} x{level(piece.bits)} g{gain_level(alone - piece.bits)}"
    costs = f"{piece.bits:.2f} bits" if piece.bits_model is None else f"{piece.bits:.2f} bits with experts, {alone:.2f} by the model alone"
    if not piece.text:
        return tag("i", "document begins", class_=f"begin {kinds}", data_tip=costs)
    return tag("i", piece.text, class_=kinds, data_tip=f"{piece.text!r}: {costs}")
