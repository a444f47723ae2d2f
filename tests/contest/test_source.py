"""Python of any version is read; what is none is refused in one line."""

from pathlib import Path

import pytest

from bytegolf.contest.source import MAX_SOURCE_BYTES, read_source, source_of
from bytegolf.errors import InputError

NEWER = """x = {"a": 1}
def f[T](value: T) -> T:
    print(f"{x["a"]} {'\\n'.join(["b"])}", "and" f"{x["a"]}")
    y = f'''{
        x["a"]} {"\\""}
    '''
    return value
type Number = int
class Box[T]: pass
try:
    pass
except ValueError, TypeError:
    last = 13
z = t"hi {x["a"]}"
"""


def test_newer_syntax_keeps_names_and_lines() -> None:
    source = source_of(NEWER, "train_gpt.py", "train_gpt.py")
    assert source.text == NEWER and source.line(13) == "last = 13"
    assert {node.lineno for node in source.tree.body} == {1, 2, 8, 9, 10, 14}


def test_a_declared_encoding_is_read(tmp_path: Path) -> None:
    (tmp_path / "train_gpt.py").write_bytes(b"#!/usr/bin/env python\n# -*- coding: latin-1 -*-\nx = '\xff\x85'\n")
    assert "\u00ff\u0085" in read_source(tmp_path / "train_gpt.py").text


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"# coding: rot13\nx = 1\n", "expected Python in UTF-8 or Latin-1, found rot13"),
        (b"def f(:\n", "invalid syntax in line 1"),
        (b"x = 1\n\xff\n", "expected Python in UTF-8, found byte 0xff at 6"),
        (b"x = '\0'\n", "zero byte"),
        (b"x = " + b"-" * 100_000 + b"1\n", "too deep"),
        (b"(" * 5_000, "too many nested parentheses in line 1"),
        (b"#" * (MAX_SOURCE_BYTES + 1), "at most 8,000,000 bytes"),
    ],
)
def test_what_is_no_python_is_refused(tmp_path: Path, data: bytes, told: str) -> None:
    file = tmp_path / "train_gpt.py"
    file.write_bytes(data)
    with pytest.raises(InputError) as error:
        read_source(file)
    assert str(error.value).startswith(f"{file}: expected ") and told in str(error.value)


def test_a_device_is_not_read() -> None:
    with pytest.raises(InputError, match="/dev/zero: expected a Python file, found something that is no file"):
        read_source(Path("/dev/zero"))


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a Python file, found No such file or directory"):
        read_source(tmp_path / "nothing.py")


def test_marks_and_line_ends_of_other_systems(tmp_path: Path) -> None:
    file = tmp_path / "train_gpt.py"
    file.write_bytes(b"\xef\xbb\xbfx = 1\r\ny = 2\r\n")
    assert read_source(file).line(2) == "y = 2"
