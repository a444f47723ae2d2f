"""The verb prepare takes text or published shards, and options that go together."""

import json
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from huggingface_hub import constants

import bytegolf as bg
from bytegolf.errors import InputError, ParameterError
from bytegolf.text.dataset import open_data
from support.corpora import foreign_model, put, write_texts
from support.runs import MICRO, documents, micro


@pytest.fixture
def texts(tmp_path: Path) -> str:
    return str(write_texts(tmp_path / "texts", documents()))


def test_a_recipe_gives_its_vocabulary_by_name_or_as_it_is(texts: str, tmp_path: Path) -> None:
    expected = bg.prepare([texts], tmp_path / "data", recipe=micro(), val_docs=2)
    assert (expected.tokenizer, expected.vocab_size, expected.val_documents) == ("bytes", 260, 2)
    for recipe in (MICRO, str(MICRO)):
        assert bg.prepare([texts], tmp_path / "data", recipe=recipe, val_docs=2) == expected


def test_vocabularies_of_text(texts: str, tmp_path: Path) -> None:
    assert bg.prepare([texts], tmp_path / "bytes", tokenizer="bytes", val_docs=2).tokenizer == "bytes"
    trained = bg.prepare([texts], tmp_path / "bpe", vocab=300, val_docs=2)
    assert trained.vocab_size == 300
    again = bg.prepare([texts], tmp_path / "again", tokenizer=tmp_path / "bpe" / "tokenizer.model", val_docs=2)
    assert again.tokenizer_sha256 == trained.tokenizer_sha256
    marked = bg.prepare([texts], tmp_path / "marked", tokenizer="capitals", vocab=300, val_docs=2)
    assert (open_data(tmp_path / "marked").tokenizer.kind, marked.vocab_size) == ("capitals", 300)


@pytest.mark.parametrize(
    ("source", "options", "parameter", "problem"),
    [
        ("texts", {"vocab": 300, "tokenizer": "bytes"}, "tokenizer", "cannot be combined with vocab"),
        ("texts", {"recipe": "tiny", "vocab": 300}, "vocab", "cannot be combined with recipe"),
        ("texts", {"recipe": "tiny", "tokenizer": "capitals"}, "tokenizer", "cannot be combined with recipe"),
        ("texts", {"normalised": True}, "normalised", "needs the file of a tokenizer"),
        ("texts", {"normalised": True, "tokenizer": "capitals"}, "normalised", "needs the file of a tokenizer"),
        ("texts", {"train_shards": 0}, "train_shards", "applies to published shards only"),
        ("texts", {"with_docs": True}, "with_docs", "applies to published shards only"),
        ("texts", {"val_docs": 0}, "val_docs", "expected at least 1 document, found 0"),
        ("fineweb", {"vocab": 300}, "vocab", "applies to text only"),
        ("fineweb", {"text_column": "body"}, "text_column", "applies to text only"),
        ("fineweb", {"skip_bad": True}, "skip_bad", "applies to text only"),
        ("fineweb", {"on": "ray"}, "on", "applies to text only"),
        ("texts", {"workers": -1}, "workers", "expected a number of processes, or 0 for all cores, found -1"),
        ("fineweb", {"normalised": True}, "normalised", "applies to text only"),
        ("fineweb", {"recipe": "tiny", "variant": "sp512"}, "variant", "cannot be combined with recipe"),
    ],
)
def test_options_that_do_not_go_together(tmp_path: Path, source: str, options: dict[str, object], parameter: str, problem: str) -> None:
    with pytest.raises(ParameterError, match=f"{parameter}: {problem}") as refused:
        bg.prepare([source], tmp_path / "data", **options)  # type: ignore[arg-type]
    assert refused.value.parameter == parameter


def test_another_column_and_bad_records(tmp_path: Path) -> None:
    lines = [json.dumps({"body": text}) for text in documents()]
    (tmp_path / "dump.ndjson").write_text("\n".join([*lines, '{"body": null}', "nonsense"]))
    options: dict[str, Any] = {"tokenizer": "bytes", "val_docs": 2, "text_column": "body"}
    with pytest.raises(InputError, match=rf'line {len(lines) + 1}: expected an object with a string "body" .*, found body: null'):
        bg.prepare([str(tmp_path / "dump.ndjson")], tmp_path / "data", **options)
    manifest = bg.prepare([str(tmp_path / "dump.ndjson")], tmp_path / "data", skip_bad=True, **options)
    assert manifest.val_documents + manifest.train_documents == len(lines)
    assert manifest.skipped is not None and manifest.skipped.count == 2
    assert [line.split(": ")[1] for line in manifest.skipped.first] == [f"line {len(lines) + 1}", f"line {len(lines) + 2}"]


def test_published_shards_stand_alone(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="sources: expected published shards alone, found fineweb, texts"):
        bg.prepare(["fineweb", "texts"], tmp_path / "data")


def test_fineweb_is_fetched_from_python_as_from_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match=r"hf://datasets/willdepueoai/parameter-golf/datasets: expected to reach"):
        bg.prepare(["fineweb"], tmp_path / "data", train_shards=0)


def test_what_training_has_of_the_held_out_text_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    texts = documents(count=20)
    folder = write_texts(tmp_path / "texts", [*texts, texts[0], texts[0]])
    manifest = bg.prepare([str(folder)], tmp_path / "data", tokenizer="bytes", val_docs=2)
    assert manifest.copies_left_out == 2 and "held-out documents that training has too: 0 of 2\n" in capsys.readouterr().err


def test_texts_that_become_the_same_in_their_tokens_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Copies are left out by their text; a tokenizer that normalises may make one document of two."""
    model = put(tmp_path / "any.model", foreign_model(normalization_rule_name="nmt_nfkc"))
    folder = write_texts(tmp_path / "texts", ["the same  text", "another one", "the same text", "a third"])
    manifest = bg.prepare([str(folder)], tmp_path / "data", tokenizer=model, val_docs=2, normalised=True)
    told = capsys.readouterr().err
    assert manifest.copies_left_out == 0
    assert f"training has too: 1 of 2, 54.17% of the bytes; see: bytegolf audit --data {tmp_path / 'data'}" in told


def test_several_workers_read_a_folder_of_parquet_and_name_what_is_bad(tmp_path: Path) -> None:
    folder = tmp_path / "corpus"
    folder.mkdir()
    for number in range(5):
        column = [f"{number} {text}" for text in documents(count=20)]
        pyarrow.parquet.write_table(pyarrow.table({"id": range(20), "text": column}), folder / f"part-{number}.parquet", row_group_size=7)
    one = bg.prepare([str(folder)], tmp_path / "one", tokenizer="bytes")
    assert one.train_documents + one.val_documents == 100
    assert bg.prepare([str(folder)], tmp_path / "two", tokenizer="bytes", workers=2) == one
    assert {path.name: path.read_bytes() for path in (tmp_path / "one").iterdir()} == {
        path.name: path.read_bytes() for path in (tmp_path / "two").iterdir()
    }
    (folder / "part-3.parquet").write_bytes((folder / "part-3.parquet").read_bytes()[:-100])
    with pytest.raises(InputError, match=r"part-3\.parquet: expected parquet, found"):
        bg.prepare([str(folder)], tmp_path / "three", tokenizer="bytes", workers=2)


def test_a_cluster_that_is_not_there_is_told_before_anything_is_read(texts: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with pytest.raises(ParameterError, match=r"on: expected a Ray cluster at 127\.0\.0\.1:1, found none"):
        bg.prepare([texts], tmp_path / "data", tokenizer="bytes", on="ray")
    assert not (tmp_path / "data").exists()
