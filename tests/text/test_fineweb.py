"""Published shards become a data folder that is just what was published, however often the way there is interrupted."""

import inspect
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import namedtuple
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import sentencepiece
from huggingface_hub import constants, file_download

from bytegolf.cli.app import main
from bytegolf.config import BOS
from bytegolf.errors import InputError
from bytegolf.storage.data_folder import DataManifest
from bytegolf.text import fineweb as module
from bytegolf.text.dataset import open_data
from bytegolf.text.fineweb import fetch_published
from bytegolf.text.hub import HubPlace
from bytegolf.text.prepare import prepare
from bytegolf.text.shards import ShardWriter
from bytegolf.text.tokenizer import BytesTokenizer
from support.fake_hub import COMMIT, FakeHub, serving
from support.runs import small_disk

REPO = "somebody/golf"
PLACE = HubPlace(REPO, root="deep/root")
HELD_OUT = ["first  ﬁne text", "    indented", "third\n\nline"]
TRAINED = [inspect.getsource(itertools.takewhile.__class__ if i < 0 else inspect)[i * 300 :][:300] for i in range(20)]
SHARD = 700
SHARDS = 6
Fetch = Callable[..., DataManifest]


def shards(folder: str, encode: Callable[[str], list[int]], scratch: Path) -> dict[str, bytes]:
    for split, texts in (("train", TRAINED), ("val", HELD_OUT)):
        with ShardWriter(scratch, f"fineweb_{split}", SHARD if split == "train" else 12) as writer:
            for text in texts:
                writer.write([BOS, *encode(text)])
    return {f"{folder}/{path.name}": path.read_bytes() for path in scratch.iterdir()}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory, normalising: bytes) -> dict[str, bytes]:
    """Files of the repository: two variants and the documents, as the contest lays them out."""
    plain = sentencepiece.SentencePieceProcessor(model_proto=normalising)
    files = shards("deep/root/datasets/fineweb10B_sp512", plain.encode, tmp_path_factory.mktemp("sp"))
    raw = BytesTokenizer()
    files |= shards("deep/root/datasets/fineweb10B_byte260", lambda text: raw.encode(text).tolist(), tmp_path_factory.mktemp("byte"))
    files["deep/root/tokenizers/fineweb_512_bpe.model"] = normalising
    files["deep/root/docs_selected.jsonl"] = "".join(json.dumps({"text": text}) + "\n" for text in (*HELD_OUT, *TRAINED)).encode()

    def entry(name: str, tokenizer: str) -> dict[str, object]:
        counts = {split: len([path for path in files if f"{name}/fineweb_{split}" in path]) for split in ("train", "val")}
        stats = {"files_train": counts["train"], "files_val": counts["val"], "tokens_total": 9}
        return {"name": name, "tokenizer_name": tokenizer, "path": f"datasets/{name}", "stats": stats}

    planned = {"name": "fineweb10B_sp4096", "tokenizer_name": "sp_bpe_4096", "status": "planned"}
    files["deep/root/manifest.json"] = json.dumps({
        "version": "10B",
        "datasets": [entry("fineweb10B_sp512", "sp_bpe_512"), entry("fineweb10B_byte260", "pure_byte_260"), planned],
        "tokenizers": [
            {"name": "sp_bpe_512", "kind": "sentencepiece_bpe", "model_path": "tokenizers/fineweb_512_bpe.model"},
            {"name": "pure_byte_260", "kind": "byte", "path": "tokenizers/fineweb_pure_byte_260.json"},
        ],
    }).encode()  # fmt: skip
    return files


@pytest.fixture
def hub(published: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    hub = FakeHub(REPO, dict(published))
    with serving(hub):
        reach(hub.endpoint, monkeypatch)
        monkeypatch.setattr(file_download, "time", SimpleNamespace(sleep=lambda _: None))
        monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 100)
        yield hub


def reach(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", endpoint + "/{repo_id}/resolve/{revision}/{filename}")


@pytest.fixture
def fetch(tmp_path: Path) -> Fetch:
    def run(place: HubPlace = PLACE, **options: object) -> DataManifest:
        return fetch_published(place, tmp_path / "data", **{"variant": "sp512", "train_shards": 2, **options})  # type: ignore[arg-type]

    return run


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def in_repo(name: str) -> str:
    return f"deep/root/datasets/fineweb10B_sp512/{name}"


TRAIN_0, TRAIN_1, TRAIN_2 = (f"fineweb_train_{index:06d}.bin" for index in range(3))
VAL_0 = "fineweb_val_000000.bin"


def test_a_published_variant(hub: FakeHub, fetch: Fetch, tmp_path: Path, normalising: bytes) -> None:
    manifest = fetch()
    held = contents(tmp_path / "data")
    plain = sentencepiece.SentencePieceProcessor(model_proto=normalising)
    texts = [plain.decode(plain.encode(text)).encode() for text in HELD_OUT]
    assert texts != [text.encode() for text in HELD_OUT]  # it does normalise
    for name in (TRAIN_0, TRAIN_1, VAL_0, "fineweb_val_000001.bin"):
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
    assert manifest.source == f"hf://datasets/{REPO}@{COMMIT}/deep/root#sp512"
    assert manifest.vocab_size == 512 and manifest.split == "as published"


def test_long_streams_are_read_in_parts(hub: FakeHub, fetch: Fetch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = fetch()
    for size in (1, 2, 7, 19):
        shutil.rmtree(tmp_path / "data")
        monkeypatch.setattr(module, "READ_TOKENS", size)
        assert fetch() == whole


def test_fetching_again_needs_no_network(hub: FakeHub, fetch: Fetch, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    first = fetch()
    before = contents(tmp_path / "data")
    reach("http://127.0.0.1:9", monkeypatch)
    assert fetch() == first and contents(tmp_path / "data") == before
    (tmp_path / "data" / TRAIN_0).unlink()
    with pytest.raises(InputError, match=r"hf://datasets/somebody/golf/deep/root: expected an answer from http://127\.0\.0\.1:9, found"):
        fetch()


def test_more_shards_later(hub: FakeHub, fetch: Fetch, tmp_path: Path) -> None:
    fetch()
    hub.requests.clear()
    manifest = fetch(train_shards=3)
    assert hub.fetched() == [TRAIN_2, "manifest.json"]
    assert manifest.train_tokens == 3 * SHARD == len(open_data(tmp_path / "data").train)
    with pytest.raises(InputError, match=r"data: expected at most the 2 training shards asked for, found 3; give another --out"):
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
    assert documents == hub.files["deep/root/docs_selected.jsonl"] and "docs_selected.jsonl" in manifest.files
    assert fetch(variant="byte260") == manifest  # and they stay
    assert "docs_selected.jsonl" in fetch(variant="byte260", train_shards=3).files


def test_the_documents_give_the_published_tokens(hub: FakeHub, fetch: Fetch, tmp_path: Path) -> None:
    """Tokenised again with the published model, they are held out, encoded and counted as published."""
    published = fetch(train_shards=SHARDS, with_docs=True)
    data = tmp_path / "data"
    options = {"tokenizer": data / "tokenizer.model", "val_docs": len(HELD_OUT), "normalised": True}
    again = prepare([str(data / "docs_selected.jsonl")], tmp_path / "again", **options)  # type: ignore[arg-type]
    first, second = open_data(data), open_data(tmp_path / "again")
    np.testing.assert_array_equal(first.val[:], second.val[:])
    np.testing.assert_array_equal(first.train[:], second.train[:])
    assert first.val_text() == second.val_text()
    counts = ("val_offsets", *(f"{split}_{what}" for split in ("train", "val") for what in ("bytes", "tokens", "documents")))
    assert {name: getattr(published, name) for name in counts} == {name: getattr(again, name) for name in counts}


def test_a_connection_that_is_cut_is_mended(hub: FakeHub, fetch: Fetch, tmp_path: Path) -> None:
    hub.cut[in_repo(TRAIN_0)] = [500, 600]
    fetch()
    assert [asked for path, asked in hub.requests if path.endswith(TRAIN_0)] == ["", "bytes=500-", "bytes=1100-"]
    assert contents(tmp_path / "data")[TRAIN_0] == hub.files[in_repo(TRAIN_0)]


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


def test_other_bytes_than_published(hub: FakeHub, fetch: Fetch, tmp_path: Path) -> None:
    right = hub.files[in_repo(TRAIN_1)]
    for wrong in (right[:-1] + b"x", right[:-1], right + b"x"):
        hub.sent[in_repo(TRAIN_1)] = wrong
        with pytest.raises(InputError, match=rf"{TRAIN_1}: expected 2,424 bytes with hash [0-9a-f]{{16}}, found {len(wrong):,} bytes"):
            fetch()
    hub.sent["deep/root/manifest.json"] = b" " * len(hub.files["deep/root/manifest.json"])
    (tmp_path / "data" / ".fetched" / "published.json").unlink()
    with pytest.raises(InputError, match=r"manifest\.json: expected .* bytes with hash"):
        fetch()
    hub.sent.clear()
    fetch()
    assert contents(tmp_path / "data")[TRAIN_1] == right


def test_shards_published_damaged(hub: FakeHub, fetch: Fetch) -> None:
    shard = hub.files[in_repo(TRAIN_1)]
    hub.files[in_repo(TRAIN_1)] = shard[:4] + b"\7" + shard[5:]
    with pytest.raises(InputError, match=rf"{TRAIN_1}: expected shard version 1, found 7"):
        fetch()
    hub.files[in_repo(TRAIN_1)] = shard[:-2] + b"\0\2"
    with pytest.raises(InputError, match="expected ids below the vocabulary size 512, found 512"):
        fetch()


def test_what_is_not_published(hub: FakeHub, fetch: Fetch) -> None:
    with pytest.raises(InputError, match="--variant: expected one that is published, sp512 or byte260, found sp4096"):
        fetch(variant="sp4096")
    with pytest.raises(InputError, match=rf"--train-shards: expected at most {SHARDS}, all of sp512, found {SHARDS + 1}"):
        fetch(train_shards=SHARDS + 1)
    del hub.files[in_repo(TRAIN_1)]
    with pytest.raises(InputError, match=rf"golf/deep/root: expected the file .*{TRAIN_1}, found nothing of that name"):
        fetch()
    with pytest.raises(InputError, match=r"golf: expected the file manifest\.json, found nothing of that name"):
        fetch(replace(PLACE, root=""))
    with pytest.raises(InputError, match=r"nobody/golf/deep/root: expected a dataset that you may read, found none"):
        fetch(replace(PLACE, repo="nobody/golf"))
    with pytest.raises(InputError, match=r"golf@old/deep/root: expected a revision of somebody/golf, found none called old"):
        fetch(replace(PLACE, revision="old"))


@pytest.mark.parametrize(
    "listing",
    [b"{}", b"nonsense", b'{"datasets": [{"name": "a_sp512", "tokenizer_name": "t", "stats": {}}], "tokenizers": []}',
     b'{"datasets": [{"name": "a_sp512", "tokenizer_name": "t", "stats": {"files_train": 2, "files_val": 1}}], "tokenizers": []}'],
)  # fmt: skip
def test_a_damaged_list_of_what_is_published(hub: FakeHub, fetch: Fetch, listing: bytes) -> None:
    hub.files["deep/root/manifest.json"] = listing
    with pytest.raises(InputError, match=r"manifest\.json: expected .*, found"):
        fetch()


def test_a_hub_in_trouble(hub: FakeHub, fetch: Fetch) -> None:
    hub.status[in_repo(TRAIN_1)] = 503
    with pytest.raises(InputError, match=rf"{TRAIN_1}: expected an answer from .*, found HTTP status 503"):
        fetch()


def test_one_failure_stops_the_other_downloads(hub: FakeHub, fetch: Fetch, tmp_path: Path) -> None:
    hub.status[in_repo(TRAIN_1)], hub.slow[in_repo(TRAIN_0)] = 503, 0.1
    with pytest.raises(InputError, match="HTTP status 503"):
        fetch()
    assert not (tmp_path / "data" / ".fetched" / TRAIN_0).exists()


def test_a_disk_that_is_too_small(hub: FakeHub, fetch: Fetch, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    usage = namedtuple("usage", "free")
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "disk_usage", lambda _: usage(2000))
        with pytest.raises(InputError, match=r"\.fetched: expected [\d,]+ bytes of free disk to fetch into, found 2,000"):
            fetch()
    with small_disk(2000), pytest.raises(OSError) as refused:
        fetch()
    assert "fineweb_train" in str(refused.value.filename) or "fineweb_val" in str(refused.value.filename) or "model" in str(refused.value)
    fetch()


def test_a_folder_of_something_else(hub: FakeHub, fetch: Fetch, tmp_path: Path) -> None:
    fetch()
    with pytest.raises(InputError, match=r"data: expected no folder yet, or .*#byte260 fetched before, found .*#sp512; give another"):
        fetch(variant="byte260")
    with pytest.raises(InputError, match=r"expected no folder yet, or .*/other/golf"):
        fetch(replace(PLACE, repo="other/golf"))
    shutil.rmtree(tmp_path / "data")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "precious").write_text("precious")
    with pytest.raises(InputError, match="found something else"):
        fetch()
    assert (tmp_path / "data" / "precious").read_text() == "precious"


def test_places() -> None:
    for uri, place in (
        ("hf://datasets/a/b", HubPlace("a/b")),
        ("hf://datasets/a-1/b.c@v2/d/e/", HubPlace("a-1/b.c", "v2", "d/e")),
        ("hf://datasets/a/b@0f/x", HubPlace("a/b", "0f", "x")),
    ):
        assert HubPlace.parse(uri) == place == HubPlace.parse(str(place))
    assert HubPlace("a/b").path("c") == "c" and HubPlace("a/b", root="d/e").path("c") == "d/e/c"
    for uri in ("hf://a/b", "hf://datasets/a", "hf://models/a/b", "https://datasets/a/b"):
        with pytest.raises(InputError, match="expected hf://datasets/OWNER/NAME"):
            HubPlace.parse(uri)


def test_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(sys, "argv", ["bytegolf", "prepare", "fineweb", "--out", str(tmp_path / "data")])
    with pytest.raises(SystemExit) as ended:
        main()
    shown = capsys.readouterr()
    assert (ended.value.code, shown.out) == (2, "")
    place = "hf://datasets/willdepueoai/parameter-golf/datasets"
    assert shown.err == f"error: {place}: expected to reach {constants.ENDPOINT}, found HF_HUB_OFFLINE set\n"
