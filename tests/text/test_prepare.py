"""A data folder holds exactly the text it was made of, or does not appear."""

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import sentencepiece
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from bytegolf.arrays import Tokens
from bytegolf.config import BOS, TextConfig
from bytegolf.errors import InputError
from bytegolf.storage.data_folder import DataFolder, DataManifest
from bytegolf.text import encoding
from bytegolf.text import prepare as module
from bytegolf.text.dataset import count_bytes, open_data
from bytegolf.text.prepare import prepare_text
from bytegolf.text.tokenizer import BpeTokenizer, BytesTokenizer
from support.corpora import SOURCE, write_jsonl, write_texts

TEXTS = [f"{i} " + SOURCE[i * 400 :][:400] for i in range(60)]
HELD_OUT = (1, 6, 12, 39, 44, 56)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_texts(tmp_path / "source", TEXTS)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


TEXT_CONFIGS = {"bpe": TextConfig(), "capitals": TextConfig(tokenizer="capitals"), "bytes": TextConfig(tokenizer="bytes")}


@pytest.mark.parametrize("text", TEXT_CONFIGS.values(), ids=TEXT_CONFIGS)
def test_a_data_folder(source: Path, tmp_path: Path, text: TextConfig) -> None:
    out = tmp_path / "data"
    manifest = prepare_text([str(source)], out, text=text, vocab_size=400)
    tokenizer_name = "bytes" if text.tokenizer == "bytes" else "tokenizer.model"
    assert set(contents(out)) == {"train_000000.bin", "val_000000.bin", "val.txt.zst", tokenizer_name, "manifest.json"}
    assert DataManifest.model_validate_json((out / "manifest.json").read_bytes()) == manifest

    data = open_data(out)
    held_out = [TEXTS[i].encode() for i in HELD_OUT]
    trained = [text.encode() for i, text in enumerate(TEXTS) if i not in HELD_OUT]
    assert data.val_text() == b"".join(held_out)
    assert data.tokenizer.decode(data.val[:]) == b"".join(held_out)
    assert data.tokenizer.decode(data.train[:]) == b"".join(trained)
    assert (data.val[:] == BOS).sum() == len(held_out) and data.val[:][0] == BOS
    assert manifest.val_offsets == [0, *itertools.accumulate(map(len, held_out))][:-1]
    assert (manifest.val_documents, manifest.val_bytes, manifest.val_tokens) == (6, sum(map(len, held_out)), len(data.val))
    assert (manifest.train_documents, manifest.train_bytes, manifest.train_tokens) == (54, sum(map(len, trained)), len(data.train))
    assert manifest.vocab_size == data.tokenizer.vocab_size == (260 if text.tokenizer == "bytes" else 400)
    assert count_bytes(data.val, data.tokenizer) == data.val_bytes == manifest.val_bytes


@given(documents=st.lists(st.text(st.sampled_from("a \n\u2581\0é"), max_size=20), min_size=2, max_size=6, unique=True))
@settings(max_examples=25, deadline=None)
def test_any_text_survives(tmp_path_factory: pytest.TempPathFactory, bpe: BpeTokenizer, documents: list[str]) -> None:
    folder = tmp_path_factory.mktemp("any")
    (folder / "any.model").write_bytes(bpe.serialised)
    documents = [f"{i}{text}" for i, text in enumerate(documents)]
    prepare_text([str(write_jsonl(folder / "a.jsonl", documents))], folder / "data", tokenizer=folder / "any.model", val_docs=1)
    data = open_data(folder / "data")
    assert data.val_text() == documents[0].encode() == data.tokenizer.decode(data.val[:])
    assert data.tokenizer.decode(data.train[:]) == "".join(documents[1:]).encode()
    assert data.manifest is not None and data.manifest.train_bytes == count_bytes(data.train, data.tokenizer)


def test_batches_do_not_show(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare_text([str(source)], tmp_path / "a", vocab_size=400)
    monkeypatch.setattr(encoding, "BATCH_DOCUMENTS", 7)
    prepare_text([str(source)], tmp_path / "b", vocab_size=400)
    monkeypatch.setattr(encoding, "BATCH_CHARACTERS", 900)
    prepare_text([str(source)], tmp_path / "c", vocab_size=400)
    assert contents(tmp_path / "a") == contents(tmp_path / "b") == contents(tmp_path / "c")


def test_preparing_again_reuses(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "data"
    first = prepare_text([str(source)], out, vocab_size=400)
    before = {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in out.iterdir()}
    (out / "compressors.json").write_text("{}")
    assert prepare_text([str(source)], out, vocab_size=400) == first
    assert {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in before} == before
    assert "data: already prepared, reused" in capsys.readouterr().err


def test_another_preparation_is_refused(source: Path, tmp_path: Path, bpe: BpeTokenizer) -> None:
    out = tmp_path / "data"
    prepare_text([str(source)], out, vocab_size=400)
    before = contents(out)
    (tmp_path / "given.model").write_bytes(bpe.serialised)
    (tmp_path / "other.txt").write_text(SOURCE)
    for what, sources, options in (
        ("tokenizer", [source], {"vocab_size": 401}),
        ("tokenizer", [source], {"text": TextConfig(tokenizer="bytes")}),
        ("tokenizer", [source], {"tokenizer": tmp_path / "given.model"}),
        ("split", [source], {"val_docs": 2}),
        ("documents", [tmp_path / "other.txt"], {"val_docs": 2}),
    ):
        with pytest.raises(InputError, match=rf"out: expected .*data to hold the {what} asked for .*, found others .*; choose another"):
            prepare_text([str(path) for path in sources], out, **{"vocab_size": 400, **options})  # type: ignore[arg-type]
    assert contents(out) == before


def test_a_damaged_folder_is_not_reused(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "data"
    prepare_text([str(source)], out, text=TextConfig(tokenizer="bytes"))
    os.truncate(out / "train_000000.bin", 5000)
    with pytest.raises(InputError, match=r"train_000000\.bin: expected the file as prepared, found it damaged"):
        prepare_text([str(source)], out, text=TextConfig(tokenizer="bytes"))


def test_something_else_in_the_way(source: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "precious").write_text("precious")
    (tmp_path / "empty").mkdir()
    for name in ("file", "full"):
        with pytest.raises(InputError, match=f"{name}: expected no folder yet, an empty one or prepared data"):
            prepare_text([str(source)], tmp_path / name, text=TextConfig(tokenizer="bytes"))
    assert (tmp_path / "file").read_text() == (tmp_path / "full" / "precious").read_text() == "precious"
    prepare_text([str(source)], tmp_path / "empty", text=TextConfig(tokenizer="bytes"))


def test_data_inside_its_source_is_no_document(source: Path) -> None:
    first = prepare_text([str(source)], source / "data", text=TextConfig(tokenizer="bytes"))
    assert first.train_documents + first.val_documents == len(TEXTS)
    assert prepare_text([str(source)], source / "data", text=TextConfig(tokenizer="bytes")) == first


@pytest.mark.parametrize("moment", ["encode_batch", "sha256_of", "write_manifest"])
def test_interrupted_it_leaves_nothing(
    source: Path, tmp_path: Path, bpe: BpeTokenizer, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    place = {"encode_batch": BpeTokenizer, "write_manifest": DataFolder}.get(moment, module)
    monkeypatch.setattr(place, moment, interrupt)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(KeyboardInterrupt):
        prepare_text([str(source)], tmp_path / "data", vocab_size=400)
    assert sorted(tmp_path.iterdir()) == before


def test_text_that_changes_meanwhile(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encode = BytesTokenizer.encode_batch

    def encode_later(self: BytesTokenizer, texts: list[str], normalised: bool = False) -> list[Tokens]:
        (source / "059.txt").write_text("something new")
        return encode(self, texts, normalised)

    monkeypatch.setattr(encoding, "BATCH_DOCUMENTS", 7)  # so that the last document is read after the first are encoded
    monkeypatch.setattr(BytesTokenizer, "encode_batch", encode_later)
    with pytest.raises(InputError, match="expected the same documents in every pass, found them changed"):
        prepare_text([str(source)], tmp_path / "data", text=TextConfig(tokenizer="bytes"))
    assert not (tmp_path / "data").exists()


def test_a_tokenizer_that_changes_text(tmp_path: Path, normalising: bytes) -> None:
    (tmp_path / "other.model").write_bytes(normalising)
    path = write_jsonl(tmp_path / "a.jsonl", ["held out", "plain", "two  spaces"])
    with pytest.raises(
        InputError, match=r"a\.jsonl:3: expected tokenizer bpe 512 .* found 's' instead of ' ' at character 4; the option normalised"
    ):
        prepare_text([str(path)], tmp_path / "data", tokenizer=tmp_path / "other.model", val_docs=1)
    assert not (tmp_path / "data").exists()


@given(documents=st.lists(st.text(st.sampled_from("aﬁ é\n\u2581\u00a0\0"), max_size=20), min_size=2, max_size=6))
@settings(max_examples=25, deadline=None)
def test_text_that_its_tokenizer_may_change(tmp_path_factory: pytest.TempPathFactory, normalising: bytes, documents: list[str]) -> None:
    """Tokens are those of SentencePiece alone; text, bytes and offsets are of what it makes of them."""
    folder = tmp_path_factory.mktemp("any")
    (folder / "any.model").write_bytes(normalising)
    documents = [f"{i}{text}" for i, text in enumerate(documents)]
    source = str(write_jsonl(folder / "a.jsonl", documents))
    manifest = prepare_text([source], folder / "data", tokenizer=folder / "any.model", val_docs=1, normalised=True)
    plain = sentencepiece.SentencePieceProcessor(model_proto=normalising)
    encoded = plain.encode(documents)
    texts = [text.encode() for text in plain.decode(encoded)]
    data = open_data(folder / "data")
    assert data.val[:].tolist() == [BOS, *encoded[0]]
    assert data.train[:].tolist() == [token for ids in encoded[1:] for token in (BOS, *ids)]
    assert data.val_text() == texts[0] and data.val_bytes == manifest.val_bytes == len(texts[0])
    assert manifest.val_original_bytes == len(documents[0].encode()) and data.original_bytes == manifest.val_original_bytes
    assert manifest.normalised and manifest.train_bytes == sum(map(len, texts[1:])) == count_bytes(data.train, data.tokenizer)
    with pytest.raises(InputError, match=r"to hold the text asked for \(exactly as given\), found others \(normalised by its"):
        prepare_text([source], folder / "data", tokenizer=folder / "any.model", val_docs=1)


def test_a_document_that_normalises_to_nothing(tmp_path: Path, normalising: bytes) -> None:
    (tmp_path / "other.model").write_bytes(normalising)
    path = write_jsonl(tmp_path / "a.jsonl", [" \n ", "held out", "plain"])
    manifest = prepare_text([str(path)], tmp_path / "data", tokenizer=tmp_path / "other.model", val_docs=2, normalised=True)
    assert (manifest.val_offsets, manifest.val_bytes) == ([0, 0], len("held out"))
    assert open_data(tmp_path / "data").val[:].tolist()[:2] == [BOS, BOS]


def test_nothing_is_left_out_in_silence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_texts(tmp_path / "source", [*TEXTS, TEXTS[0], TEXTS[0]])
    (folder / ".hidden").write_text("x")
    prepare_text([str(folder)], tmp_path / "data", text=TextConfig(tokenizer="bytes"), val_docs=1)
    told = capsys.readouterr().err
    assert f"hidden files left out: 1, the first {folder / '.hidden'}" in told
    assert "copies of held-out documents left out of training: 2" in told


def test_a_vocabulary_too_large_for_the_text(source: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"vocab_size: expected at most .*, found 50000"):
        prepare_text([str(source)], tmp_path / "data", vocab_size=50_000)
    assert not (tmp_path / "data").exists()


def test_held_out_text_at_rest(source: Path, tmp_path: Path) -> None:
    prepare_text([str(source)], tmp_path / "data", text=TextConfig(tokenizer="bytes"))
    text = zstandard.ZstdDecompressor().stream_reader((tmp_path / "data" / "val.txt.zst").open("rb")).read()
    offsets = json.loads((tmp_path / "data" / "manifest.json").read_text())["val_offsets"]
    assert [text[start:end].decode() for start, end in itertools.pairwise([*offsets, len(text)])] == [TEXTS[i] for i in HELD_OUT]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the peak of one process is read from /proc")
def test_memory_does_not_grow_with_the_text(tmp_path: Path, bpe: BpeTokenizer) -> None:
    (tmp_path / "given.model").write_bytes(bpe.serialised)
    code = (
        "import sys, re, pathlib; from bytegolf.text import encoding, prepare as module\n"
        "encoding.BATCH_CHARACTERS = 200_000\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "module.prepare_text([sys.argv[2]], folder / 'data', tokenizer=folder.parent / 'given.model', val_docs=2)\n"
        "print(re.search(r'VmHWM:\\s+(\\d+)', pathlib.Path('/proc/self/status').read_text())[1])"
    )
    peaks = []
    for count in (60, 240):
        folder = tmp_path / str(count)
        folder.mkdir()
        path = write_jsonl(folder / "a.jsonl", [f"{i} {SOURCE}" for i in range(count)])
        ended = subprocess.run([sys.executable, "-c", code, str(folder), str(path)], capture_output=True, text=True, check=True)
        peaks.append(int(ended.stdout))
    assert path.stat().st_size > 20_000_000 and peaks[1] - peaks[0] < 8_000
