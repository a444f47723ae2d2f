"""Text, or published shards, to a data folder."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, get_args

from bytegolf.auditing.overlap.report import compare_documents
from bytegolf.config import Recipe, TextConfig
from bytegolf.errors import InputError, ParameterError
from bytegolf.names import PlaceName, TokenizerName
from bytegolf.recipes import load_recipe
from bytegolf.runtime.progress import say
from bytegolf.storage.claim import claimed
from bytegolf.storage.data_folder import DataManifest
from bytegolf.text.dataset import open_data
from bytegolf.text.prepare import prepare_text

DEFAULT_VOCAB_SIZE = 1024


def prepare(
    sources: Sequence[str],
    out: Path,
    *,
    recipe: str | Path | Recipe | None = None,
    vocab: int | None = None,
    tokenizer: str | Path | None = None,
    val_docs: int | None = None,
    normalised: bool = False,
    text_column: str | None = None,
    skip_bad: bool = False,
    workers: int = 1,
    on: PlaceName | None = None,
    variant: str | None = None,
    train_shards: int | None = None,
    with_docs: bool = False,
) -> DataManifest:
    """Make the data folder `out` from `sources`, say whether training has held-out documents too, and return its manifest.

    Sources are "stdlib" and files or folders of text, or one place that publishes shards: "fineweb" or
    "hf://datasets/OWNER/NAME[@REVISION][/FOLDER]".

    Text gets the vocabulary of `recipe` (a name, a file or a `Recipe`), one of `vocab` pieces (1024 by default), or
    that of an existing `tokenizer` (a SentencePiece file, that of another data folder, or "bytes"); "capitals" for
    `tokenizer` trains one that marks capitals, of `vocab` pieces too. The first
    `val_docs` documents are held out, by default one in twenty by hash. With `normalised` the tokenizer may change the
    text. Records of JSON and parquet have their text in `text_column` ("text" by default). With `skip_bad` records and
    files that cannot be read are skipped and listed. Documents are encoded by so many `workers`, processes of this
    machine or `on` "ray" cores of a Ray cluster; 0 is all there are. The data is the same for any number. (A program
    that starts several processes keeps what it does under
    `if __name__ == "__main__":`, as always in Python.) What an interrupted preparation has done is not done again.

    Of published shards, `variant` says which vocabulary (by default the recipe's, or sp1024), `train_shards` how many of
    the training shards to fetch (by default 80), and `with_docs` whether to fetch the documents as well.

    Raises ParameterError for options that do not go together, InputError for sources that cannot be prepared.
    """
    known = load_recipe(str(recipe)) if isinstance(recipe, str | Path) else recipe
    for_text = _TextOptions(vocab, str(tokenizer) if tokenizer else None, val_docs, normalised, text_column, skip_bad, on)
    for_published = _PublishedOptions(variant, train_shards, with_docs)
    published = any(source == "fineweb" or source.startswith("hf://") for source in sources)
    if published:
        for_text.refuse("applies to text only; docs/data.md tells how to give FineWeb another vocabulary")
    else:
        for_published.refuse("applies to published shards only, fineweb or hf://datasets/…")
    with claimed(out, folder=True):
        manifest = for_published.prepare(sources, out, known) if published else for_text.prepare(sources, out, known, workers)
        _tell_overlap(out, manifest)
    return manifest


def _tell_overlap(data: Path, manifest: DataManifest) -> None:
    """Say how many held-out documents training has too, whole. Text that was prepared here has lost them already."""
    if not manifest.train_tokens:
        return
    found = compare_documents(open_data(data), near=False)
    share = f"held-out documents that training has too: {found.exact_duplicates:,} of {found.val_documents:,}"
    advice = "" if found.ok else f", {found.overlap_share:.2%} of the bytes; see: bytegolf audit --data {data}"
    say(share + advice)


class _TextOptions(NamedTuple):
    """The options of `prepare` that only text has."""

    vocab: int | None
    tokenizer: str | None
    val_docs: int | None
    normalised: bool
    text_column: str | None
    skip_bad: bool
    on: PlaceName | None

    def refuse(self, reason: str) -> None:
        """Raise ParameterError if any of these options is given."""
        _refuse(self._asdict(), reason)

    def prepare(self, sources: Sequence[str], out: Path, recipe: Recipe | None, workers: int) -> DataManifest:
        """Make a data folder from text."""
        vocabularies = {"recipe": recipe, "vocab": self.vocab, "tokenizer": self.tokenizer}
        given = [name for name, value in vocabularies.items() if value is not None]
        if len(given) > 1 and not (recipe is None and self.tokenizer in ("bpe", "capitals")):
            raise ParameterError(given[-1], f"cannot be combined with {given[0]}; give one of recipe, vocab and tokenizer")
        made_here = self.tokenizer is None or self.tokenizer in get_args(TokenizerName)
        if self.normalised and made_here:
            raise ParameterError("normalised", "needs the file of a tokenizer that changes text; tokenizers made here change nothing")
        text = TextConfig.model_validate({"tokenizer": self.tokenizer}) if self.tokenizer and made_here else TextConfig()
        return prepare_text(
            sources,
            out,
            text=recipe.text if recipe else text,
            vocab_size=recipe.model.vocab_size if recipe else self.vocab or DEFAULT_VOCAB_SIZE,
            tokenizer=Path(self.tokenizer) if self.tokenizer and not made_here else None,
            val_docs=self.val_docs,
            normalised=self.normalised,
            text_column=self.text_column,
            skip_bad=self.skip_bad,
            num_workers=workers,
            on=self.on,
        )


class _PublishedOptions(NamedTuple):
    """The options of `prepare` that only published shards have."""

    variant: str | None
    train_shards: int | None
    with_docs: bool

    def refuse(self, reason: str) -> None:
        """Raise ParameterError if any of these options is given."""
        _refuse(self._asdict(), reason)

    def prepare(self, sources: Sequence[str], out: Path, recipe: Recipe | None) -> DataManifest:
        """Make a data folder of published shards, fetched from the Hugging Face hub."""
        if len(sources) > 1:
            raise ParameterError("sources", f"expected published shards alone, found {', '.join(sources)}")
        if recipe and self.variant is not None:
            raise ParameterError("variant", "cannot be combined with recipe, which names its vocabulary")
        (source,) = sources
        try:
            from bytegolf.text.fineweb import FINEWEB, TRAIN_SHARDS, VARIANT, fetch_published
            from bytegolf.text.hub import HubPlace
        except ModuleNotFoundError as error:
            raise InputError(f"{source}: expected the package {error.name}, found it missing; pip install huggingface-hub") from None
        return fetch_published(
            FINEWEB if source == "fineweb" else HubPlace.parse(source),
            out,
            variant=_variant_of(recipe) if recipe else self.variant or VARIANT,
            train_shards=TRAIN_SHARDS if self.train_shards is None else self.train_shards,
            with_docs=self.with_docs,
        )


def _variant_of(recipe: Recipe) -> str:
    return "byte260" if recipe.text.tokenizer == "bytes" else f"sp{recipe.model.vocab_size}"


def _refuse(options: dict[str, object], reason: str) -> None:
    for name, value in options.items():
        if value is not None and value is not False:
            raise ParameterError(name, reason)
