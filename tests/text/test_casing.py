"""Marked capitals give every text back, and a mark is the only byte that stands for none."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytegolf.text.casing import Casing, CasingReader, Marked

TEXTS = st.text() | st.text(alphabet="aBcDE \x0e\x0f\x10012é.")
BYTES = st.binary() | st.lists(st.sampled_from([b"\x0e", b"\x0f", b"\x10", b" ", b"a", b"zz", b"0", b"3", b"B", b"\xc3"])).map(b"".join)
CASINGS = pytest.mark.parametrize("casing", [Casing(), Marked()])


@CASINGS
@given(text=TEXTS)
def test_gives_text_back(casing: Casing, text: str) -> None:
    written, data = casing.mark(text).encode("utf-8", "surrogatepass"), text.encode("utf-8", "surrogatepass")
    assert casing.unmark(written) == data
    assert sum(byte not in casing.marks for byte in written) == len(data)


@given(text=TEXTS)
def test_no_capital_is_left(text: str) -> None:
    assert not any("A" <= letter <= "Z" for letter in Marked().mark(text))


@CASINGS
@given(data=BYTES)
def test_each_byte_but_a_mark_stands_for_one(casing: Casing, data: bytes) -> None:
    """Also in what no text becomes: a model may write anything."""
    assert len(casing.unmark(data)) == sum(byte not in casing.marks for byte in data)


@CASINGS
@given(data=BYTES, cuts=st.lists(st.integers(0, 40)))
def test_read_as_it_comes(casing: Casing, data: bytes, cuts: list[int]) -> None:
    reader, bounds = CasingReader(casing), [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    assert b"".join(reader.read(data[begin:end]) for begin, end in pairwise(bounds)) == casing.unmark(data)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("The USA.", "\x0ethe\x0f usa."),
        (" A hat, McCoy", "\x0e a hat,\x0e mc\x0ecoy"),
        ("HTTPServer", "\x0eh\x0et\x0et\x0ep\x0eserver"),
        ("\x0e", "\x100"),
        ("É", "É"),
    ],
)
def test_marks_stand_before_words_and_their_spaces(text: str, written: str) -> None:
    assert Marked().mark(text) == written
    assert Marked().unmark(written.encode()) == text.encode()
