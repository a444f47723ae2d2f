"""How the pieces of a vocabulary write capitals: as they are, or as a mark before a small letter.

With marks one piece serves a word however it is written: "The USA" is a mark, "the", another mark, " usa". It is the case transform
of the contest's entries (#1729) over the letters of ASCII, whose capitals are as long as what they become. A mark stands for no byte
and every other byte for one, so that bytes are counted token by token. It comes before the space before a word, to keep the two together.
"""

import re

SHIFT, CAPS, ESCAPE = "\x0e", "\x0f", "\x10"  # the next letter, or all letters of the next word, are capitals; a mark in the text itself

_TO_MARK = re.compile(rf"( ?)(?<![A-Za-z])([A-Z]{{2,}})(?![A-Za-z])|( ?)([A-Z])|([{SHIFT}{CAPS}{ESCAPE}])")
_MARKED = re.compile(rb"\x0e( ?[a-z])|\x0f( ?[a-z]+)|\x10([0-2])|[\x0e-\x10]")
_UNSETTLED = re.compile(rb"(?:\x0e ?|\x0f ?[a-z]*|\x10)\Z")  # an end on which the meaning of what follows depends


class Casing:
    """Capitals as capitals. `unmark` gives back what `mark` was given, whatever it was."""

    marks = b""  # the bytes that stand for none

    def mark(self, text: str) -> str:
        """Return text as it is written."""
        return text

    def unmark(self, data: bytes) -> bytes:
        """Return the text of any written bytes. What a beginning stands for does not depend on what follows it."""
        return data


class Marked(Casing):
    """Capitals as marks before small letters. Marks that mark nothing, as a model may write them, are left out."""

    marks = (SHIFT + CAPS + ESCAPE).encode()

    def mark(self, text: str) -> str:
        """See `Casing`."""
        return _TO_MARK.sub(_marked, text)

    def unmark(self, data: bytes) -> bytes:
        """See `Casing`."""
        return _MARKED.sub(_unmarked, data)


class CasingReader:
    """Unmarks bytes as they come."""

    def __init__(self, casing: Casing) -> None:
        self.casing = casing
        self._unsettled = b""

    def read(self, data: bytes) -> bytes:
        """Return what the next written bytes stand for."""
        known = len(self.casing.unmark(self._unsettled))
        written = self._unsettled + data
        unsettled = _UNSETTLED.search(written) if self.casing.marks else None
        self._unsettled = unsettled[0] if unsettled else b""
        return self.casing.unmark(written)[known:]


def _marked(found: re.Match[str]) -> str:
    space, word, gap, letter, mark = found.groups()
    if mark:
        return ESCAPE + str((SHIFT + CAPS + ESCAPE).index(mark))
    return CAPS + space + word.lower() if word else SHIFT + gap + letter.lower()


def _unmarked(found: re.Match[bytes]) -> bytes:
    letter, word, mark = found.groups()
    return Marked.marks[int(mark) :][:1] if mark else (letter or word or b"").upper()
