"""What tokens decode to and the bytes they count are read from one table."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytegolf.errors import InputError
from bytegolf.text.bytetable import ByteTable

INSIDE = [b"", b"", b"a", b" a", b"\xc3\xa9", b" "]
AT_START = [b"", b"", b"a", b"a", b"\xc3\xa9", b""]  # a decoder that drops a leading space
TABLE = ByteTable(INSIDE, AT_START, control=[False, True, False, False, False, False])


def test_a_leading_space_is_dropped_at_the_start_of_a_document() -> None:
    assert TABLE.decode([3, 3, 1, 3, 2, 5]) == b"a aaa "
    assert TABLE.byte_counts([3, 3, 1, 3, 2, 5]).tolist() == [1, 2, 0, 1, 1, 1]


def test_a_token_without_text_that_is_no_control_starts_no_document() -> None:
    assert TABLE.decode([2, 0, 3]) == b"a a"


@given(ids=st.lists(st.integers(0, 5), max_size=20))
def test_counts_are_those_of_the_decoded_bytes(ids: list[int]) -> None:
    counts = TABLE.byte_counts(ids)
    assert counts.shape == (len(ids),) and counts.dtype == np.int64
    assert counts.sum() == TABLE.total_bytes(ids) == len(TABLE.decode(ids))


@pytest.mark.parametrize("wrong", [-1, 6])
def test_ids_outside_the_vocabulary(wrong: int) -> None:
    for act in (TABLE.decode, TABLE.byte_counts, TABLE.total_bytes):
        with pytest.raises(InputError, match=f"tokens: expected ids below the vocabulary size 6, found {wrong}"):
            act([2, wrong])
