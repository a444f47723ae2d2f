"""Tokens and text stand for each other byte for byte, whatever the text."""

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import sentencepiece
from hypothesis import given, settings
from hypothesis import strategies as st

from bytegolf.config import BOS
from bytegolf.errors import InputError
from bytegolf.text.tokenizer import BpeTokenizer, BytesTokenizer, CapitalsTokenizer, Tokenizer, load_tokenizer, tokenizer_from
from support.corpora import SOURCE, foreign_model

AWKWARD = ["\u2581", "\u2581\u2581 ", "\0", "\u0301", "\ufeff", "\u2585", "    ", ":\n", "\t", "\r\n", "<s>", "<0x41>", "<unk>", "de", "7"]
parts = st.one_of(st.sampled_from(AWKWARD), st.characters(codec="utf-8"))
texts = st.one_of(st.text(max_size=40), st.lists(parts, max_size=12).map("".join))


def stream_of(tokenizer: Tokenizer, documents: list[str]) -> np.ndarray:
    return np.concatenate([np.empty(0, np.uint16), *(part for ids in tokenizer.encode_batch(documents) for part in ([BOS], ids))])


@given(text=texts)
@settings(max_examples=300)
def test_round_trip(tokenizer: Tokenizer, text: str) -> None:
    ids = tokenizer.encode(text)
    assert ids.dtype == np.uint16
    assert tokenizer.decode(ids) == text.encode()


@given(documents=st.lists(texts, max_size=4))
def test_bytes_of_tokens_are_bytes_of_text(tokenizer: Tokenizer, documents: list[str]) -> None:
    stream = stream_of(tokenizer, documents)
    counts = tokenizer.byte_counts(stream)
    assert counts.dtype == np.int64 and len(counts) == len(stream)
    assert counts.sum() == sum(len(text.encode()) for text in documents)
    assert tokenizer.decode(stream) == "".join(documents).encode()


@given(documents=st.lists(texts, max_size=4))
def test_a_batch_is_its_texts(tokenizer: Tokenizer, documents: list[str]) -> None:
    for together, text in zip(tokenizer.encode_batch(documents), documents, strict=True):
        np.testing.assert_array_equal(together, tokenizer.encode(text))


def test_no_mark_reaches_beyond_its_document(bpe: BpeTokenizer) -> None:
    written = [*bpe.encode("\x0fab").tolist(), BOS, *bpe.encode("cd \x0e").tolist(), BOS, *bpe.encode("ef").tolist()]
    assert CapitalsTokenizer(bpe).decode(written) == b"ABcd ef"


def test_bytes_are_shifted_by_the_specials() -> None:
    tokenizer = BytesTokenizer()
    assert tokenizer.vocab_size == 260
    assert tokenizer.encode("a\xe9").tolist() == [97 + 4, 0xC3 + 4, 0xA9 + 4]
    assert tokenizer.decode(np.arange(260)) == bytes(range(256))


def test_every_piece_counts_its_bytes(bpe: BpeTokenizer) -> None:
    """Also pieces with several spaces, which a table that strips one mark counts three times."""
    processor = sentencepiece.SentencePieceProcessor(model_proto=bpe.serialised)
    counts = bpe.byte_counts(np.repeat(np.arange(512), 2))[1::2]
    for i, count in enumerate(counts):
        expected = 0 if i < 4 else 1 if processor.is_byte(i) else len(processor.id_to_piece(i).replace("\u2581", " ").encode())
        assert count == expected
    assert any(processor.id_to_piece(i) == "\u2581" * 4 for i in range(512))


@given(documents=st.lists(st.one_of(texts, st.sampled_from([SOURCE[:500], SOURCE[3000:3900], " a  b", "x\n y "])), max_size=4))
def test_a_normalising_model_counts_what_it_decodes(normalising: bytes, documents: list[str]) -> None:
    tokenizer = BpeTokenizer(normalising)
    processor = sentencepiece.SentencePieceProcessor(model_proto=normalising)
    documents = [text.replace("\u2581", "") for text in documents]
    decoded = [processor.decode(processor.encode(text)).encode() for text in documents]
    stream = stream_of(tokenizer, documents)
    assert tokenizer.byte_counts(stream).sum() == sum(map(len, decoded))
    assert tokenizer.decode(stream) == b"".join(decoded)


@given(ids=st.lists(st.sampled_from([0, 1, 2, 3, 32, 200, 300, 301, 400, 510, 511]), max_size=30))
@settings(max_examples=40, deadline=None)
def test_bytes_are_summed(normalising: bytes, bpe: BpeTokenizer, ids: list[int]) -> None:
    for tokenizer in (bpe, BpeTokenizer(normalising)):
        assert tokenizer.total_bytes(ids) == tokenizer.byte_counts(ids).sum() == len(tokenizer.decode(ids))
        assert tokenizer.total_bytes(np.array(ids, dtype="<u2")) == len(tokenizer.decode(ids))


def test_line_ends_are_part_of_pieces(bpe: BpeTokenizer) -> None:
    assert len(bpe.encode(":\n")) == 1


def test_tokenizers_are_rebuilt_from_what_they_store(tokenizer: Tokenizer, tmp_path: Path) -> None:
    again = tokenizer_from(tokenizer.kind, tokenizer.serialised)
    assert (again.name, again.sha256) == (tokenizer.name, tokenizer.sha256)
    path = tmp_path / ("bytes" if tokenizer.kind == "bytes" else "any.model")
    path.write_bytes(tokenizer.serialised)
    loaded = load_tokenizer(path)
    assert loaded.sha256 == tokenizer.sha256
    np.testing.assert_array_equal(loaded.encode(SOURCE[:999]), tokenizer.encode(SOURCE[:999]))


def test_the_byte_tokenizer_needs_no_file() -> None:
    assert load_tokenizer(Path("bytes")).vocab_size == 260


@pytest.mark.parametrize("name", ["broken.model", "bytes"])
@pytest.mark.parametrize("data", [b"", b"nothing of the kind", bytes(99)])
def test_a_corrupt_tokenizer(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=rf"{name}: .*expected .*, found"):
        load_tokenizer(tmp_path / name)


def test_a_truncated_model(bpe: BpeTokenizer) -> None:
    for size in range(0, len(bpe.serialised), 97):
        with pytest.raises(InputError, match="tokenizer: expected"):
            BpeTokenizer(bpe.serialised[:size])


def test_a_damaged_model_is_refused_or_works(bpe: BpeTokenizer) -> None:
    random = np.random.default_rng(0)
    for at, value in zip(random.integers(len(bpe.serialised), size=300), random.integers(256, size=300), strict=True):
        damaged = bytearray(bpe.serialised)
        damaged[at] = value
        with suppress(InputError):
            tokenizer = BpeTokenizer(bytes(damaged))
            tokenizer.byte_counts(tokenizer.encode("def f(): \u2581 é"))


def test_a_missing_tokenizer(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.model: expected a tokenizer, found No such file"):
        load_tokenizer(tmp_path / "none.model")


def test_a_foreign_bos() -> None:
    with pytest.raises(InputError, match="expected BOS to be id 1, found 2"):
        BpeTokenizer(foreign_model(bos_id=2, eos_id=1))
    with pytest.raises(InputError, match="expected BOS to be id 1, found no BOS"):
        BpeTokenizer(foreign_model(bos_id=-1))


def test_ids_outside_the_vocabulary(tokenizer: Tokenizer) -> None:
    for act in (tokenizer.decode, tokenizer.byte_counts, tokenizer.total_bytes):
        with pytest.raises(InputError, match=f"below the vocabulary size {tokenizer.vocab_size}, found {tokenizer.vocab_size}"):
            act([5, tokenizer.vocab_size])
        with pytest.raises(InputError, match="found -1"):
            act([5, -1])
