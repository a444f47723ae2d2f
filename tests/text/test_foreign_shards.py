"""Shards made elsewhere get the tokenizer they are of, and bytes that can be relied on, or are refused."""

from pathlib import Path

import numpy as np
import pytest

from bytegolf.config import BOS
from bytegolf.errors import InputError
from bytegolf.text.dataset import open_data
from bytegolf.text.shards import ShardWriter
from bytegolf.text.tokenizer import BpeTokenizer, Tokenizer
from support.corpora import SOURCE, TEXTS, contest_folder, put


def test_a_contest_folder(tmp_path: Path, bpe: BpeTokenizer) -> None:
    folder = contest_folder(tmp_path / "datasets", "fineweb10B_sp512", bpe)
    for name in ("fineweb_1024_bpe", "fineweb_512_bpe", "fineweb_5120_bpe"):
        put(tmp_path / "datasets" / "tokenizers" / f"{name}.model", bpe.serialised if name == "fineweb_512_bpe" else b"other")
    data = open_data(folder)
    assert data.tokenizer.sha256 == bpe.sha256
    assert (data.manifest, data.val_text()) == (None, None)
    assert data.val_bytes == len("".join(TEXTS))
    assert data.bytes_per_token == data.val_bytes / len(data.val)
    np.testing.assert_array_equal(data.val[:], np.concatenate([[BOS, *bpe.encode(text)] for text in TEXTS]))
    np.testing.assert_array_equal(data.val[:], data.train[:])


@pytest.mark.parametrize("place", [".", "../tokenizers", "../../tokenizers"])
def test_the_only_tokenizer_is_taken(tmp_path: Path, bpe: BpeTokenizer, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = contest_folder(tmp_path / "root", "words", bpe)
    put((folder / place).resolve() / "any.model", bpe.serialised)
    assert open_data(folder).tokenizer.sha256 == bpe.sha256
    monkeypatch.chdir(folder)
    assert open_data(Path()).tokenizer.sha256 == bpe.sha256


def test_a_tokenizer_that_must_be_named(tmp_path: Path, bpe: BpeTokenizer) -> None:
    folder = contest_folder(tmp_path / "root", "words", bpe)
    with pytest.raises(InputError, match=r"tokenizer: expected one in .*words or in tokenizers beside it, found none; say which"):
        open_data(folder)
    first, second = (put(folder / f"{name}.model", bpe.serialised) for name in "ab")
    with pytest.raises(InputError, match=f"found {first}, {second}; say which"):
        open_data(folder)
    assert open_data(folder, second).tokenizer.sha256 == bpe.sha256


def test_a_tokenizer_of_another_size(tmp_path: Path, bpe: BpeTokenizer) -> None:
    folder = contest_folder(tmp_path / "root", "fineweb10B_sp1024", bpe)
    put(folder / "any.model", bpe.serialised)
    with pytest.raises(InputError, match=r"any\.model: expected a vocabulary of 1024 for .*, found 512"):
        open_data(folder)


def test_contest_bytes(tmp_path: Path, tokenizer: Tokenizer) -> None:
    folder = contest_folder(tmp_path / "root", "fineweb10B_byte260", tokenizer)
    assert open_data(folder).tokenizer.kind == "bytes"


def test_a_sample_that_decodes_to_another_text(tmp_path: Path, normalising: bytes) -> None:
    """A model that folds spaces drops all that begin a text; its tokens never hold two, unless somebody else wrote them."""
    tokenizer = BpeTokenizer(normalising)
    folder = contest_folder(tmp_path / "root", "words", tokenizer, ["one two"])
    given = put(tmp_path / "any.model", normalising)
    assert open_data(folder, given).val_bytes == len("one two")
    space = tokenizer.encode("a \u4e00").tolist()[1]
    assert tokenizer.decode([space + 0, 5]) is not None
    with ShardWriter(folder, "fineweb_val") as writer:
        writer.write([BOS, space, space, *tokenizer.encode("x")])
    with pytest.raises(InputError, match="expected the bytes of its pieces to make the text that SentencePiece decodes, found ' x'"):
        _ = open_data(folder, given).val_bytes


def test_tokens_in_whose_text_spaces_are_lost(tmp_path: Path, bpe: BpeTokenizer) -> None:
    folder = contest_folder(tmp_path / "root", "words", bpe, ["he\u2581was\u2581here"])
    with pytest.raises(InputError, match=r"expected spaces in the text that the tokens stand for, found U\+2581"):
        _ = open_data(folder, put(tmp_path / "any.model", bpe.serialised)).val_bytes


def test_a_text_that_is_cut_inside_a_character(tmp_path: Path, bpe: BpeTokenizer) -> None:
    folder = contest_folder(tmp_path / "root", "words", bpe)
    with ShardWriter(folder, "fineweb_val") as writer:
        writer.write([BOS, *bpe.encode(SOURCE[:200]), *bpe.encode("é")[:1]])
    assert open_data(folder, put(tmp_path / "any.model", bpe.serialised)).val_bytes == 201
