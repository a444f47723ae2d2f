"""Turn documents into a data folder: split, train or load the tokenizer, encode, and check that nothing is lost.

The corpus is read in several passes instead of being held in memory: one decides the split and hashes the text, one
samples text for the tokenizer, one encodes. The folder appears only when it is complete.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import zstandard

from bytegolf.arrays import Tokens
from bytegolf.config import BOS, TextConfig
from bytegolf.errors import InputError
from bytegolf.runtime.progress import Progress, say
from bytegolf.storage.data_folder import DataFolder, DataManifest
from bytegolf.storage.files import atomic_folder, sha256_of, write_json
from bytegolf.text.corpus import Corpus, Document, open_corpus
from bytegolf.text.dataset import count_bytes
from bytegolf.text.shards import ShardWriter, TokenStream
from bytegolf.text.split import Fingerprint, SplitRule, Survey, survey
from bytegolf.text.tokenizer import BytesTokenizer, Tokenizer, load_tokenizer, train_bpe

SAMPLE_BYTES = 100_000_000  # bytes of text to train a tokenizer on
BATCH_DOCUMENTS, BATCH_CHARACTERS = 1000, 4_000_000  # encoded at a time
ZSTD_LEVEL = 10
PLAIN_BPE = TextConfig()


def prepare(
    sources: Sequence[str],
    out: Path,
    *,
    text: TextConfig = PLAIN_BPE,
    vocab_size: int = 1024,
    tokenizer: Path | None = None,
    val_docs: int | None = None,
    normalised: bool = False,
) -> DataManifest:
    """Make the data folder `out` from `sources` (see `open_corpus`) and return its manifest.

    A `tokenizer` file is used as it is; otherwise `text` decides: BPE with `vocab_size` pieces, trained on the training
    documents, or the byte vocabulary. `val_docs` holds out the first documents instead of a choice by hash. With
    `normalised`, the tokenizer may change the text; bytes are then counted on the decoded text, which is also what is
    stored as the held-out text. A folder that already holds the same data is left unchanged.

    Raises InputError for text that cannot be read or split, a tokenizer that changes text without `normalised`, and an
    `out` that holds something else.
    """
    folder = DataFolder(out)
    existing = _existing(folder)
    rule = SplitRule(val_docs)
    corpus = open_corpus(sources, exclude=out)
    with Progress("read", corpus.size, "bytes") as progress:
        found = survey(corpus, rule, progress)
    chosen = load_tokenizer(tokenizer) if tokenizer else _tokenizer(corpus, found, text, vocab_size)
    if existing:
        _require_same(folder, existing, found, chosen, normalised)
        say(f"{out}: already prepared, reused")
        return existing
    with atomic_folder(out) as partial:
        manifest = _write(DataFolder(partial), corpus, found, chosen, normalised)
        write_json(DataFolder(partial).manifest_path, manifest.model_dump())
    return manifest


def _existing(folder: DataFolder) -> DataManifest | None:
    """Return the manifest of earlier prepared data, or None. Raises InputError if the folder holds anything else."""
    if folder.root.exists() and not (folder.root.is_dir() and (folder.manifest_path.exists() or not any(folder.root.iterdir()))):
        raise InputError(f"{folder.root}: expected no folder yet, an empty one or prepared data, found something else")
    return folder.manifest()


def _require_same(folder: DataFolder, existing: DataManifest, found: Survey, tokenizer: Tokenizer, normalised: bool) -> None:
    for what, asked, held in (
        ("documents", found.corpus_sha256, existing.corpus_sha256),
        ("split", str(found.rule), existing.split),
        ("tokenizer", tokenizer.sha256, existing.tokenizer_sha256),
        ("text", _text_of(normalised), _text_of(existing.normalised)),
    ):
        if asked != held:
            raise InputError(f"{folder.root}: expected the {what} asked for ({asked[:24]}), found others ({held[:24]}); give another --out")
    if damaged := folder.damaged(existing):
        raise InputError(f"{folder.root / damaged}: expected the file as prepared, found it damaged or gone; remove the folder")


def _text_of(normalised: bool) -> str:
    return "normalised by its tokenizer" if normalised else "exactly as given"


def _tokenizer(corpus: Corpus, found: Survey, text: TextConfig, vocab_size: int) -> Tokenizer:
    if text.tokenizer == "bytes":
        return BytesTokenizer()
    say(f"tokenizer: training BPE {vocab_size}")
    every = -(-found.train_bytes // SAMPLE_BYTES)
    texts = (document.text for document, held_out in found.divide(corpus) if not held_out)
    return train_bpe(islice(texts, 0, None, every), vocab_size, text.across_words)


@dataclass
class _Tally:
    documents: int = 0
    bytes: int = 0


def _write(folder: DataFolder, corpus: Corpus, found: Survey, tokenizer: Tokenizer, normalised: bool) -> DataManifest:
    """Encode the corpus into `folder` and return its manifest."""
    tallies = {True: _Tally(), False: _Tally()}
    val_offsets: list[int] = []
    fingerprint = Fingerprint()
    with (
        ShardWriter(folder.root, "train") as train,
        ShardWriter(folder.root, "val") as val,
        folder.val_text.open("wb") as compressed,
        zstandard.ZstdCompressor(level=ZSTD_LEVEL).stream_writer(compressed) as val_text,
        Progress("encode", corpus.size, "bytes") as progress,
    ):
        divided = found.divide(fingerprint.over(corpus.read(progress)))
        for held_out, text, tokens in _encode(divided, tokenizer, normalised):
            tally = tallies[held_out]
            if held_out:
                val_offsets.append(tally.bytes)
                val_text.write(text)
            (val if held_out else train).write(np.concatenate(([BOS], tokens)))
            tally.documents += 1
            tally.bytes += len(text)
    if fingerprint.hexdigest() != found.corpus_sha256:
        raise InputError(f"{corpus.source}: expected the same documents in every pass, found them changed meanwhile")
    counted = count_bytes(TokenStream(folder.shards("val")), tokenizer)
    if counted != tallies[True].bytes:
        raise InputError(f"tokenizer {tokenizer.name}: expected tokens of {tallies[True].bytes} held-out bytes, found {counted}")
    (folder.root / tokenizer.file_name).write_bytes(tokenizer.serialised)
    return DataManifest(
        source=corpus.source,
        corpus_sha256=found.corpus_sha256,
        split=str(found.rule),
        tokenizer=tokenizer.file_name,
        tokenizer_sha256=tokenizer.sha256,
        vocab_size=tokenizer.vocab_size,
        train_documents=tallies[False].documents,
        train_bytes=tallies[False].bytes,
        train_tokens=train.tokens,
        val_documents=tallies[True].documents,
        val_bytes=tallies[True].bytes,
        val_tokens=val.tokens,
        normalised=normalised,
        val_offsets=val_offsets,
        files={path.name: sha256_of(path) for path in sorted(folder.root.iterdir())},
    )


def _encode(divided: Iterable[tuple[Document, bool]], tokenizer: Tokenizer, normalised: bool) -> Iterator[tuple[bool, bytes, Tokens]]:
    """Yield (held out, UTF-8 text that the tokens decode to, tokens) for each document.

    Raises InputError for a document that does not decode to itself, unless `normalised`.
    """
    for batch in _batches(divided):
        encoded = tokenizer.encode_batch([document.text for document, _ in batch], normalised)
        for (document, held_out), tokens in zip(batch, encoded, strict=True):
            text = tokenizer.decode(tokens)
            if not normalised and text != document.text.encode():
                raise InputError(f"{document.name}: {_difference(document.text, text, tokenizer)}")
            yield held_out, text, tokens


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
    other = decoded.decode(errors="replace")
    at = next((i for i, (a, b) in enumerate(zip(text, other, strict=False)) if a != b), min(len(text), len(other)))
    return (
        f"expected tokenizer {tokenizer.name} to give the text back unchanged, "
        f"found {other[at : at + 1]!r} instead of {text[at : at + 1]!r} at character {at}; "
        "--normalised keeps the text as the tokenizer changes it"
    )
