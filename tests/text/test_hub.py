"""Files of a hub arrive as published or not at all, from where an earlier attempt stopped."""

import shutil
import sys
from collections import namedtuple
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from huggingface_hub import constants

from bytegolf.cli.app import main
from bytegolf.errors import InputError
from bytegolf.text.hub import Hub, HubPlace
from support.fake_hub import COMMIT, FakeHub
from support.published_shards import MANIFEST, PLACE, TRAIN_0, TRAIN_1, in_place, in_repo
from support.runs import small_disk

Fetch = Callable[..., None]


@pytest.fixture
def fetch_shards(hub: FakeHub, tmp_path: Path) -> Fetch:
    """Fetch shards, two if nothing is said, into `tmp_path`."""

    def run(*names: str) -> None:
        source, names = Hub(PLACE), names or (TRAIN_0, TRAIN_1)
        source.fetch(dict(zip((tmp_path / name for name in names), source.files([in_place(name) for name in names]), strict=True)))

    return run


def test_a_place_is_a_folder_at_a_revision() -> None:
    for uri, place in (
        ("hf://datasets/a/b", HubPlace("a/b")),
        ("hf://datasets/a-1/b.c@v2/d/e/", HubPlace("a-1/b.c", "v2", "d/e")),
        ("hf://datasets/a/b@0f/x", HubPlace("a/b", "0f", "x")),
    ):
        assert HubPlace.parse(uri) == place == HubPlace.parse(str(place))
    assert HubPlace("a/b").path("c") == "c" and HubPlace("a/b", root="d/e").path("c") == "d/e/c"
    for uri in ("hf://a/b", "hf://datasets/a", "hf://models/a/b", "https://datasets/a/b"):
        with pytest.raises(InputError, match=f"{uri}: expected hf://datasets/OWNER/NAME"):
            HubPlace.parse(uri)


def test_files_of_one_commit(hub: FakeHub, fetch_shards: Fetch, tmp_path: Path) -> None:
    fetch_shards()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {name: hub.files[in_repo(name)] for name in (TRAIN_0, TRAIN_1)}
    source = Hub(PLACE)
    assert source.commit == COMMIT
    (large,), (small,) = source.files([in_place(TRAIN_0)]), source.files(["manifest.json"])
    assert large.sha256 and large.is_at(tmp_path / TRAIN_0) and not large.is_at(tmp_path / TRAIN_1)
    (tmp_path / "listing").write_bytes(hub.files[MANIFEST])
    assert small.is_at(tmp_path / "listing") and not small.is_at(tmp_path / "nothing")


def test_a_small_file_is_known_by_the_hash_of_git(hub: FakeHub, tmp_path: Path) -> None:
    hub.files["deep/down/note"] = b"a few words"
    (note,) = Hub(PLACE).files(["note"])
    assert note.sha256 is None
    (tmp_path / "note").write_bytes(b"a few words")
    assert note.is_at(tmp_path / "note")
    (tmp_path / "note").write_bytes(b"a few wordz")
    assert not note.is_at(tmp_path / "note")


def test_a_connection_that_is_cut_is_mended(hub: FakeHub, fetch_shards: Fetch, tmp_path: Path) -> None:
    hub.cut[in_repo(TRAIN_0)] = [500, 600]
    fetch_shards()
    assert [asked for path, asked in hub.requests if path.endswith(TRAIN_0)] == ["", "bytes=500-", "bytes=1100-"]
    assert (tmp_path / TRAIN_0).read_bytes() == hub.files[in_repo(TRAIN_0)]


def test_other_bytes_than_published(hub: FakeHub, fetch_shards: Fetch, tmp_path: Path) -> None:
    right = hub.files[in_repo(TRAIN_1)]
    for wrong in (right[:-1] + b"x", right[:-1], right + b"x"):
        hub.sent[in_repo(TRAIN_1)] = wrong
        with pytest.raises(InputError, match=rf"{TRAIN_1}: expected 2,424 bytes with hash [0-9a-f]{{16}}, found {len(wrong):,} bytes"):
            fetch_shards()
    hub.sent.clear()
    fetch_shards()
    assert (tmp_path / TRAIN_1).read_bytes() == right


def test_another_listing_than_published(hub: FakeHub, fetch: Callable[..., object]) -> None:
    hub.sent[MANIFEST] = b" " * len(hub.files[MANIFEST])
    with pytest.raises(InputError, match=r"manifest\.json: expected .* bytes with hash"):
        fetch()


def test_what_is_not_published(hub: FakeHub, fetch_shards: Fetch) -> None:
    del hub.files[in_repo(TRAIN_1)]
    with pytest.raises(InputError, match=rf"golf/deep/down: expected the file .*{TRAIN_1}, found nothing of that name"):
        fetch_shards()
    with pytest.raises(InputError, match=r"golf: expected the file manifest\.json, found nothing of that name"):
        Hub(replace(PLACE, root="")).files(["manifest.json"])
    with pytest.raises(InputError, match=r"nobody/golf/deep/down: expected a dataset that you may read, found none"):
        Hub(replace(PLACE, repo="nobody/golf"))
    with pytest.raises(InputError, match=r"golf@old/deep/down: expected a revision of somebody/golf, found none called old"):
        Hub(replace(PLACE, revision="old"))


def test_a_hub_in_trouble(hub: FakeHub, fetch_shards: Fetch) -> None:
    hub.status[in_repo(TRAIN_1)] = 503
    with pytest.raises(InputError, match=rf"{TRAIN_1}: expected an answer from .*, found HTTP status 503"):
        fetch_shards()


def test_one_failure_stops_the_other_downloads(hub: FakeHub, fetch_shards: Fetch, tmp_path: Path) -> None:
    hub.status[in_repo(TRAIN_1)], hub.slow[in_repo(TRAIN_0)] = 503, 0.1
    with pytest.raises(InputError, match="HTTP status 503"):
        fetch_shards()
    assert not (tmp_path / TRAIN_0).exists()


def test_a_disk_that_is_too_small(hub: FakeHub, fetch_shards: Fetch, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    usage = namedtuple("usage", "free")
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "disk_usage", lambda _: usage(2000))
        with pytest.raises(InputError, match=rf"{tmp_path}: expected [\d,]+ bytes of free disk to fetch into, found 2,000"):
            fetch_shards()
    with small_disk(2000), pytest.raises(OSError) as refused:
        fetch_shards()
    assert "fineweb_train" in str(refused.value.filename)
    fetch_shards()


def test_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(sys, "argv", ["bytegolf", "prepare", "fineweb", "--out", str(tmp_path / "data")])
    with pytest.raises(SystemExit) as ended:
        main()
    shown = capsys.readouterr()
    assert (ended.value.code, shown.out) == (2, "")
    place = "hf://datasets/willdepueoai/parameter-golf/datasets"
    assert shown.err == f"error: {place}: expected to reach {constants.ENDPOINT}, found HF_HUB_OFFLINE set\n"
