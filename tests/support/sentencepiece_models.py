"""SentencePiece models taken apart and put together: with pieces lost, or of another type."""

from collections.abc import Callable, Iterator

PIECE, TYPE = 1, 3  # field numbers: a piece of the model, the type of a piece
NORMAL, UNUSED = 1, 5
Field = tuple[int, bytes, bytes]  # its number, its value, and the whole of it


def pieces(model: bytes) -> list[str]:
    """Return the pieces of a model, in the order of their ids."""
    return [text_of(value) for number, value, _ in fields(model) if number == PIECE]


def without(model: bytes, drops: Callable[[str], bool]) -> bytes:
    """Return the model without the pieces that `drops` names; later ones get other ids."""
    return b"".join(whole for number, value, whole in fields(model) if number != PIECE or not drops(text_of(value)))


def unused(model: bytes, turns: Callable[[str], bool]) -> bytes:
    """Return the model with the pieces that `turns` names made unused; all ids stay."""
    return b"".join(
        _field(PIECE, value + bytes([TYPE << 3, UNUSED])) if number == PIECE and turns(text_of(value)) else whole
        for number, value, whole in fields(model)
    )


def text_of(piece: bytes) -> str:
    """Return the text of a piece."""
    return next(value.decode() for number, value, _ in fields(piece) if number == 1)


def fields(message: bytes) -> Iterator[Field]:
    """Yield the fields of a protocol buffer; the value of all but byte strings is empty."""
    at = 0
    while at < len(message):
        start = at
        tag, at = _number(message, at)
        value = b""
        if tag & 7 == 2:
            size, at = _number(message, at)
            value, at = message[at : at + size], at + size
        elif tag & 7 == 0:
            _, at = _number(message, at)
        else:
            at += {1: 8, 5: 4}[tag & 7]
        yield tag >> 3, value, message[start:at]


def _field(number: int, value: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + _varint(value >> 7)


def _number(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value, shift, at = value | (byte & 127) << shift, shift + 7, at + 1
        if byte < 128:
            return value, at
