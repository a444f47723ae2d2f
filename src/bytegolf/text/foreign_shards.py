"""Shards that were made elsewhere: which tokenizer they are of, and whether the bytes that their tokens stand for can be counted."""

import re
from pathlib import Path

from bytegolf.errors import InputError, ParameterError
from bytegolf.text.shards import TokenStream
from bytegolf.text.tokenizer import BytesTokenizer, Tokenizer, load_tokenizer

SAMPLE_TOKENS = 50_000  # decoded twice and compared, at the beginning, in the middle and at the end


def require_countable(stream: TokenStream, tokenizer: Tokenizer) -> None:
    """Raise InputError unless a sample of a stream decodes to the same text in two ways: what is counted, and SentencePiece's."""
    for start in sorted({0, max(0, len(stream) // 2), max(0, len(stream) - SAMPLE_TOKENS)}):
        tokenizer.require_agreement(stream[start : start + SAMPLE_TOKENS])


def find_tokenizer(folder: Path) -> Tokenizer:
    """Return the tokenizer of a foreign folder, see `open_data`. Raises InputError if it is not plain which one that is."""
    root = folder.resolve()
    vocab = re.search(r"(?:sp|byte)?(\d+)$", root.name)  # sp1024 of fineweb10B_sp1024
    if vocab and vocab[0] == "byte260":
        return BytesTokenizer()
    places = (root, root.parent / "tokenizers", root.parent.parent / "tokenizers")
    models = sorted(path for place in places for path in place.glob("*.model"))
    named = [path for path in models if vocab and vocab[1] in re.findall(r"\d+", path.stem)]
    fitting = models if len(models) == 1 else named
    if len(fitting) != 1:
        listed = ", ".join(map(str, models)) or "none"
        raise ParameterError("tokenizer", f"expected one in {folder} or in tokenizers beside it, found {listed}; say which to use")
    tokenizer = load_tokenizer(fitting[0])
    if vocab and vocab[0].startswith("sp") and tokenizer.vocab_size != int(vocab[1]):
        raise InputError(f"{fitting[0]}: expected a vocabulary of {vocab[1]} for {folder}, found {tokenizer.vocab_size}")
    return tokenizer
