"""Files of either kind with bytes changed, lost and added, under checksums that are right: read, or refused in one line."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bytegolf.artifact.container import Artifact, read_artifact
from bytegolf.errors import InputError
from support.artifacts import join, seal, split
from support.golden_artifacts import GOLDEN

FILES = {kind: golden.file.read_bytes() for kind, golden in GOLDEN.items()}
Edit = tuple[str, float, bytes]  # what is done, where from 0 to 1, with which bytes

KINDS = ["change", "insert", "delete", "cut"]

edits = st.lists(st.tuples(st.sampled_from(KINDS), st.floats(0, 1), st.binary(min_size=1, max_size=8)), min_size=1, max_size=4)


def edited(data: bytes, edits: list[Edit]) -> bytes:
    for kind, where, given_bytes in edits:
        at = int(where * len(data))
        if kind == "change":
            data = data[:at] + given_bytes + data[at + len(given_bytes) :]
        elif kind == "insert":
            data = data[:at] + given_bytes + data[at:]
        elif kind == "delete":
            data = data[:at] + data[at + len(given_bytes) :]
        else:
            data = data[:at]
    return data


def read_or_refused(data: bytes) -> Artifact | None:
    """Raises what nobody should."""
    try:
        return read_artifact(data, "file")
    except InputError as error:
        assert str(error).startswith("file: expected ") and "\n" not in str(error)
        return None


@pytest.mark.parametrize("kind", FILES)
@given(edits=edits)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_bytes(kind: str, edits: list[Edit]) -> None:
    """Without a checksum that fits all that is not the file itself is refused."""
    data = edited(FILES[kind], edits)
    assert read_or_refused(data) is None or data == FILES[kind]


@pytest.mark.parametrize("kind", FILES)
@given(edits=edits)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_body(kind: str, edits: list[Edit]) -> None:
    """What is behind the preamble, sealed anew."""
    found = read_or_refused(seal(edited(FILES[kind][16:], edits)))
    assert found is None or list(found.weights.stacks) == list(GOLDEN[kind].artifact.weights.stacks)


@pytest.mark.parametrize("kind", FILES)
def test_any_section(kind: str) -> None:
    """One section changed at a time, its length put right, the last checksum too where there is one to put right."""
    rng, sections = random.Random(kind), split(FILES[kind])
    refused = 0
    for _ in range(150):
        name = rng.choice([name for name in sections if sections[name]])
        damage = rng.choice(KINDS)
        changed = edited(sections[name], [(damage, rng.random(), rng.randbytes(rng.randint(1, 8)))])
        refused += read_or_refused(join({**sections, name: changed})) is None
    assert refused > 100
