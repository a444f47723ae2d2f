"""The bytes that the pieces of a SentencePiece model stand for, as its own decoder has it, and whether they can be relied on."""

import string

import numpy as np
import numpy.typing as npt
import sentencepiece

from bytegolf.errors import InputError
from bytegolf.text.bytetable import ByteTable

SPACE_MARK = "\u2581"  # what SentencePiece writes for a space
UNENCODABLE = "\ufffd"  # what its decoder writes for a byte that is no UTF-8
# Between letters, and before a character that no vocabulary has, so that the space is a token of its own.
PROBES = (" ".join(string.digits + string.ascii_letters + string.punctuation), "a \U0010fffd b \U0010fffd c")


def table_of(processor: sentencepiece.SentencePieceProcessor) -> ByteTable:
    """Return the text that the model's own decoder makes of each piece, first in a document and after other text."""
    ids = range(processor.vocab_size())
    pieces = {i: bytes([int(processor.id_to_piece(i)[3:5], 16)]) for i in ids if processor.is_byte(i)}
    control = [processor.is_control(i) for i in ids]
    silent = {i for i in ids if control[i] or processor.is_unknown(i) or processor.is_unused(i)}
    texts = [i for i in ids if i not in pieces and i not in silent]
    at_start = dict(zip(texts, processor.decode([[i] for i in texts]), strict=True))
    anchor = next((i for i in texts if at_start[i]), None)
    if anchor is None:
        raise InputError("tokenizer: expected pieces of text, found none")
    after_anchor = processor.decode([[anchor, i] for i in texts])
    inside = {i: text[len(at_start[anchor]) :] for i, text in zip(texts, after_anchor, strict=True)}
    return ByteTable(
        [pieces[i] if i in pieces else inside.get(i, "").encode() for i in ids],
        [pieces[i] if i in pieces else at_start.get(i, "").encode() for i in ids],
        control,
    )


def require_no_growth(processor: sentencepiece.SentencePieceProcessor, table: ByteTable) -> None:
    """Raise InputError if the tokens of plain text stand for more bytes than it has, which would flatter every score."""
    for text in PROBES:
        decoded, size = table.decode(processor.encode(text)), len(text.encode())
        if len(decoded) > size:
            reason = ": it lacks a piece for the space and writes U+2581" if SPACE_MARK.encode() in decoded else ""
            raise InputError(f"tokenizer: expected tokens of at most the {size} bytes of a text, found {len(decoded)}{reason}")


def require_agreement(processor: sentencepiece.SentencePieceProcessor, table: ByteTable, ids: npt.NDArray[np.integer]) -> None:
    """Raise InputError unless `table` gives the text that the model's own decoder makes of documents.

    Unknown tokens and broken characters are left out of the comparison: they have no text, and decoders write a sign for them.
    """
    text = table.decode(ids).decode(errors="ignore")  # first, as it refuses ids outside the vocabulary
    control = np.array([processor.is_control(int(token)) for token in range(table.vocab_size)])
    spans = np.split(ids, np.flatnonzero(control[ids]))
    expected = "".join(processor.decode([span.tolist() for span in spans]))
    unknown = processor.decode([processor.unk_id()])
    found, wanted = (part.replace(UNENCODABLE, "").replace(unknown, "") for part in (text, expected))
    if found != wanted:
        at = next((i for i, pair in enumerate(zip(found, wanted, strict=False)) if pair[0] != pair[1]), min(len(found), len(wanted)))
        problem = f"found {found[at : at + 9]!r} for {wanted[at : at + 9]!r} at character {at}"
        raise InputError(f"tokenizer: expected the bytes of its pieces to make the text that SentencePiece decodes, {problem}")
    if found.count(SPACE_MARK) > found.count(" "):
        raise InputError("tokenizer: expected spaces in the text that the tokens stand for, found U+2581 in their place")
