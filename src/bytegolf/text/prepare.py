"""Documents to a data folder: decide the split, train or load the tokenizer, encode, and check that nothing is lost.

The corpus is read in passes instead of being held in memory: one decides the split and fingerprints the
text, one samples it for the tokenizer, one encodes it. The folder appears only when it is complete.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import zstandard

from bytegolf.arrays import Tokens
from bytegolf.config import BOS, TextConfig
from bytegolf.errors import InputError, ParameterError
from bytegolf.runtime.progress import Progress, say
from bytegolf.storage.claim import LOCK
from bytegolf.storage.data_folder import DataFolder, DataManifest, SkippedRecords
from bytegolf.storage.files import atomic_folder, sha256_of
from bytegolf.text.corpus import Corpus, open_corpus
from bytegolf.text.dataset import count_bytes
from bytegolf.text.documents import Document, Remarks
from bytegolf.text.shards import ShardWriter, TokenStream
from bytegolf.text.split import Fingerprint, Split, SplitRule, decide_split
from bytegolf.text.tokenizer import BytesTokenizer, Tokenizer, load_tokenizer
from bytegolf.text.tokenizer_training import train_bpe

SAMPLE_BYTES = 100_000_000  # of text that a tokenizer is trained on
BATCH_DOCUMENTS, BATCH_CHARACTERS = 1000, 4_000_000  # encoded at once
ZSTD_LEVEL = 10
PLAIN_BPE = TextConfig()


def prepare_text(
    sources: Sequence[str],
    out: Path,
    *,
    text: TextConfig = PLAIN_BPE,
    vocab_size: int = 1024,
    tokenizer: Path | None = None,
    val_docs: int | None = None,
    normalised: bool = False,
    text_column: str | None = None,
    skip_bad: bool = False,
) -> DataManifest:
    """Make the data folder `out` from the text of `sources` (see `open_corpus`) and return its manifest.

    A `tokenizer` file is used as it is. Without one the tokenizer is what `text` asks for: BPE of `vocab_size` pieces,
    trained on the training documents, or the byte vocabulary. `val_docs` holds out the first documents instead of those
    that a hash picks. With `normalised` the tokenizer may change the text; what its tokens decode to then counts as the
    text, both for numbers of bytes and in the held-out text that is kept. Records hold their text in `text_column`. With
    `skip_bad` records and files that cannot be read are left out and listed. A folder that already holds the same data
    is left as it is.

    Raises InputError for text that cannot be read or split, for a tokenizer that changes text although `normalised` is
    off or makes it longer, and for an `out` that holds something else or is damaged.
    """
    folder = DataFolder(out)
    existing = _existing_manifest(folder)
    rule = SplitRule(val_docs)
    given = load_tokenizer(tokenizer) if tokenizer else None
    remarks = Remarks(skip_bad)
    corpus = open_corpus(sources, exclude=out, text_column=text_column, remarks=remarks)
    with Progress("read", corpus.size, "bytes") as progress:
        split = decide_split(corpus, rule, progress, remarks)
    for line in remarks.lines():
        say(line)
    chosen = given or _make_tokenizer(corpus, split, text, vocab_size)
    preparation = _Preparation(corpus, split, chosen, normalised, remarks)
    if existing:
        _require_same(folder, existing, preparation)
        say(f"{out}: already prepared, reused")
        return existing
    with atomic_folder(out) as partial:
        manifest = _write(DataFolder(partial), preparation)
        DataFolder(partial).write_manifest(manifest)
    return manifest


class _Preparation(NamedTuple):
    """A corpus and all decisions on how to prepare it."""

    corpus: Corpus
    split: Split
    tokenizer: Tokenizer
    normalised: bool
    remarks: Remarks


class _Encoded(NamedTuple):
    """A document's tokens without BOS, the UTF-8 text that they decode to, and the number of bytes of the document itself."""

    held_out: bool
    text: bytes
    tokens: Tokens
    original_bytes: int


@dataclass
class _Tally:
    """The documents and bytes written of one split."""

    documents: int = 0
    bytes: int = 0
    original_bytes: int = 0


def _existing_manifest(folder: DataFolder) -> DataManifest | None:
    """Return the manifest of data prepared before, if any. Raises InputError if the folder holds anything else."""
    there = folder.root.exists() and not folder.manifest_path.exists()
    if there and not (folder.root.is_dir() and all(path.name == LOCK for path in folder.root.iterdir())):
        raise InputError(f"{folder.root}: expected no folder yet, an empty one or prepared data, found something else")
    return folder.manifest()


def _require_same(folder: DataFolder, existing: DataManifest, asked: _Preparation) -> None:
    """Raise InputError unless the folder holds, undamaged, what is asked for."""
    for what, wanted, held in (
        ("documents", asked.split.corpus_sha256, existing.corpus_sha256),
        ("split", str(asked.split.rule), existing.split),
        ("tokenizer", asked.tokenizer.sha256, existing.tokenizer_sha256),
        ("text", _text_of(asked.normalised), _text_of(existing.normalised)),
    ):
        if wanted != held:
            problem = f"expected {folder.root} to hold the {what} asked for ({wanted[:24]}), found others ({held[:24]})"
            raise ParameterError("out", f"{problem}; choose another folder")
    if damaged := folder.damaged(existing):
        raise InputError(f"{folder.root / damaged}: expected the file as prepared, found it damaged or gone; remove the folder")


def _text_of(normalised: bool) -> str:
    return "normalised by its tokenizer" if normalised else "exactly as given"


def _make_tokenizer(corpus: Corpus, split: Split, text: TextConfig, vocab_size: int) -> Tokenizer:
    """Return the byte tokenizer, or one trained on an even sample of the training documents."""
    if text.tokenizer == "bytes":
        return BytesTokenizer()
    say(f"tokenizer: training BPE {vocab_size}")
    one_in = -(-split.train_bytes // SAMPLE_BYTES)
    texts = (document.text for document, held_out in split.divide(corpus) if not held_out)
    return train_bpe(islice(texts, 0, None, one_in), vocab_size, text.across_words)


def _write(folder: DataFolder, asked: _Preparation) -> DataManifest:
    """Encode the corpus into `folder` and return the manifest to write beside it."""
    corpus, split, tokenizer, normalised, remarks = asked
    train_tally, val_tally, val_offsets = _Tally(), _Tally(), list[int]()
    fingerprint = Fingerprint()
    with (
        ShardWriter(folder.root, "train") as train,
        ShardWriter(folder.root, "val") as val,
        folder.val_text.open("wb") as compressed,
        zstandard.ZstdCompressor(level=ZSTD_LEVEL).stream_writer(compressed) as val_text,
        Progress("encode", corpus.size, "bytes") as progress,
    ):
        divided = split.divide(fingerprint.over(corpus.read(progress)))
        for held_out, text, tokens, original_bytes in _encode(divided, tokenizer, normalised):
            shards, tally = (val, val_tally) if held_out else (train, train_tally)
            if held_out:
                val_offsets.append(tally.bytes)
                val_text.write(text)
            shards.write(np.concatenate(([BOS], tokens)))
            tally.documents += 1
            tally.bytes += len(text)
            tally.original_bytes += original_bytes
    if fingerprint.hexdigest() != split.corpus_sha256:
        raise InputError(f"{corpus.source}: expected the same documents in every pass, found them changed meanwhile")
    _require_exact(count_bytes(TokenStream(folder.shards("val")), tokenizer), val_tally, tokenizer)
    copies = split.documents - train_tally.documents - val_tally.documents
    if copies:
        say(f"copies of held-out documents left out of training: {copies:,}")
    (folder.root / tokenizer.file_name).write_bytes(tokenizer.serialised)
    return DataManifest(
        source=corpus.source,
        corpus_sha256=split.corpus_sha256,
        split=str(split.rule),
        tokenizer=tokenizer.file_name,
        tokenizer_sha256=tokenizer.sha256,
        vocab_size=tokenizer.vocab_size,
        train_documents=train_tally.documents,
        train_bytes=train_tally.bytes,
        train_tokens=train.tokens,
        val_documents=val_tally.documents,
        val_bytes=val_tally.bytes,
        val_tokens=val.tokens,
        normalised=normalised,
        copies_left_out=copies,
        val_original_bytes=val_tally.original_bytes if normalised else None,
        skipped=SkippedRecords(count=remarks.num_bad, first=remarks.bad) if remarks.num_bad else None,
        val_offsets=val_offsets,
        files={path.name: sha256_of(path) for path in sorted(folder.root.iterdir())},
    )


def _require_exact(counted: int, held_out: _Tally, tokenizer: Tokenizer) -> None:
    """Raise InputError unless the tokens stand for the held-out text written, and for no more bytes than the documents have.

    A text that its tokenizer made longer would lower every score over it.
    """
    if counted != held_out.bytes:
        raise InputError(f"tokenizer {tokenizer.name}: expected tokens of {held_out.bytes} held-out bytes, found {counted}")
    if counted > held_out.original_bytes:
        problem = f"expected tokens of at most the {held_out.original_bytes} bytes of the held-out documents, found {counted}"
        raise InputError(f"tokenizer {tokenizer.name}: {problem}: it makes text longer, which would flatter every score")


def _encode(divided: Iterable[tuple[Document, bool]], tokenizer: Tokenizer, normalised: bool) -> Iterator[_Encoded]:
    """Yield every document encoded. Raises InputError for one that does not decode to itself, unless `normalised`."""
    for batch in _batches(divided):
        encoded = tokenizer.encode_batch([document.text for document, _ in batch], normalised)
        for (document, held_out), tokens in zip(batch, encoded, strict=True):
            text, original = tokenizer.decode(tokens), document.text.encode()
            if not normalised and text != original:
                raise InputError(f"{document.name}: {_difference(document.text, text, tokenizer)}")
            yield _Encoded(held_out, text, tokens, len(original))


def _batches(divided: Iterable[tuple[Document, bool]]) -> Iterator[list[tuple[Document, bool]]]:
    batch: list[tuple[Document, bool]] = []
    characters = 0
    for document, held_out in divided:
        batch.append((document, held_out))
        characters += len(document.text)
        if len(batch) == BATCH_DOCUMENTS or characters >= BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def _difference(text: str, decoded: bytes, tokenizer: Tokenizer) -> str:
    """Return a sentence about the first character at which the decoded text differs."""
    other = decoded.decode(errors="replace")
    at = next((i for i, (a, b) in enumerate(zip(text, other, strict=False)) if a != b), min(len(text), len(other)))
    return (
        f"expected tokenizer {tokenizer.name} to give the text back unchanged, "
        f"found {other[at : at + 1]!r} instead of {text[at : at + 1]!r} at character {at}; "
        "the option normalised keeps text as its tokenizer changes it"
    )
