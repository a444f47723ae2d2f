"""The head of a `.bgc` file comes back, or says what is wrong with it."""

import io

import pytest

from bytegolf.coding.bgc_file import BLOCKS, MAGIC, SHORT_DIGEST_BYTES, Head, UnreadableError, digest, read_exactly
from bytegolf.errors import InputError

ARTIFACT = digest(b"an artifact", SHORT_DIGEST_BYTES)
HEAD = Head(BLOCKS, ARTIFACT)


def test_a_head_comes_back_and_leaves_what_follows() -> None:
    file = io.BytesIO(HEAD.to_bytes() + b"rest")
    assert Head.read(file) == HEAD
    assert file.read() == b"rest"


def test_a_head_that_is_cut_short_is_unreadable() -> None:
    written = HEAD.to_bytes()
    for length in range(len(written)):
        with pytest.raises(UnreadableError, match="something else" if length < len(MAGIC) else "cut short"):
            Head.read(io.BytesIO(written[:length]))


def test_another_artifact_is_refused() -> None:
    HEAD.require_artifact(ARTIFACT, "file")
    with pytest.raises(InputError, match=f"file: expected the artifact it was made with, {ARTIFACT.hex()}, found 00000000"):
        HEAD.require_artifact(bytes(4), "file")


def test_no_fewer_bytes_are_read_than_were_asked_for() -> None:
    file = io.BytesIO(b"abc")
    assert read_exactly(file, 2) == b"ab"
    with pytest.raises(UnreadableError, match="cut short"):
        read_exactly(file, 2)
