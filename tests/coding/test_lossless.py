"""Any bytes, by any tokenizer, come back as they were."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bytegolf.coding.lossless import STRETCH, Lossless
from bytegolf.text.tokenizer import Tokenizer
from support.proofs import SENTENCES, foreign, own, tokenizers, without_bytes

TRICKY = [
    b"",
    b"\x00",
    b" ",
    b"  two  spaces  ",
    b"\n\t\r\n",
    "\u2581 a mark that stands for spaces".encode(),
    "ﬁ ligatures Å and e\u0301 that are normalised, \ufeff \u200b".encode(),
    b"\xff\xfe broken \xc3",
    b"\xed\xa0\x80 a surrogate",
    b"The USA, iPhone McCoy A \x0e\x0f\x10 \xffAB",
    "\U0010ffff \U0001f600".encode(),
    bytes(range(256)),
    "\n".join(SENTENCES).encode(),
    ("x" * (STRETCH - 1) + "é").encode(),
]


@pytest.mark.parametrize("tokenizer", tokenizers(), ids=("own", "marking", "foreign", "bytes"))
@pytest.mark.parametrize("data", TRICKY, ids=range(len(TRICKY)))
def test_tricky_bytes_come_back(tokenizer: Tokenizer, data: bytes) -> None:
    text = Lossless(tokenizer)
    assert text.decode(text.encode(data).tokens) == data


@given(data=st.lists(st.binary(max_size=20) | st.text(max_size=20).map(lambda text: text.encode()) | st.sampled_from(TRICKY[:11])))
@settings(deadline=None, max_examples=60)
def test_any_bytes_come_back(data: list[bytes]) -> None:
    for tokenizer in tokenizers():
        text = Lossless(tokenizer)
        assert text.decode(text.encode(b"".join(data)).tokens) == b"".join(data)


def test_text_is_tokens_as_the_tokenizer_makes_them() -> None:
    data = "\n".join(SENTENCES).encode()[:10_000]
    spelling = Lossless(own()).encode(data)
    assert spelling.spelled == 0
    assert spelling.tokens.tolist() == own().encode(data.decode(errors="ignore")).tolist()


def test_only_what_a_tokenizer_changes_is_spelled() -> None:
    data = ("plain words and " * 200 + "two  spaces" + " and plain words" * 200).encode()
    spelling = Lossless(foreign()).encode(data)
    assert 0 < spelling.spelled < 10
    assert len(spelling.tokens) < len(data)


def test_a_tokenizer_without_bytes_gives_up() -> None:
    spelling = Lossless(without_bytes()).encode(b"\xff" * 10)
    assert spelling.spelled == 10 and len(spelling.tokens) == 0
    assert np.asarray(Lossless(without_bytes()).encode(SENTENCES[0].encode()).spelled) == 0


def test_data_with_too_little_text_is_not_tokenised() -> None:
    data = b"words" * 20 + b"\xff" * 50
    given_up = Lossless(own()).encode(data, most_spelled=0.3)
    assert (len(given_up.tokens), given_up.spelled) == (0, 150)
    assert Lossless(own()).encode(data, most_spelled=0.4).spelled == 50
