"""Digests are found, with all their numbers, and nothing else is."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from bytegolf.text.digests import Digests

short = st.lists(st.binary(min_size=2, max_size=2).map(lambda data: bytes(byte % 3 for byte in data)))  # zeros at the end, and copies


@given(given=short, asked=short)
def test_as_a_list_would_tell(given: list[bytes], asked: list[bytes]) -> None:
    digests = Digests(b"".join(given), 2)
    assert len(digests) == len(given)
    for digest in [*given, *asked]:
        assert digests.numbers(digest).tolist() == [number for number, other in enumerate(given) if other == digest]
        assert (digest in digests) == (digest in given)


def test_real_ones() -> None:
    given = [hashlib.sha256(bytes([number])).digest() for number in range(200)]
    digests = Digests(bytearray(b"".join(given[:100])), 32)
    assert all((digest in digests) == (number < 100) for number, digest in enumerate(given))
