"""Held-out documents that training has too, token for token."""

from bytegolf.auditing.overlap.held_out import HeldOut
from bytegolf.text.token_documents import DocumentBlock


class ExactCopies:
    """Collects, for each held-out document that has one, the number of its first copy in training."""

    def __init__(self, held_out: HeldOut) -> None:
        self._held_out = held_out
        self.first_copy: dict[int, int] = {}  # by held-out document
        self.copies = 0  # training documents that are copies

    def look_at(self, block: DocumentBlock) -> None:
        """Compare training documents with the held-out ones."""
        for number, tokens in block:
            if same := self._held_out.copies(tokens):
                self.copies += 1
                for held_out in same:
                    self.first_copy.setdefault(held_out, number)
