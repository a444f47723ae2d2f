"""Whatever pieces a vocabulary has and lacks, its tokens never stand for more bytes than the text had, or it is refused."""

import io
from functools import cache
from pathlib import Path

import pytest
import sentencepiece
from hypothesis import given, settings
from hypothesis import strategies as st

from bytegolf.config import BOS
from bytegolf.errors import InputError
from bytegolf.text.dataset import open_data
from bytegolf.text.prepare import prepare_text
from bytegolf.text.sentencepiece_bytes import SPACE_MARK
from bytegolf.text.shards import ShardWriter
from bytegolf.text.tokenizer import BpeTokenizer
from support.corpora import SOURCE, foreign_model, write_jsonl
from support.sentencepiece_models import pieces, unused, without

DAMAGE = {
    "no space": lambda piece: piece == SPACE_MARK,
    "no spaces at all": lambda piece: SPACE_MARK in piece,
    "no bytes": lambda piece: piece.startswith("<0x"),
    "half of the bytes": lambda piece: piece.startswith("<0x") and int(piece[3:5], 16) % 2 == 0,
    "no digits": lambda piece: piece.isdigit(),
    "only letters": lambda piece: len(piece) > 1 and piece.isascii() and not piece.startswith("<"),
}


@cache
def model(kind: str, normalisation: str, prefix: bool, folds: bool, fallback: bool, across: bool) -> bytes:
    trained = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(SOURCE.splitlines()), model_writer=trained, model_type=kind, vocab_size=400, minloglevel=2,
        byte_fallback=fallback, normalization_rule_name=normalisation, add_dummy_prefix=prefix, remove_extra_whitespaces=folds,
        split_by_whitespace=not across, pad_id=0, bos_id=BOS, eos_id=2, unk_id=3,
    )  # fmt: skip
    return trained.getvalue()


models = st.builds(model, st.sampled_from(["bpe", "unigram"]), st.sampled_from(["identity", "nmt_nfkc", "nfkc_cf"]), *[st.booleans()] * 4)
damages = st.tuples(st.sampled_from([without, unused]), st.sets(st.sampled_from(sorted(DAMAGE)), max_size=2))
alphabet = st.sampled_from(["a", "E", " ", "  ", "\n", "7", "é", "ﬁ", "½", "㍿", "\u00a0", SPACE_MARK, "\ufffd", "def ", "self", "😀"])
texts = st.lists(alphabet, min_size=1, max_size=30).map("".join)


def damaged(plain: bytes, damage: tuple[object, set[str]]) -> bytes:
    change, names = damage
    for name in names:
        plain = change(plain, DAMAGE[name])  # type: ignore[operator]
    return plain


@given(plain=models, damage=damages, documents=st.lists(texts, min_size=2, max_size=4))
@settings(max_examples=60)
def test_no_score_rests_on_bytes_that_are_not_the_texts(
    tmp_path_factory: pytest.TempPathFactory, plain: bytes, damage: tuple[object, set[str]], documents: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    (folder / "any.model").write_bytes(damaged(plain, damage))
    documents = [f"{i} {text}" for i, text in enumerate(documents)]
    source, true_bytes = str(write_jsonl(folder / "a.jsonl", documents)), len(documents[0].encode())
    for normalised in (False, True):
        try:
            out = folder / f"data-{normalised}"
            manifest = prepare_text([source], out, tokenizer=folder / "any.model", val_docs=1, normalised=normalised)
        except InputError:
            continue
        assert open_data(out).val_bytes == manifest.val_bytes <= true_bytes
        assert manifest.val_bytes == true_bytes or normalised
        assert manifest.val_original_bytes == (true_bytes if normalised else None)


@given(plain=models, damage=damages, text=texts)
@settings(max_examples=60)
def test_bare_shards_count_what_sentencepiece_decodes(
    tmp_path_factory: pytest.TempPathFactory, plain: bytes, damage: tuple[object, set[str]], text: str
) -> None:
    folder, changed = tmp_path_factory.mktemp("any"), damaged(plain, damage)
    (folder / "any.model").write_bytes(changed)
    try:
        BpeTokenizer(changed)
    except InputError:
        return
    processor = sentencepiece.SentencePieceProcessor(model_proto=changed)
    ids = processor.encode(text)
    with ShardWriter(folder, "val") as writer:
        writer.write([BOS, *ids])
    try:
        counted = open_data(folder).val_bytes
    except InputError:
        return
    known = "".join(processor.decode([token]) for token in ids if token == processor.unk_id())
    assert counted == len(processor.decode(ids).encode()) - len(known.encode())


def test_a_vocabulary_without_a_space_is_refused() -> None:
    """It writes each space as the three bytes of U+2581."""
    whole = foreign_model(add_dummy_prefix=False, remove_extra_whitespaces=False, normalization_rule_name="identity")
    assert SPACE_MARK in pieces(whole)
    for change in (without, unused):
        with pytest.raises(InputError, match=r"expected tokens of at most the \d+ bytes .* lacks a piece for the space and writes U\+2581"):
            BpeTokenizer(change(whole, DAMAGE["no space"]))


def test_a_normalisation_that_lengthens_the_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "any.model").write_bytes(foreign_model(normalization_rule_name="nfkc"))
    source = str(write_jsonl(tmp_path / "a.jsonl", ["㍿㍿", "plain"]))
    with pytest.raises(
        InputError, match="expected tokens of at most the 6 bytes of the held-out documents, found 24: it makes text longer"
    ):
        prepare_text([source], tmp_path / "data", tokenizer=tmp_path / "any.model", val_docs=1, normalised=True)
    assert not (tmp_path / "data").exists()
