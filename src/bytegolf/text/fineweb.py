"""Fetch published contest shards into a data folder, check them, and reconstruct the held-out text.

The published tokenizer normalises text (NFKC, runs of spaces), so the original documents cannot be recovered from the
shards: bytes are counted on the decoded tokens, and the decoded text is stored as the held-out text.
Files are collected in a hidden folder inside the data folder, so that an interrupted fetch can continue and an
incomplete folder is never used. The manifest is written first and the files it lists are moved in afterwards; a folder
that lacks one of them is refused.
"""

import hashlib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import zstandard

from bytegolf.arrays import Tokens
from bytegolf.config import BOS
from bytegolf.errors import InputError
from bytegolf.runtime.progress import Progress, say
from bytegolf.storage.data_folder import DataFolder, DataManifest
from bytegolf.storage.files import sha256_of, write_json
from bytegolf.text.dataset import count_bytes
from bytegolf.text.hub import Hub, HubFile, HubPlace
from bytegolf.text.prepare import ZSTD_LEVEL
from bytegolf.text.published import DOCUMENTS, MANIFEST, Variant, choose_variant
from bytegolf.text.shards import TokenStream
from bytegolf.text.tokenizer import SERIALISED_BYTES, Tokenizer, load_tokenizer

FINEWEB = HubPlace("willdepueoai/parameter-golf", root="datasets")
VARIANT, TRAIN_SHARDS = "sp1024", 80
SPLIT = "as published"
GATHERING = ".fetched"
READ_TOKENS = 10_000_000  # tokens read at a time


def fetch_published(
    place: HubPlace, out: Path, *, variant: str = VARIANT, train_shards: int = TRAIN_SHARDS, with_docs: bool = False
) -> DataManifest:
    """Fetch a published `variant` into the data folder `out` and return its manifest.

    All held-out shards and the first `train_shards` training shards are fetched. `with_docs` also fetches the documents
    (docs_selected.jsonl, about 48 GB for FineWeb), from which another vocabulary can be made. Existing files are kept:
    more shards can be added to a folder later, and a folder that already holds what is asked for needs no network.

    Raises InputError if the hub cannot be reached or does not publish the variant, a file differs from the published one,
    the disk is too small, or `out` holds something else.
    """
    folder = DataFolder(out)
    existing = _existing(folder, place, variant, train_shards)
    if existing and _covers(existing, train_shards, with_docs) and not folder.damaged(existing):
        say(f"{out}: already fetched, reused")
        return existing
    hub, gathering = Hub(place), out / GATHERING
    gathering.mkdir(parents=True, exist_ok=True)
    chosen = _choose(hub, gathering, variant, train_shards)
    with_docs = with_docs or bool(existing and DOCUMENTS in existing.files)
    published = _wanted(hub, chosen, with_docs)
    hub.fetch({gathering / name: file for name, file in published.items() if _lying(name, file, out, gathering) is None})
    lying = {name: path for name, file in published.items() if (path := _lying(name, file, out, gathering))}
    if chosen.tokenizer is None:
        lying["bytes"] = gathering / "bytes"
        lying["bytes"].write_bytes(SERIALISED_BYTES)
    manifest = _describe(hub, chosen, lying, gathering)
    write_json(folder.manifest_path, manifest.model_dump())
    for name in manifest.files:
        if (gathered := gathering / name).exists():
            gathered.replace(out / name)
    shutil.rmtree(gathering)
    return manifest


def _existing(folder: DataFolder, place: HubPlace, variant: str, train_shards: int) -> DataManifest | None:
    """Return the manifest of an earlier fetch, or None. Raises InputError if the folder holds other data or more shards."""
    root = folder.root
    if not root.exists() or (root.is_dir() and {path.name for path in root.iterdir()} <= {GATHERING}):
        return None
    manifest = folder.manifest() if root.is_dir() else None
    asked = f"{place}#{variant}"
    held = _without_commit(manifest.source) if manifest else "something else"
    if manifest is None or held != asked:
        raise InputError(f"{root}: expected no folder yet, or {asked} fetched before, found {held}; give another --out")
    if (shards := len(_train_shards(manifest))) > train_shards:
        raise InputError(f"{root}: expected at most the {train_shards} training shards asked for, found {shards}; give another --out")
    return manifest


def _covers(manifest: DataManifest, train_shards: int, with_docs: bool) -> bool:
    return len(_train_shards(manifest)) == train_shards and (not with_docs or DOCUMENTS in manifest.files)


def _train_shards(manifest: DataManifest) -> list[str]:
    return [name for name in manifest.files if "_train_" in name]


def _without_commit(source: str) -> str:
    return re.sub(r"@[0-9a-f]{40}(?=[/#])", "", source)


def _choose(hub: Hub, gathering: Path, variant: str, train_shards: int) -> Variant:
    (file,) = hub.files([MANIFEST])
    listing = gathering / "published.json"
    if not file.is_at(listing):
        hub.fetch({listing: file})
    return choose_variant(listing, variant, train_shards)


def _wanted(hub: Hub, variant: Variant, with_docs: bool) -> dict[str, HubFile]:
    """Return the published files to fetch, keyed by their names in the data folder."""
    published = [*variant.val, *variant.train, *([variant.tokenizer] if variant.tokenizer else []), *([DOCUMENTS] if with_docs else [])]
    names = ["tokenizer.model" if name == variant.tokenizer else Path(name).name for name in published]
    return dict(zip(names, hub.files(published), strict=True))


def _lying(name: str, file: HubFile, *folders: Path) -> Path | None:
    """Return the path of a correct copy of the file in one of `folders`, or None."""
    return next((folder / name for folder in folders if file.is_at(folder / name)), None)


def _describe(hub: Hub, variant: Variant, files: dict[str, Path], gathering: Path) -> DataManifest:
    """Read the shards, write the held-out text, and return the manifest of the data folder."""
    tokenizer_name = "tokenizer.model" if variant.tokenizer else "bytes"
    tokenizer = load_tokenizer(files[tokenizer_name])
    train, val = (TokenStream([files[Path(name).name] for name in names]) for names in (variant.train, variant.val))
    text = DataFolder(gathering).val_text
    files = {**files, text.name: text}
    offsets, val_bytes = _write_text(text, val, tokenizer)
    say(f"count: the bytes of {len(train):,} training tokens")
    hashes = {name: sha256_of(path) for name, path in sorted(files.items())}
    return DataManifest(
        source=f"{hub.place.at(hub.commit)}#{variant.name}",
        corpus_sha256=hashlib.sha256("".join(hashes[Path(name).name] for name in (*variant.train, *variant.val)).encode()).hexdigest(),
        split=SPLIT,
        tokenizer=tokenizer_name,
        tokenizer_sha256=tokenizer.sha256,
        vocab_size=tokenizer.vocab_size,
        train_documents=_count_documents(train),
        train_bytes=count_bytes(train, tokenizer),
        train_tokens=len(train),
        val_documents=len(offsets),
        val_bytes=val_bytes,
        val_tokens=len(val),
        normalised=tokenizer.kind != "bytes",
        val_offsets=offsets,
        files=hashes,
    )


def _write_text(path: Path, val: TokenStream, tokenizer: Tokenizer) -> tuple[list[int], int]:
    """Write the decoded held-out tokens; return each document's start offset and the total, in bytes."""
    offsets, end = [], 0
    with (
        path.open("wb") as file,
        zstandard.ZstdCompressor(level=ZSTD_LEVEL).stream_writer(file) as out,
        Progress("decode the held-out text", len(val), "tokens") as progress,
    ):
        for tokens in _documents(val):
            text = tokenizer.decode(tokens)
            out.write(text)
            offsets.append(end)
            end += len(text)
            progress.advance(len(tokens))
    return offsets, end


def _documents(stream: TokenStream) -> Iterator[Tokens]:
    """Yield the tokens of each document, BOS first. Raises InputError if the stream does not begin with a BOS."""
    rest = stream[:0]
    for start in range(0, len(stream), READ_TOKENS):
        tokens = np.concatenate([rest, stream[start : start + READ_TOKENS]])
        begins = np.flatnonzero(tokens == BOS)
        if start == 0 and tokens[0] != BOS:
            raise InputError(f"held-out shards: expected a document, which begins with token {BOS}, found token {tokens[0]}")
        yield from np.split(tokens, begins[1:])[:-1]
        rest = tokens[begins[-1] :]
    if rest.size:
        yield rest


def _count_documents(stream: TokenStream) -> int:
    return sum(int(np.count_nonzero(stream[start : start + READ_TOKENS] == BOS)) for start in range(0, len(stream), READ_TOKENS))
