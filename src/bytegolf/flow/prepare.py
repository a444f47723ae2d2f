"""Make a data folder from text or published shards."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from bytegolf.config import Recipe, TextConfig
from bytegolf.errors import InputError
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
    """Make a data folder from text or from published shards, and return its manifest.

    For text, the vocabulary is a recipe's, has `vocab` pieces, or is an existing tokenizer (a file, or "bytes"). For
    published shards, `variant` names it, or a recipe's vocabulary does. Raises InputError for options that contradict each
    other or do not apply to the source.
    """
    chosen = load_recipe(recipe) if recipe else None
    of_text = {"--vocab": vocab, "--tokenizer": tokenizer, "--val-docs": val_docs, "--normalised": normalised or None}
    of_published = {"--variant": variant, "--train-shards": train_shards, "--with-docs": with_docs or None}
    if any(source == "fineweb" or source.startswith("hf://") for source in sources):
        _require_none(of_text, "with text; docs/data.md tells how fineweb gets another vocabulary")
        if len(sources) > 1:
            raise InputError(f"prepare: expected published shards alone, found {', '.join(sources)}")
        return _fetch(sources[0], out, chosen, variant, train_shards, with_docs)
    _require_none(of_published, "with fineweb or hf://datasets/…")
    if sum(choice is not None for choice in (recipe, vocab, tokenizer)) > 1:
        raise InputError("prepare: expected one of --recipe, --vocab and --tokenizer, found several")
    if normalised and tokenizer in (None, "bytes"):
        raise InputError("--normalised: expected with --tokenizer FILE.model, found without; our own tokenizers change nothing")
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
    """Fetch published shards; number and vocabulary default to the baseline's, and a recipe decides the vocabulary."""
    try:
        from bytegolf.text.fineweb import FINEWEB, TRAIN_SHARDS, VARIANT, fetch_published
        from bytegolf.text.hub import HubPlace
    except ModuleNotFoundError as error:
        raise InputError(f"{source}: expected the package {error.name}, found it missing; pip install huggingface-hub") from None
    if recipe:
        _require_none({"--variant": variant}, "without --recipe, which names its vocabulary")
        variant = "byte260" if recipe.text.tokenizer == "bytes" else f"sp{recipe.model.vocab_size}"
    place = FINEWEB if source == "fineweb" else HubPlace.parse(source)
    shards = TRAIN_SHARDS if train_shards is None else train_shards
    return fetch_published(place, out, variant=variant or VARIANT, train_shards=shards, with_docs=with_docs)


def _require_none(options: Mapping[str, object], use: str) -> None:
    for name, value in options.items():
        if value is not None:
            raise InputError(f"{name}: expected only {use}, found it here")
