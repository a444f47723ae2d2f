"""Files of every version with bytes changed, lost and added, under checksums that are right: read, or refused in one line."""

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bytegolf.artifact.container import Artifact, read_artifact
from bytegolf.errors import InputError
from support.artifacts import join, seal, split

GOLDEN = {version: Path(__file__).with_name(f"golden-v{version}.bgz").read_bytes() for version in (1, 2, 3)}
ORIGINAL = {version: read_artifact(data) for version, data in GOLDEN.items()}
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


@pytest.mark.parametrize("version", GOLDEN)
@given(edits=edits)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_bytes(version: int, edits: list[Edit]) -> None:
    """Without a checksum that fits all that is not the file itself is refused."""
    data = edited(GOLDEN[version], edits)
    assert read_or_refused(data) is None or data == GOLDEN[version]


@pytest.mark.parametrize("version", GOLDEN)
@given(edits=edits)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_body(version: int, edits: list[Edit]) -> None:
    """What is behind the preamble, sealed anew."""
    found = read_or_refused(seal(edited(GOLDEN[version][16:], edits), version))
    assert found is None or list(found.weights) == list(ORIGINAL[version].weights)


@pytest.mark.parametrize("version", GOLDEN)
def test_any_section(version: int) -> None:
    """One section changed at a time, its length put right, the last checksum too where there is one to put right."""
    rng, sections = random.Random(version), split(GOLDEN[version])
    refused = 0
    for _ in range(150):
        name = rng.choice([name for name in sections if sections[name]])
        kind = rng.choice(KINDS)
        changed = edited(sections[name], [(kind, rng.random(), rng.randbytes(rng.randint(1, 8)))])
        refused += read_or_refused(join({**sections, name: changed}, version)) is None
    assert refused > 100
