"""Text or published shards -> a data folder."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from bytegolf.config import Recipe, TextConfig
from bytegolf.errors import InputError, ParameterError
from bytegolf.recipes import load_recipe
from bytegolf.storage.data_folder import DataManifest
from bytegolf.text.prepare import prepare as prepare_text

DEFAULT_VOCAB_SIZE = 1024


def prepare(
    sources: Sequence[str],
    out: Path,
    *,
    recipe: str | None = None,
    vocab: int | None = None,
    tokenizer: str | None = None,
    val_docs: int | None = None,
    normalised: bool = False,
    variant: str | None = None,
    train_shards: int | None = None,
    with_docs: bool = False,
) -> DataManifest:
    """Text, or published shards, into a data folder.

    The vocabulary of text is a recipe's, one of `vocab` pieces, or an existing tokenizer (a file, or "bytes"). Of what
    is published the `variant` is given, or named by a recipe's vocabulary.
    """
    chosen = load_recipe(recipe) if recipe else None
    of_text = {"vocab": vocab, "tokenizer": tokenizer, "val_docs": val_docs, "normalised": normalised or None}
    of_published = {"variant": variant, "train_shards": train_shards, "with_docs": with_docs or None}
    if any(source == "fineweb" or source.startswith("hf://") for source in sources):
        _require_none(of_text, "with text; docs/data.md tells how fineweb gets another vocabulary")
        if len(sources) > 1:
            raise InputError(f"prepare: expected published shards alone, found {', '.join(sources)}")
        return _fetch(sources[0], out, chosen, variant, train_shards, with_docs)
    _require_none(of_published, "with fineweb or hf://datasets/…")
    if sum(choice is not None for choice in (recipe, vocab, tokenizer)) > 1:
        given = "vocab" if vocab is not None else "tokenizer"
        raise ParameterError(given, "expected one of a recipe, a size of the vocabulary and a tokenizer, found several")
    if normalised and tokenizer in (None, "bytes"):
        raise ParameterError("normalised", "expected with the file of a tokenizer, found without; our own tokenizers change nothing")
    return prepare_text(
        sources,
        out,
        text=TextConfig(tokenizer="bytes") if tokenizer == "bytes" else chosen.text if chosen else TextConfig(),
        vocab_size=chosen.model.vocab_size if chosen else vocab or DEFAULT_VOCAB_SIZE,
        tokenizer=Path(tokenizer) if tokenizer and tokenizer != "bytes" else None,
        val_docs=val_docs,
        normalised=normalised,
    )


def _fetch(source: str, out: Path, recipe: Recipe | None, variant: str | None, train_shards: int | None, with_docs: bool) -> DataManifest:
    """Published shards; of the baseline's number unless it is given, and of its vocabulary unless there is a recipe."""
    try:
        from bytegolf.text.fineweb import FINEWEB, TRAIN_SHARDS, VARIANT, fetch_published
        from bytegolf.text.hub import HubPlace
    except ModuleNotFoundError as error:
        raise InputError(f"{source}: expected the package {error.name}, found it missing; pip install huggingface-hub") from None
    if recipe:
        _require_none({"variant": variant}, "without a recipe, which names its vocabulary")
        variant = "byte260" if recipe.text.tokenizer == "bytes" else f"sp{recipe.model.vocab_size}"
    place = FINEWEB if source == "fineweb" else HubPlace.parse(source)
    shards = TRAIN_SHARDS if train_shards is None else train_shards
    return fetch_published(place, out, variant=variant or VARIANT, train_shards=shards, with_docs=with_docs)


def _require_none(parameters: Mapping[str, object], use: str) -> None:
    for name, value in parameters.items():
        if value is not None:
            raise ParameterError(name, f"expected only {use}, found it here")
