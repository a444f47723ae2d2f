"""The split into training and held-out documents, and the first pass over a corpus, which decides it.

By default about one document in twenty is held out, by a hash of its key: the choice needs no random seed, and
stays the same when other documents come or go. Exact copies of held-out documents leave training.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bytegolf.errors import InputError, ParameterError
from bytegolf.runtime.progress import Progress
from bytegolf.text.corpus import Corpus
from bytegolf.text.digests import Digests
from bytegolf.text.documents import Document, Remarks

HELD_OUT_ONE_IN = 20
DIGEST_BYTES = 32


@dataclass(frozen=True)
class SplitRule:
    """Hold out documents by hash, or the first `val_docs` documents."""

    val_docs: int | None = None

    def __post_init__(self) -> None:
        if self.val_docs is not None and self.val_docs < 1:
            raise ParameterError("val_docs", f"expected at least 1 document, found {self.val_docs}")

    def __str__(self) -> str:
        return f"sha256(key) % {HELD_OUT_ONE_IN} == 0" if self.val_docs is None else f"first {self.val_docs} documents"

    def holds_out(self, index: int, document: Document) -> bool:
        """Return whether `document`, number `index` of its corpus, is held out."""
        if self.val_docs is not None:
            return index < self.val_docs
        return int.from_bytes(_digest(document.key)) % HELD_OUT_ONE_IN == 0


@dataclass(frozen=True)
class Split:
    """A decided split: all that later passes over the corpus need to tell training and held-out documents apart."""

    rule: SplitRule
    corpus_sha256: str
    documents: int
    train_bytes: int  # includes copies of held-out documents
    held_out: Digests  # of the held-out texts

    def divide(self, documents: Iterable[Document]) -> Iterator[tuple[Document, bool]]:
        """Yield (document, whether it is held out) in order, leaving out copies of held-out documents."""
        for index, document in enumerate(documents):
            if self.rule.holds_out(index, document):
                yield document, True
            elif _digest(document.text) not in self.held_out:
                yield document, False


class Fingerprint:
    """A SHA-256 over the names and texts of the documents that pass through it."""

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()

    def over(self, documents: Iterable[Document]) -> Iterator[Document]:
        """Yield the same documents, and add each to the hash."""
        for document in documents:
            for part in (_encode(document.name), _encode(document.text)):
                self._sha256.update(len(part).to_bytes(8))  # so that no other division into documents has this hash
                self._sha256.update(part)
            yield document

    def hexdigest(self) -> str:
        """Return the hash of all documents so far, in hexadecimal."""
        return self._sha256.hexdigest()


def decide_split(corpus: Corpus, rule: SplitRule, progress: Progress | None = None, remarks: Remarks | None = None) -> Split:
    """Read the corpus once and return its split by `rule`. What becomes no document is entered in `remarks`.

    Raises InputError unless there are documents both to hold out and to train on.
    """
    fingerprint, held_out, train_bytes, count = Fingerprint(), bytearray(), 0, 0
    for index, document in enumerate(fingerprint.over(corpus.read(progress, remarks))):
        count += 1
        if rule.holds_out(index, document):
            held_out += _digest(document.text)
        else:
            train_bytes += len(_encode(document.text))
    if count == 0:
        raise InputError(f"{corpus.source}: expected at least one document with text, found none")
    remedy = "choose how many of the first documents to hold out (val_docs)"
    if not held_out:
        raise InputError(f"{corpus.source}: expected documents to hold out, found none of {count} with {rule}; {remedy}")
    split = Split(rule, fingerprint.hexdigest(), count, train_bytes, Digests(held_out, DIGEST_BYTES))
    if all(is_held_out for _, is_held_out in split.divide(corpus)):  # reads up to the first training document
        raise InputError(f"{corpus.source}: expected documents to train on, found all {count} held out by {rule}; {remedy}")
    return split


def _digest(text: str) -> bytes:
    return hashlib.sha256(_encode(text)).digest()


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")  # file names may hold bytes that are not UTF-8
