"""JSON of every layout becomes the documents it should, in little memory, and what is none is named."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytegolf.errors import InputError
from bytegolf.text import decompress
from bytegolf.text.documents import Remarks
from support.corpora import read_documents

LAYOUTS: dict[str, Callable[[list[dict[str, str]]], str]] = {
    "lines": lambda records: "".join(json.dumps(record) + "\n" for record in records),
    "lines with blank ones": lambda records: "\r\n\n".join(json.dumps(record, ensure_ascii=False) for record in records),
    "an array": json.dumps,
    "an array of lines": lambda records: "[\n" + ",\n".join(json.dumps(record) for record in records) + "\n]\n",
    "an indented array": lambda records: "\n " + json.dumps(records, indent=2, ensure_ascii=False),
    "indented objects": lambda records: "\n".join(json.dumps(record, indent="\t") for record in records),
}
texts = st.text(st.characters(codec="utf-8"), max_size=30)
values = st.recursive(st.none() | st.booleans() | st.integers() | texts, lambda inner: st.lists(inner, max_size=2), max_leaves=4)
records = st.lists(st.fixed_dictionaries({"id": values, "text": texts, "more": st.dictionaries(texts, values, max_size=2)}), max_size=5)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("chunk", [1, 7, 1 << 18])
@given(records=records, mark=st.booleans())
def test_every_layout(tmp_path_factory: pytest.TempPathFactory, layout: str, chunk: int, records: list[dict[str, str]], mark: bool) -> None:
    path = tmp_path_factory.mktemp("json") / "a.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" * mark + LAYOUTS[layout](records).encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decompress, "CHUNK_BYTES", chunk)
        assert [text for _, text in read_documents(path)] == [record["text"] for record in records if record["text"]]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'[{"text": "one"} {"text": "two"}]', "record 2: expected a JSON object, found no comma"),
        (b'[{"text": "one"}, ', "record 2: expected a JSON object, found Expecting value"),
        (b'[{"text": "one"}', "record 2: expected a JSON object, found an array that ends early"),
        (b'[{"text": "one"}]\n[]', "record 2: expected a JSON object, found more after the end of the array"),
        (b'[{"text": "one"}, "two"]', 'record 2: expected an object with a string "text" .*, found a value of kind string'),
        (b'{\n"text": "one"\n}\n{\n"text": 2\n}', 'record 2: expected an object with a string "text" .*, found text: number'),
        (b"[" * 100_000, "record 1: expected a JSON object, found"),
        (b'[{"text": "\xff"}]', "record 1: expected a JSON object, found .* can't decode"),
    ],
)
def test_broken_json(tmp_path: Path, data: bytes, expected: str) -> None:
    (tmp_path / "a.jsonl").write_bytes(data)
    with pytest.raises(InputError, match=rf"a\.jsonl: {expected}"):
        read_documents(tmp_path / "a.jsonl")


def test_bad_records_are_skipped_and_listed(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text": "one"}\n{"text": null}\nnonsense\n{"body": "x"}\n{"text": "\\ud800"}\n\xff\n{"text": "two"}')
    remarks = Remarks(skip_bad=True)
    assert read_documents(path, remarks=remarks) == [("a.jsonl:1", "one"), ("a.jsonl:7", "two")]
    assert remarks.num_bad == 5
    assert [line.split(": ")[1] for line in remarks.bad] == [f"line {number}" for number in range(2, 7)]


def test_a_long_value_takes_linear_time(tmp_path: Path) -> None:
    text = "x" * 30_000_000
    (tmp_path / "a.json").write_text(json.dumps([{"text": text}, {"text": "two"}]))
    assert [found for _, found in read_documents(tmp_path / "a.json")] == [text, "two"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"{", "expected a JSON object, found"),
        (b"[" * 100_000, "expected a JSON object, found"),
        (b'["text"]', 'string "text" .*, found a value of kind array'),
        (b'{"body": "x"}', 'string "text" .*, found body: string'),
        (b'{"text": null}', 'string "text" .*, found text: null'),
        (b'{"text": "\\ud800"}', "lone surrogate"),
        (b'{"text": "\xff"}', "found invalid start byte at byte 10"),
    ],
)
def test_bad_json_lines(tmp_path: Path, line: bytes, expected: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(json.dumps({"text": "fine"}).encode() + b"\n" + line + b"\n")
    with pytest.raises(InputError, match=rf"a\.jsonl: line 2: .*{expected}") as error:
        read_documents(path)
    assert len(str(error.value)) < 400 + len(str(path))
