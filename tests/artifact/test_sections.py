"""The outside of a file, whatever its sections hold."""

import struct

import numpy as np
import pytest

from bytegolf.artifact.sections import ArrayReader, SectionReader, checked_body, checksum_of, join_sections
from bytegolf.errors import InputError

SECTIONS = {"first": b"abc", "empty": b"", "last": bytes(300)}
LAST = b"checksum"


def test_sections_come_back() -> None:
    file = join_sections(SECTIONS, LAST)
    assert file.sections == {"container": 24, "first": 7, "empty": 4, "last": 304} and sum(file.sections.values()) == len(file.data)
    reader = SectionReader(checked_body(file.data, "a.bgz"))
    assert {name: reader.take(name) for name in SECTIONS} == SECTIONS and reader.take_checksum() == LAST


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda data: data[:10], "does not begin like one"),
        (lambda data: b"PK" + data[2:], "does not begin like one"),
        (lambda data: data[:3] + b"\x07" + data[4:], "artifact version 1, found version 7"),
        (lambda data: data[:-1], "cut or padded"),
        (lambda data: data + b"\0", "cut or padded"),
        (lambda data: data[:-1] + b"!", "altered bytes"),
    ],
)
def test_other_files_are_refused_by_name(change: object, expected: str) -> None:
    with pytest.raises(InputError, match=rf"^a\.bgz: expected .*{expected}"):
        checked_body(change(join_sections(SECTIONS, LAST).data), "a.bgz")  # type: ignore[operator]


def test_a_section_that_is_not_there() -> None:
    body = checked_body(join_sections({"first": b"abc"}, b"").data, "a.bgz")
    reader = SectionReader(body)
    reader.take("first")
    with pytest.raises(ValueError, match="section second is missing"):
        reader.take("second")
    with pytest.raises(ValueError, match="section first is cut"):
        SectionReader(struct.pack("<I", 4) + b"abc").take("first")


@pytest.mark.parametrize("last", [b"", b"7 bytes", b"9 bytes .."])
def test_a_file_ends_with_a_checksum(last: bytes) -> None:
    with pytest.raises(ValueError, match="after the last section"):
        SectionReader(last).take_checksum()


def test_arrays_are_used_up() -> None:
    reader = ArrayReader(np.arange(5, dtype="<f4").tobytes(), "<f4")
    np.testing.assert_array_equal(reader.take(2), [0, 1])
    with pytest.raises(ValueError, match="too long"):
        reader.close()
    with pytest.raises(ValueError, match="too short"):
        reader.take(4)
    np.testing.assert_array_equal(reader.take(3), [2, 3, 4])
    reader.close()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_arrays_are_finite(value: float) -> None:
    with pytest.raises(ValueError, match="not finite"):
        ArrayReader(np.array([1, value], "<f2").tobytes(), "<f2")


def test_checksums_have_eight_bytes() -> None:
    assert len(checksum_of(b"")) == 8 and checksum_of(b"a") != checksum_of(b"b")
