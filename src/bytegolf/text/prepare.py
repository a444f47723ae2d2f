"""Documents to a data folder: decide the split, train or load the tokenizer, encode, and check that nothing is lost.

The corpus is read in passes instead of being held in memory: one decides the split and fingerprints the
text, one samples it for the tokenizer, one encodes it. The folder appears only when it is complete.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from bytegolf.config import TextConfig
from bytegolf.errors import InputError, ParameterError
from bytegolf.names import PlaceName
from bytegolf.runtime.progress import Progress, say
from bytegolf.runtime.workers import InOrder, workers
from bytegolf.storage.claim import LOCK
from bytegolf.storage.data_folder import DataFolder, DataManifest, SkippedRecords
from bytegolf.storage.files import sha256_of
from bytegolf.storage.unfinished import UnfinishedFolder
from bytegolf.text.corpus import Corpus, open_corpus
from bytegolf.text.dataset import count_bytes
from bytegolf.text.documents import Remarks
from bytegolf.text.encoded_data import DataSettings, DividedCorpus, EncodedSoFar, Tally, encode_corpus
from bytegolf.text.encoding import Encoding
from bytegolf.text.held_out_text import write_held_out_text
from bytegolf.text.shards import TokenStream
from bytegolf.text.split import Split, SplitRule, decide_split
from bytegolf.text.tokenizer import Tokenizer, load_tokenizer
from bytegolf.text.vocabulary import Vocabulary

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
    num_workers: int = 1,
    on: PlaceName | None = None,
) -> DataManifest:
    """Make the data folder `out` from the text of `sources` (see `open_corpus`) and return its manifest.

    A `tokenizer` file is used as it is. Without one the tokenizer is what `text` asks for: BPE of `vocab_size` pieces,
    trained on the training documents, or the byte vocabulary. `val_docs` holds out the first documents instead of those
    that a hash picks. With `normalised` the tokenizer may change the text; what its tokens decode to then counts as the
    text, both for numbers of bytes and in the held-out text that is kept. Records hold their text in `text_column`. With
    `skip_bad` records and files that cannot be read are left out and listed. Documents are encoded by `num_workers`, on
    this machine or `on` a Ray cluster (see `workers`), which give the same bytes whatever their number. A folder that
    already holds the same data is left as it is; what an interrupted preparation has done is not done again.

    Raises InputError for text that cannot be read or split, for a tokenizer that changes text although `normalised` is
    off or makes it longer, and for an `out` that holds something else, is damaged, or was begun with other settings.
    """
    folder, unfinished = DataFolder(out), UnfinishedFolder(out)
    existing = _existing_manifest(folder, unfinished)
    rule = SplitRule(val_docs)
    vocabulary = Vocabulary(text, vocab_size, load_tokenizer(tokenizer) if tokenizer else None)
    settings = DataSettings(str(rule), str(vocabulary), _text_of(normalised))
    begun = None if existing else EncodedSoFar.of(unfinished)
    if begun:
        begun.require_settings(settings, unfinished)
    with workers(num_workers, on) as in_order:
        remarks = Remarks(skip_bad)
        corpus = open_corpus(sources, exclude=out, text_column=text_column, remarks=remarks)
        split = _split(corpus, rule, remarks)
        if begun:
            begun.require_documents(split.corpus_sha256, unfinished)
        chosen = _tokenizer_of(begun, unfinished) if begun else vocabulary.make(corpus, split)
        preparation = _Preparation(corpus, split, chosen, normalised, remarks)
        if existing:
            _require_same(folder, existing, preparation)
            unfinished.remove()  # what is left of it if the process ended right after publishing
            say(f"{out}: already prepared, reused")
            return existing
        done = begun or EncodedSoFar(settings, split.corpus_sha256, chosen.sha256, chosen.file_name)
        return _write(unfinished, preparation, done, in_order)


class _Preparation(NamedTuple):
    """A corpus and all decisions on how to prepare it."""

    corpus: Corpus
    split: Split
    tokenizer: Tokenizer
    normalised: bool
    remarks: Remarks


def _existing_manifest(folder: DataFolder, unfinished: UnfinishedFolder) -> DataManifest | None:
    """Return the manifest of data prepared before, if any. Raises InputError if the folder holds anything else."""
    hidden = {LOCK, unfinished.root.name}
    there = folder.root.exists() and not folder.manifest_path.exists() and not unfinished.record.exists()
    if there and not (folder.root.is_dir() and all(path.name in hidden for path in folder.root.iterdir())):
        raise InputError(f"{folder.root}: expected no folder yet, an empty one or prepared data, found something else")
    return folder.manifest()


def _split(corpus: Corpus, rule: SplitRule, remarks: Remarks) -> Split:
    """Read a corpus once and return its split, after telling what became no document."""
    with Progress("read", corpus.size, "bytes") as progress:
        split = decide_split(corpus, rule, progress, remarks)
    for line in remarks.lines():
        say(line)
    return split


def _write(unfinished: UnfinishedFolder, asked: _Preparation, done: EncodedSoFar, in_order: InOrder) -> DataManifest:
    """Fill the folder from where it is `done`, let it appear, and return its manifest."""
    tokenizer = asked.tokenizer
    with unfinished.filling() as content:
        (content / tokenizer.file_name).write_bytes(tokenizer.serialised)
        encoding = Encoding(tokenizer.kind, tokenizer.serialised, asked.normalised)
        encode_corpus(DividedCorpus(asked.corpus, asked.split, encoding), done, unfinished, in_order)
        manifest = _describe(DataFolder(content), asked, done)
        DataFolder(content).write_manifest(manifest)
    return manifest


def _tokenizer_of(begun: EncodedSoFar, unfinished: UnfinishedFolder) -> Tokenizer:
    """Return the tokenizer that an interrupted preparation has used. Raises InputError if that is damaged."""
    path = unfinished.content / begun.tokenizer
    tokenizer = load_tokenizer(path)
    if tokenizer.sha256 != begun.tokenizer_sha256:
        raise InputError(f"{path}: expected the tokenizer of an unfinished preparation, found another; remove {unfinished.root}")
    return tokenizer


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


def _describe(folder: DataFolder, asked: _Preparation, done: EncodedSoFar) -> DataManifest:
    """Write the held-out text, count once more what the tokens stand for, and return the manifest to write beside it."""
    corpus, split, tokenizer, normalised, remarks = asked
    held_out = TokenStream(folder.shards("val"))
    _require_exact(count_bytes(held_out, tokenizer), done.val, tokenizer)
    val_offsets, val_bytes = write_held_out_text(folder.val_text, held_out, tokenizer)
    files = [*folder.shards("train"), *folder.shards("val"), folder.val_text, folder.root / tokenizer.file_name]
    copies = split.documents - done.train.documents - done.val.documents
    if copies:
        say(f"copies of held-out documents left out of training: {copies:,}")
    return DataManifest(
        source=corpus.source,
        corpus_sha256=split.corpus_sha256,
        split=str(split.rule),
        tokenizer=tokenizer.file_name,
        tokenizer_sha256=tokenizer.sha256,
        vocab_size=tokenizer.vocab_size,
        train_documents=done.train.documents,
        train_bytes=done.train.bytes,
        train_tokens=done.train.tokens,
        val_documents=len(val_offsets),
        val_bytes=val_bytes,
        val_tokens=done.val.tokens,
        normalised=normalised,
        copies_left_out=copies,
        val_original_bytes=done.val.original_bytes if normalised else None,
        skipped=SkippedRecords(count=remarks.num_bad, first=remarks.bad) if remarks.num_bad else None,
        val_offsets=val_offsets,
        files={path.name: sha256_of(path) for path in sorted(files)},
    )


def _require_exact(counted: int, held_out: Tally, tokenizer: Tokenizer) -> None:
    """Raise InputError unless the tokens stand for the held-out text written, and for no more bytes than the documents have.

    A text that its tokenizer made longer would lower every score over it.
    """
    if counted != held_out.bytes:
        raise InputError(f"tokenizer {tokenizer.name}: expected tokens of {held_out.bytes} held-out bytes, found {counted}")
    if counted > held_out.original_bytes:
        problem = f"expected tokens of at most the {held_out.original_bytes} bytes of the held-out documents, found {counted}"
        raise InputError(f"tokenizer {tokenizer.name}: {problem}: it makes text longer, which would flatter every score")
