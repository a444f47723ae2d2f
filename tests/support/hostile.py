"""How a file that was made to do harm has to end, and the parts of such files."""

import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from bytegolf.artifact.container import read_artifact
from bytegolf.errors import InputError
from support.artifacts import deflated, header_of

MEMORY = 200_000_000
SECONDS = 2.0

Sections = dict[str, bytes]
Change = Callable[[bytes], Sections]  # of a sound file, the sections that are other than in it


def refuse(data: bytes, expected: str) -> None:
    """In one line, soon and in little memory."""
    tracemalloc.start()
    started = time.perf_counter()
    try:
        with pytest.raises(InputError, match=rf"^a\.bgz: expected .*{expected}") as raised:
            read_artifact(data, "a.bgz")
        seconds, peak = time.perf_counter() - started, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "\n" not in str(raised.value)
    assert peak < MEMORY
    assert seconds < SECONDS


def with_storage(**changes: Any) -> Change:
    """A header that says other things of the weights."""

    def change(sound: bytes) -> Sections:
        header = header_of(sound)
        return {"header": deflated({**header, "weights": {**header["weights"], **changes}})}

    return change
