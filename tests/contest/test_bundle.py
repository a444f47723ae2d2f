"""The script that carries the part of this package that it needs."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pyppmd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytegolf.contest.bundle import MEMORY, Entry, bundle, literal, packed
from bytegolf.contest.source import read_source
from bytegolf.recipes import load_recipe, recipe_names

SMALL = Entry("bytegolf.recipes.toml", "recipe_toml")
WHOLE = Entry("bytegolf.flow.contest_script", "main")
CALL = "import sys, train_gpt; train_gpt.unpack(sys.argv[1])"


@given(st.binary(max_size=300) | st.lists(st.sampled_from([b"'", b"\\", b"\n", b"\r", b"\0", b"1"])).map(b"".join))
def test_any_bytes_stand_in_a_string(data: bytes) -> None:
    source = b"# coding: latin-1\nx = '''" + literal(data).encode("latin-1") + b"'''\n"
    space: dict[str, str] = {}
    exec(compile(source, "script", "exec"), space)
    assert space["x"].encode("latin-1") == data


def test_the_code_part_of_a_submission() -> None:
    largest = max((load_recipe(name).model_dump(exclude_defaults=True, exclude={"description"}) for name in recipe_names()), key=repr_size)
    settings: dict[str, object] = {"recipe": largest, "protocol": "streaming"}
    script = bundle(WHOLE, settings)
    assert len(script) <= 60_000 and script == bundle(WHOLE, settings)


def test_an_order_that_does_not_decode_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    compress = pyppmd.compress

    def damaged(data: bytes, *, max_order: int, mem_size: int) -> bytes:
        made: bytes = compress(data, max_order=max_order, mem_size=mem_size)
        return made[:3] + bytes(9) if max_order > 14 else made

    monkeypatch.setattr(pyppmd, "compress", damaged)
    text = b"def f(x):\n    return x\n" * 50
    data, order = packed(text)
    assert order == 14 and pyppmd.decompress(data, max_order=14, mem_size=MEMORY) == text


def repr_size(value: object) -> int:
    return len(repr(value))


def test_a_script_holds_what_it_needs_and_no_more(tmp_path: Path) -> None:
    script = tmp_path / "train_gpt.py"
    script.write_bytes(bundle(SMALL, {"text": "ü'\n"}))
    assert "SETTINGS" in read_source(script).text, "a review can read it"
    subprocess.run([sys.executable, "-c", CALL, "out"], cwd=tmp_path, check=True, env={**os.environ, "PYTHONPATH": str(tmp_path)})
    written = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.py")}
    assert {"bytegolf/__init__.py", "bytegolf/recipes/toml.py", "bytegolf/recipe_table.py"} <= written
    assert not any("training" in name or "cli" in name for name in written)
    for name in written:
        ast.parse((tmp_path / "out" / name).read_text())
