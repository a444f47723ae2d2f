"""A corpus encoded into shards, by any number of workers and with the same bytes for any, and continued where it was interrupted.

From time to time the shards are put on disk, and after that a record of how much of the corpus they hold. What a killed
process wrote later is cut off by the next one, which reads the corpus up to there without encoding it.
"""

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path

from bytegolf.errors import InputError, ParameterError
from bytegolf.runtime.progress import Progress
from bytegolf.runtime.workers import InOrder
from bytegolf.storage.data_folder import TokenizerFile
from bytegolf.storage.files import write_json
from bytegolf.storage.records import Count, read_record
from bytegolf.storage.unfinished import UnfinishedFolder
from bytegolf.text.corpus import Corpus
from bytegolf.text.documents import Document
from bytegolf.text.encoding import EncodedPart, Encoding, batches, encode_batch
from bytegolf.text.shards import MAX_SHARD_TOKENS, ShardWriter
from bytegolf.text.split import Fingerprint, Split

KEEP_SECONDS = 30.0  # between two records: the most work that an interruption can cost


@dataclass(frozen=True)
class DataSettings:
    """What decides the bytes of a data folder, besides its documents."""

    split: str
    vocabulary: str
    text: str


@dataclass
class Tally:
    """The documents, bytes and tokens written of one split. Original bytes are those of the documents before a tokenizer changed them."""

    documents: Count = 0
    bytes: Count = 0
    original_bytes: Count = 0
    tokens: Count = 0

    def add(self, part: EncodedPart) -> None:
        """Count what is written of a batch."""
        self.documents += part.documents
        self.bytes += part.bytes
        self.original_bytes += part.original_bytes
        self.tokens += len(part.tokens)


@dataclass
class EncodedSoFar:
    """How much of a corpus is encoded: the record of an unfinished preparation. `read` counts the corpus's bytes on disk."""

    settings: DataSettings
    corpus_sha256: str
    tokenizer_sha256: str
    tokenizer: TokenizerFile
    read: Count = 0
    train: Tally = field(default_factory=Tally)
    val: Tally = field(default_factory=Tally)

    @classmethod
    def of(cls, unfinished: UnfinishedFolder) -> "EncodedSoFar | None":
        """Return the record of an interrupted preparation, if there is one. Raises InputError if it is damaged."""
        if not unfinished.record.exists():
            return None
        return read_record(unfinished.record, cls, f"the record of an unfinished preparation (or remove {unfinished.root})")

    def require_settings(self, asked: DataSettings, unfinished: UnfinishedFolder) -> None:
        """Raise ParameterError unless the preparation was begun with the settings asked for."""
        held = asdict(self.settings)
        for what, wanted in asdict(asked).items():
            if wanted != held[what]:
                raise _begun_otherwise(what, wanted, held[what], unfinished)

    def require_documents(self, corpus_sha256: str, unfinished: UnfinishedFolder) -> None:
        """Raise ParameterError unless the preparation was begun with these documents."""
        if corpus_sha256 != self.corpus_sha256:
            raise _begun_otherwise("documents", corpus_sha256[:24], self.corpus_sha256[:24], unfinished)


@dataclass(frozen=True)
class DividedCorpus:
    """A corpus, how it is split, and how it is encoded."""

    corpus: Corpus
    split: Split
    encoding: Encoding


def encode_corpus(divided: DividedCorpus, done: EncodedSoFar, unfinished: UnfinishedFolder, in_order: InOrder) -> None:
    """Write the rest of the shards into the unfinished folder, and bring `done` up to date.

    Raises InputError for a document that does not decode to itself, and for a corpus that changed since it was split.
    """
    fingerprint, place = Fingerprint(), _Place()
    documents = divided.split.divide(fingerprint.over(divided.corpus.read(place)))
    kept = time.monotonic()
    with (
        ShardWriter(unfinished.content, "train", MAX_SHARD_TOKENS, tokens=done.train.tokens) as train,
        ShardWriter(unfinished.content, "val", MAX_SHARD_TOKENS, tokens=done.val.tokens) as val,
    ):
        _pass_over(documents, done, place)
        with Progress("encode", divided.corpus.size, "bytes", done.read) as progress:
            for encoded in in_order(encode_batch, batches(documents, divided.encoding, lambda: place.read)):
                for part, shards, tally in ((encoded.train, train, done.train), (encoded.val, val, done.val)):
                    shards.write(part.tokens)
                    tally.add(part)
                done.read = encoded.read
                progress.advance(encoded.read - progress.done)
                if time.monotonic() - kept >= KEEP_SECONDS:
                    _keep(done, unfinished.record, train, val)
                    kept = time.monotonic()
    if fingerprint.hexdigest() != divided.split.corpus_sha256:
        raise InputError(f"{divided.corpus.source}: expected the same documents in every pass, found them changed meanwhile")


@dataclass
class _Place:
    """Where the reader of a corpus is, in bytes read from disk."""

    read: int = 0

    def advance(self, amount: int) -> None:
        """Note that so much more was read."""
        self.read += amount


def _pass_over(documents: Iterator[tuple[Document, bool]], done: EncodedSoFar, place: _Place) -> None:
    """Read the documents that are encoded already."""
    encoded = done.train.documents + done.val.documents
    if encoded:
        with Progress("read what is encoded already", done.read, "bytes") as progress:
            for _ in islice(documents, encoded):
                progress.advance(place.read - progress.done)


def _keep(done: EncodedSoFar, record: Path, *shards: ShardWriter) -> None:
    """Put the shards on disk, and only then the record of them."""
    for writer in shards:
        writer.sync()
    write_json(record, asdict(done))


def _begun_otherwise(what: str, wanted: str, held: str, unfinished: UnfinishedFolder) -> ParameterError:
    problem = f"expected the {what} of the preparation that was interrupted there ({held}), found others ({wanted})"
    return ParameterError("out", f"{problem}; repeat that command, choose another folder, or remove {unfinished.root}")
