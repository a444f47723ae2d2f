"""Data folders opened for use: prepared by this package, or foreign ones that hold nothing but contest shards."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import zstandard

from bytegolf.arrays import Tokens
from bytegolf.errors import InputError
from bytegolf.storage.data_folder import DataFolder, DataManifest
from bytegolf.text.foreign_shards import find_tokenizer, require_countable
from bytegolf.text.shards import HEADER_BYTES, TokenStream
from bytegolf.text.tokenizer import Tokenizer, load_tokenizer

COUNT_TOKENS = 1_000_000  # counted at once


@dataclass(frozen=True)
class Dataset:
    """A data folder opened for use: token streams, their tokenizer and the text. Streams are opened when first used."""

    folder: DataFolder
    tokenizer: Tokenizer
    manifest: DataManifest | None  # None in a foreign folder

    @cached_property
    def train(self) -> TokenStream:
        """Open the training tokens. Raises InputError if shards are missing, damaged, or more or fewer than recorded."""
        return self._stream("train", self.manifest.train_tokens if self.manifest else None)

    @cached_property
    def val(self) -> TokenStream:
        """Open the held-out tokens. Raises InputError as `train` does."""
        return self._stream("val", self.manifest.val_tokens if self.manifest else None)

    @cached_property
    def val_bytes(self) -> int:
        """Return the number of UTF-8 bytes that the held-out tokens stand for: the denominator of bits per byte.

        They are counted, whatever a manifest says. Raises InputError if that is another number, or if in a foreign folder
        the tokenizer's own decoder makes another text of the tokens.
        """
        counted = count_bytes(self.val, self.tokenizer)
        if self.manifest is None:
            require_countable(self.val, self.tokenizer)
        elif counted != self.manifest.val_bytes:
            problem = f"expected the {counted} held-out bytes that its tokens stand for, found {self.manifest.val_bytes}"
            raise InputError(f"{self.folder.manifest_path}: {problem}")
        return counted

    @property
    def normalised(self) -> bool:
        """Return whether the bytes are of what the tokens decode to, which may not be the documents as they were."""
        return self.manifest.normalised if self.manifest else self.tokenizer.kind != "bytes"

    @property
    def original_bytes(self) -> int | None:
        """Return the number of bytes of the held-out documents before their tokenizer changed them, if it did and that is known."""
        return self.manifest.val_original_bytes if self.manifest else None

    @cached_property
    def bytes_per_token(self) -> float:
        """Return the mean bytes of a training token; in a foreign folder of a held-out one, as counting takes long there."""
        if self.manifest and self.manifest.train_tokens:
            return self.manifest.train_bytes / self.manifest.train_tokens
        return self.val_bytes / len(self.val)

    @cached_property
    def sha256(self) -> str:
        """Return a hash that identifies the data.

        It is of the manifest, or in a foreign folder of the tokenizer and of the shards' names, sizes and headers.
        """
        if self.manifest:
            return hashlib.sha256(self.folder.manifest_path.read_bytes()).hexdigest()
        identity = hashlib.sha256(self.tokenizer.sha256.encode())
        for path in sorted(self.folder.root.glob("*.bin")):
            identity.update(f"{path.name} {path.stat().st_size} ".encode())
            with path.open("rb") as file:
                identity.update(file.read(HEADER_BYTES))
        return identity.hexdigest()

    def val_text(self) -> bytes | None:
        """Return the exact held-out documents, one after the other, or None in a foreign folder.

        Raises InputError if the text is damaged.
        """
        if self.manifest is None:
            return None
        path = self.folder.val_text
        try:
            with path.open("rb") as file:
                text: bytes = zstandard.ZstdDecompressor().stream_reader(file).read(self.val_bytes + 1)
        except (OSError, zstandard.ZstdError) as error:
            raise InputError(f"{path}: expected the held-out text, found {error}") from None
        if len(text) != self.val_bytes:
            raise InputError(f"{path}: expected {self.val_bytes} bytes of held-out text, found {len(text)}")
        return text

    def held_out(self, limit_bytes: int = 0) -> tuple[Tokens | TokenStream, int]:
        """Return the held-out tokens, and the number of bytes of all but the first token.

        With `limit_bytes` they are the longest beginning of the held-out text that has no more bytes than that.
        Raises InputError if there is nothing to score.
        """
        first = int(self.tokenizer.byte_counts(self.val[:1]).sum())
        if not limit_bytes or limit_bytes >= self.val_bytes:
            tokens: Tokens | TokenStream = self.val
            num_bytes = self.val_bytes - first
        else:
            beginning = self.val[: 3 * (limit_bytes + 1)]  # enough: before a byte come a BOS and a mark at most
            ends = np.cumsum(self.tokenizer.byte_counts(beginning)) - first
            kept = int(np.searchsorted(ends, limit_bytes, side="right"))
            tokens, num_bytes = beginning[:kept], int(ends[kept - 1])
        if num_bytes < 1:
            raise InputError(f"{self.folder.root}: expected held-out text of at least one byte to score, found {num_bytes}")
        return tokens, num_bytes

    def train_text(self, limit_bytes: int) -> bytes:
        """Return the end of the training text, at most `limit_bytes` of it, decoded."""
        return self.tokenizer.decode(self.train[max(0, len(self.train) - limit_bytes) :])[-limit_bytes:]

    def _stream(self, split: str, tokens: int | None) -> TokenStream:
        stream = TokenStream(self.folder.shards(split))
        if tokens is not None and len(stream) != tokens:
            raise InputError(f"{self.folder.root}: expected {tokens} {split} tokens as its manifest says, found {len(stream)}")
        return stream


def open_data(folder: Path, tokenizer: Path | None = None) -> Dataset:
    """Open a data folder; scoring needs no training shards.

    The tokenizer of a foreign folder may be given. Otherwise it is found in the folder, or in a folder `tokenizers`
    beside it or one further up; of several, it is the one whose name has the vocabulary size that ends the folder's name.

    Raises InputError if there is no held-out shard or no such tokenizer, or if they disagree with the manifest.
    """
    data = DataFolder(folder)
    data.shards("val")
    manifest = data.manifest()
    if manifest is None:
        return Dataset(data, load_tokenizer(tokenizer) if tokenizer else find_tokenizer(folder), None)
    path = tokenizer or folder / manifest.tokenizer
    loaded = load_tokenizer(path)
    if loaded.sha256 != manifest.tokenizer_sha256:
        raise InputError(f"{path}: expected sha256 {manifest.tokenizer_sha256[:16]} as in {data.manifest_path}, found {loaded.sha256[:16]}")
    dataset = Dataset(data, loaded, manifest)
    _ = dataset.val  # checks its token count
    return dataset


def count_bytes(stream: TokenStream, tokenizer: Tokenizer) -> int:
    """Return the number of bytes of text in a stream of documents, counted in little memory.

    Raises InputError for an id outside the vocabulary.
    """
    total = 0
    for start in range(0, len(stream), COUNT_TOKENS):
        context = min(start, 1)  # a token's bytes depend on the one before
        counted = tokenizer.total_bytes(stream[start - context : start + COUNT_TOKENS])
        total += counted - tokenizer.total_bytes(stream[start - context : start])
    return total
