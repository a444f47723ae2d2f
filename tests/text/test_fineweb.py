"""Published shards become a data folder that is just what was published, however often the way there is interrupted."""

import itertools
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import sentencepiece

from bytegolf.config import BOS
from bytegolf.errors import InputError
from bytegolf.storage.data_folder import DataManifest
from bytegolf.text import fineweb, held_out_text
from bytegolf.text.dataset import open_data
from bytegolf.text.prepare import prepare_text
from support.fake_hub import COMMIT, FakeHub, reach
from support.published_shards import (
    DOCUMENTS,
    HELD_OUT,
    PLACE,
    REPO,
    SHARD_TOKENS,
    TRAIN_0,
    TRAIN_1,
    TRAIN_2,
    TRAIN_SHARDS,
    VAL_0,
    VAL_1,
    in_repo,
)

Fetch = Callable[..., DataManifest]
SHARD = SHARD_TOKENS["train"]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_published_variant(hub: FakeHub, fetch: Fetch, tmp_path: Path, normalising: bytes) -> None:
    manifest = fetch()
    held = contents(tmp_path / "data")
    plain = sentencepiece.SentencePieceProcessor(model_proto=normalising)
    texts = [plain.decode(plain.encode(text)).encode() for text in HELD_OUT]
    assert texts != [text.encode() for text in HELD_OUT]  # it does normalise
    for name in (TRAIN_0, TRAIN_1, VAL_0, VAL_1):
        assert held[name] == hub.files[in_repo(name)]
    assert TRAIN_2 not in held and held["tokenizer.model"] == normalising and ".fetched" not in held
    assert set(held) == {*manifest.files, "manifest.json"}

    data = open_data(tmp_path / "data")
    assert data.manifest == manifest
    assert data.val_text() == b"".join(texts) == data.tokenizer.decode(data.val[:])
    assert manifest.normalised and manifest.val_bytes == data.val_bytes == len(b"".join(texts))
    assert manifest.val_offsets == [0, *itertools.accumulate(map(len, texts))][:-1]
    assert (manifest.val_documents, manifest.val_tokens) == (3, len(data.val))
    train = data.train[:].tolist()
    documents = "".join(map(str, [int(token == BOS) for token in train])).split("1")[1:]
    assert (manifest.train_documents, manifest.train_tokens) == (len(documents), 2 * SHARD) == (train.count(BOS), len(train))
    starts = [*np.flatnonzero(np.array(train) == BOS), len(train)]
    assert manifest.train_bytes == sum(len(plain.decode(train[a + 1 : b]).encode()) for a, b in itertools.pairwise(starts))
    assert manifest.source == f"hf://datasets/{REPO}@{COMMIT}/deep/down#sp512"
    assert manifest.vocab_size == 512 and manifest.split == "as published"


def test_long_streams_are_read_in_parts(hub: FakeHub, fetch: Fetch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = fetch()
    for size in (1, 2, 7, 19):
        shutil.rmtree(tmp_path / "data")
        for module in (fineweb, held_out_text):
            monkeypatch.setattr(module, "READ_TOKENS", size)
        assert fetch() == whole


def test_fetching_again_needs_no_network(hub: FakeHub, fetch: Fetch, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    first = fetch()
    before = contents(tmp_path / "data")
    reach("http://127.0.0.1:9", monkeypatch)
    assert fetch() == first and contents(tmp_path / "data") == before
    (tmp_path / "data" / TRAIN_0).unlink()
    with pytest.raises(InputError, match=r"hf://datasets/somebody/golf/deep/down: expected an answer from http://127\.0\.0\.1:9, found"):
        fetch()


def test_more_shards_later(hub: FakeHub, fetch: Fetch, tmp_path: Path) -> None:
    fetch()
    hub.requests.clear()
    manifest = fetch(train_shards=3)
    assert hub.fetched() == [TRAIN_2, "manifest.json"]
    assert manifest.train_tokens == 3 * SHARD == len(open_data(tmp_path / "data").train)
    with pytest.raises(InputError, match=r"out: expected at most the 2 training shards asked for in .*, found 3; choose another"):
        fetch(train_shards=2)


def test_what_was_damaged_is_fetched_again(hub: FakeHub, fetch: Fetch, tmp_path: Path) -> None:
    first = fetch()
    path = tmp_path / "data" / TRAIN_1
    path.write_bytes(path.read_bytes()[:-2] + b"\0\0")
    hub.requests.clear()
    assert fetch() == first
    assert TRAIN_1 in hub.fetched() and TRAIN_0 not in hub.fetched()
    assert path.read_bytes() == hub.files[in_repo(TRAIN_1)]


def test_held_out_shards_alone(hub: FakeHub, fetch: Fetch, tmp_path: Path) -> None:
    manifest = fetch(train_shards=0)
    assert (manifest.train_tokens, manifest.train_bytes, manifest.train_documents) == (0, 0, 0)
    assert len(open_data(tmp_path / "data").val) == manifest.val_tokens


def test_raw_bytes_and_documents(hub: FakeHub, fetch: Fetch, tmp_path: Path) -> None:
    manifest = fetch(variant="byte260")
    data = open_data(tmp_path / "data")
    assert not manifest.normalised and data.tokenizer.kind == "bytes"
    assert data.val_text() == "".join(HELD_OUT).encode()
    manifest = fetch(variant="byte260", with_docs=True)
    documents = (tmp_path / "data" / "docs_selected.jsonl").read_bytes()
    assert documents == hub.files[DOCUMENTS] and "docs_selected.jsonl" in manifest.files
    assert fetch(variant="byte260") == manifest  # and they stay
    assert "docs_selected.jsonl" in fetch(variant="byte260", train_shards=3).files


def test_the_documents_give_the_published_tokens(hub: FakeHub, fetch: Fetch, tmp_path: Path) -> None:
    """Tokenised again with the published model, they are held out, encoded and counted as published."""
    published = fetch(train_shards=TRAIN_SHARDS, with_docs=True)
    data = tmp_path / "data"
    options = {"tokenizer": data / "tokenizer.model", "val_docs": len(HELD_OUT), "normalised": True}
    again = prepare_text([str(data / "docs_selected.jsonl")], tmp_path / "again", **options)  # type: ignore[arg-type]
    first, second = open_data(data), open_data(tmp_path / "again")
    np.testing.assert_array_equal(first.val[:], second.val[:])
    np.testing.assert_array_equal(first.train[:], second.train[:])
    assert first.val_text() == second.val_text()
    counts = ("val_offsets", *(f"{split}_{what}" for split in ("train", "val") for what in ("bytes", "tokens", "documents")))
    assert {name: getattr(published, name) for name in counts} == {name: getattr(again, name) for name in counts}


def test_the_same_command_goes_on(hub: FakeHub, fetch: Fetch, tmp_path: Path) -> None:
    hub.cut[in_repo(TRAIN_1)] = [600] + [0] * 5
    with pytest.raises(InputError, match=rf"{TRAIN_1}: expected an answer from .*, found .*"):
        fetch()
    assert {path.name for path in (tmp_path / "data").iterdir()} == {".fetched"}
    with pytest.raises(InputError, match=r"data: expected shards val_\*\.bin, found none"):
        open_data(tmp_path / "data")
    done = {path.name for path in (tmp_path / "data" / ".fetched").iterdir()}
    hub.requests.clear()
    fetch()
    assert [asked for path, asked in hub.requests if path.endswith(TRAIN_1)] == ["bytes=600-"]
    assert not done & set(hub.fetched())
    assert contents(tmp_path / "data")[TRAIN_1] == hub.files[in_repo(TRAIN_1)]


def test_what_is_published_anew_meanwhile(hub: FakeHub, fetch: Fetch, tmp_path: Path) -> None:
    """What was begun of another version is not gone on with."""
    hub.cut[in_repo(TRAIN_1)] = [1500] + [0] * 5  # past the header, which both have
    with pytest.raises(InputError):
        fetch()
    hub.files[in_repo(TRAIN_1)] = hub.files[in_repo(TRAIN_2)]
    fetch()
    assert contents(tmp_path / "data")[TRAIN_1] == hub.files[in_repo(TRAIN_2)]
    assert ".fetched" not in contents(tmp_path / "data")


def test_killed_it_goes_on(hub: FakeHub, fetch: Fetch, tmp_path: Path) -> None:
    hub.cut[in_repo(TRAIN_1)], hub.hold = [600], 60.0
    code = (
        "import sys, pathlib; from huggingface_hub import constants; constants.DOWNLOAD_CHUNK_SIZE = 100\n"
        "from bytegolf.text.fineweb import HubPlace, fetch_published\n"
        "fetch_published(HubPlace.parse(sys.argv[1]), pathlib.Path(sys.argv[2]), variant='sp512', train_shards=2)"
    )
    environment = {**os.environ, "HF_ENDPOINT": hub.endpoint, "HF_HUB_OFFLINE": "0"}
    command = [sys.executable, "-c", code, str(PLACE), str(tmp_path / "data")]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) as process:
        assert hub.sending.wait(60)
        partial = tmp_path / "data" / ".fetched"
        deadline = time.monotonic() + 30
        while sum(path.stat().st_size for path in partial.glob(f".{TRAIN_1}.*")) < 600 and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    hub.requests.clear()
    fetch()
    assert next(asked for path, asked in hub.requests if path.endswith(TRAIN_1)) == "bytes=600-"
    assert contents(tmp_path / "data")[TRAIN_1] == hub.files[in_repo(TRAIN_1)]


@pytest.mark.parametrize("place", [TRAIN_1, VAL_0, "val.txt.zst"])
def test_stopped_while_files_are_put_in_place(
    hub: FakeHub, fetch: Fetch, tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is there then is no data folder yet, and the same command completes it."""
    move = Path.replace

    def interrupted(self: Path, target: Path) -> Path:
        if Path(target) == tmp_path / "data" / place:
            raise KeyboardInterrupt
        return move(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", interrupted)
        with pytest.raises(KeyboardInterrupt):
            fetch()
    with pytest.raises(InputError):
        data = open_data(tmp_path / "data")
        _ = data.train, data.val_text()
    fetch()
    assert len(open_data(tmp_path / "data").train) == 2 * SHARD and ".fetched" not in contents(tmp_path / "data")


def test_shards_published_damaged(hub: FakeHub, fetch: Fetch) -> None:
    shard = hub.files[in_repo(TRAIN_1)]
    hub.files[in_repo(TRAIN_1)] = shard[:4] + b"\7" + shard[5:]
    with pytest.raises(InputError, match=rf"{TRAIN_1}: expected shard version 1, found 7"):
        fetch()
    hub.files[in_repo(TRAIN_1)] = shard[:-2] + b"\0\2"
    with pytest.raises(InputError, match="expected ids below the vocabulary size 512, found 512"):
        fetch()


def test_a_folder_of_something_else(hub: FakeHub, fetch: Fetch, tmp_path: Path) -> None:
    fetch()
    with pytest.raises(InputError, match=r"out: expected .*data not to exist or to hold .*#byte260, found .*#sp512; choose another folder"):
        fetch(variant="byte260")
    with pytest.raises(InputError, match=r"to hold .*/other/golf"):
        fetch(replace(PLACE, repo="other/golf"))
    shutil.rmtree(tmp_path / "data")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "precious").write_text("precious")
    with pytest.raises(InputError, match="found something else"):
        fetch()
    assert (tmp_path / "data" / "precious").read_text() == "precious"
