"""Batches hold every document once, in order, and become the tokens of exactly these documents."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bytegolf.config import BOS
from bytegolf.errors import InputError
from bytegolf.text import encoding as module
from bytegolf.text.documents import Document
from bytegolf.text.encoding import DocumentBatch, Encoding, batches, encode_batch
from bytegolf.text.tokenizer import BpeTokenizer, Tokenizer

documents = st.lists(st.tuples(st.text(st.sampled_from("ab \né\u2581"), max_size=12), st.booleans()), max_size=20)


def encoding_of(tokenizer: Tokenizer, normalised: bool = False) -> Encoding:
    return Encoding(tokenizer.kind, tokenizer.serialised, normalised)


@given(texts=documents, most=st.integers(1, 5), characters=st.integers(1, 30))
@settings(deadline=None)
def test_batches(bpe: BpeTokenizer, texts: list[tuple[str, bool]], most: int, characters: int) -> None:
    divided = [(Document(f"{index}", text), held_out) for index, (text, held_out) in enumerate(texts)]
    read = iter(range(100))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "BATCH_DOCUMENTS", most)
        patched.setattr(module, "BATCH_CHARACTERS", characters)
        made = list(batches(divided, encoding_of(bpe), lambda: next(read)))
    assert [pair for batch in made for pair in zip(batch.documents, batch.held_out, strict=True)] == divided
    assert all(0 < len(batch.documents) <= most for batch in made)
    assert all(sum(len(document.text) for document in batch.documents[:-1]) < characters for batch in made)
    assert [batch.read for batch in made] == list(range(len(made)))


@given(texts=documents.filter(len))
@settings(deadline=None)
def test_a_batch_encoded(bpe: BpeTokenizer, texts: list[tuple[str, bool]]) -> None:
    named = [Document(f"{index}", text) for index, (text, _) in enumerate(texts)]
    encoded = encode_batch(DocumentBatch(encoding_of(bpe), named, [held_out for _, held_out in texts], 99))
    assert encoded.read == 99
    for part, of_held_out in ((encoded.train, False), (encoded.val, True)):
        own = [text for text, held_out in texts if held_out is of_held_out]
        assert part.tokens.tolist() == [token for text in own for token in (BOS, *bpe.encode(text))]
        assert part.tokens.dtype == np.uint16
        assert (part.documents, part.bytes) == (len(own), len("".join(own).encode())) and part.original_bytes == part.bytes


def test_a_document_that_would_change(normalising: bytes) -> None:
    tokenizer = BpeTokenizer(normalising)
    named = [Document("fine", "plain"), Document("folder/bad.txt", "two  spaces")]
    with pytest.raises(InputError, match=r"folder/bad\.txt: expected tokenizer bpe 512 to give the text back unchanged, found"):
        encode_batch(DocumentBatch(encoding_of(tokenizer), named, [False, False], 0))
    changed = encode_batch(DocumentBatch(encoding_of(tokenizer, normalised=True), named, [False, False], 0)).train
    assert (changed.bytes, changed.original_bytes) == (len("plaintwo spaces"), len("plaintwo  spaces"))


def test_a_batch_is_named_by_its_documents() -> None:
    batch = [Document("a.jsonl:1", ""), Document("a.jsonl:2", ""), Document("a.jsonl:3", "")]
    assert str(DocumentBatch(Encoding("bytes", b"", False), batch, [False] * 3, 0)) == "a.jsonl:1 to a.jsonl:3"
    assert str(DocumentBatch(Encoding("bytes", b"", False), batch[:1], [False], 0)) == "a.jsonl:1"
