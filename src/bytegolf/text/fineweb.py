"""Published contest shards as a data folder: fetched, checked, counted, and with the held-out text that they stand for.

The shards hold the tokens that the published tokenizer made of the documents, and that tokenizer normalises text
(NFKC, runs of spaces): bytes are therefore counted on what the tokens decode to, and that is the held-out text kept.

Files are gathered in a hidden folder inside the data folder, so that an interrupted fetch can continue and nothing
takes a part for the whole. At the end the manifest is written first and the files are moved in after it: a folder that
lacks some of the files in its manifest is refused.
"""

import hashlib
import re
import shutil
from pathlib import Path

import numpy as np

from bytegolf.config import BOS
from bytegolf.errors import ParameterError
from bytegolf.runtime.progress import say
from bytegolf.storage.data_folder import DataFolder, DataManifest, TokenizerFile
from bytegolf.storage.files import sha256_of
from bytegolf.text.dataset import count_bytes
from bytegolf.text.foreign_shards import require_countable
from bytegolf.text.held_out_text import READ_TOKENS, write_held_out_text
from bytegolf.text.hub import Hub, HubFile, HubPlace
from bytegolf.text.published import DOCUMENTS, MANIFEST, Variant, choose_variant
from bytegolf.text.shards import TokenStream
from bytegolf.text.tokenizer import SERIALISED_BYTES, load_tokenizer

FINEWEB = HubPlace("willdepueoai/parameter-golf", root="datasets")
VARIANT, TRAIN_SHARDS = "sp1024", 80  # those of the baseline
SPLIT = "as published"
GATHERING = ".fetched"


def fetch_published(
    place: HubPlace, out: Path, *, variant: str = VARIANT, train_shards: int = TRAIN_SHARDS, with_docs: bool = False
) -> DataManifest:
    """Make the data folder `out` of a published `variant` and return its manifest.

    All held-out shards and the first `train_shards` training shards are fetched, and `with_docs` the documents
    (docs_selected.jsonl, about 48 GB for FineWeb), from which another vocabulary can be made. Files that are there
    already are kept: a folder may get more shards later, and one that holds all that is asked for needs no network.

    Raises InputError if the hub cannot be reached or does not publish that, a file is not as published, the disk is
    too small, or `out` holds something else.
    """
    folder = DataFolder(out)
    existing = _existing_manifest(folder, place, variant, train_shards)
    if existing and _covers(existing, train_shards, with_docs) and not folder.damaged(existing):
        say(f"{out}: already fetched, reused")
        return existing
    hub, gathering = Hub(place), out / GATHERING
    gathering.mkdir(parents=True, exist_ok=True)
    chosen = _choose(hub, gathering, variant, train_shards)
    with_docs = with_docs or bool(existing and DOCUMENTS in existing.files)
    wanted = _wanted_files(hub, chosen, with_docs)
    hub.fetch({gathering / name: file for name, file in wanted.items() if not _existing_copy(name, file, out, gathering)})
    paths = {name: path for name, file in wanted.items() if (path := _existing_copy(name, file, out, gathering))}
    if chosen.tokenizer is None:
        paths["bytes"] = gathering / "bytes"
        paths["bytes"].write_bytes(SERIALISED_BYTES)
    manifest = _describe(hub, chosen, paths, gathering)
    folder.write_manifest(manifest)
    for name in manifest.files:
        if (gathered := gathering / name).exists():
            gathered.replace(out / name)
    shutil.rmtree(gathering)
    return manifest


def _existing_manifest(folder: DataFolder, place: HubPlace, variant: str, train_shards: int) -> DataManifest | None:
    """Return the manifest of an earlier fetch, if any. Raises InputError if the folder holds other data, or more of it."""
    root = folder.root
    if not root.exists() or (root.is_dir() and {path.name for path in root.iterdir()} <= {GATHERING}):
        return None
    manifest = folder.manifest() if root.is_dir() else None
    asked = f"{place}#{variant}"
    held = _without_commit(manifest.source) if manifest else "something else"
    if manifest is None or held != asked:
        raise ParameterError("out", f"expected {root} not to exist or to hold {asked}, found {held}; choose another folder")
    if (shards := len(_train_shards(manifest))) > train_shards:
        problem = f"expected at most the {train_shards} training shards asked for in {root}, found {shards}"
        raise ParameterError("out", f"{problem}; choose another folder")
    return manifest


def _covers(manifest: DataManifest, train_shards: int, with_docs: bool) -> bool:
    """Return whether a folder with this manifest holds all that is asked for."""
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


def _wanted_files(hub: Hub, variant: Variant, with_docs: bool) -> dict[str, HubFile]:
    """Return the published files to fetch, by their names in the data folder."""
    published = [*variant.val, *variant.train, *([variant.tokenizer] if variant.tokenizer else []), *([DOCUMENTS] if with_docs else [])]
    names = ["tokenizer.model" if name == variant.tokenizer else Path(name).name for name in published]
    return dict(zip(names, hub.files(published), strict=True))


def _existing_copy(name: str, file: HubFile, *folders: Path) -> Path | None:
    """Return where an earlier fetch put a file, if it is there exactly as published."""
    return next((folder / name for folder in folders if file.is_at(folder / name)), None)


def _describe(hub: Hub, variant: Variant, paths: dict[str, Path], gathering: Path) -> DataManifest:
    """Read the shards, write the held-out text into `gathering`, and return the data folder's manifest."""
    tokenizer_name: TokenizerFile = "tokenizer.model" if variant.tokenizer else "bytes"
    tokenizer = load_tokenizer(paths[tokenizer_name])
    train, val = (TokenStream([paths[Path(name).name] for name in names]) for names in (variant.train, variant.val))
    require_countable(val, tokenizer)
    text = DataFolder(gathering).val_text
    paths = {**paths, text.name: text}
    offsets, val_bytes = write_held_out_text(text, val, tokenizer)
    say(f"count: the bytes of {len(train):,} training tokens")
    hashes = {name: sha256_of(path) for name, path in sorted(paths.items())}
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


def _count_documents(stream: TokenStream) -> int:
    return sum(int(np.count_nonzero(stream[start : start + READ_TOKENS] == BOS)) for start in range(0, len(stream), READ_TOKENS))
