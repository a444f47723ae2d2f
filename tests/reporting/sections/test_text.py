"""Bits along the text."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytegolf.errors import InputError
from bytegolf.reporting.sections.text import POINTS, along_section, binned, coloured_section
from bytegolf.text.tokenizer import BytesTokenizer
from support.reports import ParsedPage, a_course, a_run


@given(st.lists(st.tuples(st.integers(0, 50), st.floats(0, 100)), min_size=1, max_size=300))
def test_no_bit_is_lost_between_slices(slices: list[tuple[int, float]]) -> None:
    """Bits of slices without a byte are counted with those of the next."""
    sizes, bits = [size for size, _ in slices], [cost for _, cost in slices]
    xs, ys = binned(sizes, bits)
    assert len(xs) <= POINTS and xs == sorted(xs)
    lengths = [end - start for start, end in zip([0.0, *xs], xs, strict=False)]
    counted = sum(length * y for length, y in zip(lengths, ys, strict=True))
    last = max((number for number, size in enumerate(sizes) if size), default=-1)
    assert counted <= sum(bits) + 1e-6
    if last == len(sizes) - 1:
        assert counted == pytest.approx(sum(bits), abs=1e-6) and xs[-1] == sum(sizes)


def test_what_experts_save() -> None:
    """Half the bits, whose mean is 2 by a text whose costs are 0 to 4."""
    page = ParsedPage(along_section([a_run(courses=[a_course("x" * 100)])]))
    assert "sliding, experts: 2.000 bits per byte saved, 2.000 over the first tenth and 2.000 over the last." in page.text["li"]
    assert {"sliding, the model alone", "sliding, with experts"} <= set(page.text["li"].split("\n"))


@pytest.mark.parametrize(("protocol", "name"), [("ttt", "test-time training"), ("lora", "low-rank adaptation")])
def test_what_learning_saves(protocol: str, name: str) -> None:
    """Against the windows of sliding by the same file."""
    sliding = a_course("x" * 100, experts=False)
    learned = sliding.model_copy(update={"protocol": protocol, "slice_bits": [bits / 2 for bits in sliding.slice_bits]})
    page = ParsedPage(along_section([a_run(courses=[sliding, learned])]))
    assert f"{name}, the model alone: 1.000 bits per byte saved, 1.000 over the first tenth" in page.text["li"]
    other = learned.model_copy(update={"sha256": "of another file"})
    assert "saved" not in along_section([a_run(courses=[sliding, other])])


def test_nothing_kept_is_no_section() -> None:
    assert along_section([a_run(courses=[])]) == "" and coloured_section([a_run(courses=[])]) == ""


def test_no_tokenizer_no_text() -> None:
    assert coloured_section([a_run()]) == ""


def test_tokens_of_another_vocabulary(tmp_path: Path) -> None:
    (tmp_path / "bytes").write_bytes(BytesTokenizer().serialised)
    course = a_course("ab").model_copy(update={"first_tokens": [1, 99, 9999]})
    with pytest.raises(InputError, match=r"bits-sliding\.json: tokens: expected ids below the vocabulary size 260, found 9999"):
        coloured_section([a_run(folder=tmp_path, courses=[course])])
