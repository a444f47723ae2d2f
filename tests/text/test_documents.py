"""Documents, and the remarks of a pass over a corpus."""

import pytest

from bytegolf.errors import InputError
from bytegolf.text.documents import LISTED, Document, Remarks


def test_the_key_of_a_record_is_its_text() -> None:
    assert Document("a.txt", "words").key == "a.txt"
    assert Document("a.jsonl:3", "words", record=True).key == "words"


def test_bad_records_end_the_pass_unless_they_are_skipped() -> None:
    with pytest.raises(InputError, match="a: line 3: expected text"):
        Remarks().skip(InputError("a: line 3: expected text"))
    remarks = Remarks(skip_bad=True)
    for number in range(LISTED + 5):
        remarks.skip(InputError(f"line {number}"))
    assert (remarks.num_bad, len(remarks.bad), remarks.bad[-1]) == (LISTED + 5, LISTED, f"line {LISTED - 1}")
    assert list(remarks.lines()) == ["bad records and files skipped: 1,005, the first line 0"]


def test_what_is_noted_is_told_once_for_each_kind() -> None:
    remarks = Remarks()
    for what, place in (("hidden files left out", ".a"), ("empty texts left out", "b: line 1"), ("hidden files left out", ".c")):
        remarks.note(what, place)
    assert list(remarks.lines()) == ["hidden files left out: 2, the first .a", "empty texts left out: 1, the first b: line 1"]
