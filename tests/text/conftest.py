"""Tokenizers trained once, and a hub that publishes shards."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from huggingface_hub import constants, file_download

from bytegolf.config import TextConfig
from bytegolf.storage.data_folder import DataManifest
from bytegolf.text.fineweb import fetch_published
from bytegolf.text.hub import HubPlace
from bytegolf.text.tokenizer import BpeTokenizer, BytesTokenizer, Tokenizer
from bytegolf.text.tokenizer_training import train_bpe, train_tokenizer
from support.corpora import SOURCE, foreign_model
from support.fake_hub import FakeHub, reach, serving
from support.published_shards import PLACE, REPO, published_files


@pytest.fixture(scope="session")
def bpe() -> BpeTokenizer:
    """512 pieces, with runs of spaces among them."""
    return train_bpe([SOURCE], 512)


@pytest.fixture(scope="session", params=["bpe", "capitals", "bytes"])
def tokenizer(request: pytest.FixtureRequest, bpe: BpeTokenizer) -> Tokenizer:
    made: dict[str, Callable[[], Tokenizer]] = {
        "bpe": lambda: bpe,
        "capitals": lambda: train_tokenizer([SOURCE], 512, TextConfig(tokenizer="capitals")),
        "bytes": BytesTokenizer,
    }
    return made[request.param]()


@pytest.fixture(scope="session")
def normalising() -> bytes:
    """A model that folds characters and spaces, and puts a space before each text."""
    return foreign_model(normalization_rule_name="nmt_nfkc", add_dummy_prefix=True)


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory, normalising: bytes) -> dict[str, bytes]:
    return published_files(normalising, tmp_path_factory.mktemp("published"))


@pytest.fixture
def hub(published: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """A hub that publishes them and is the one that huggingface_hub asks, without waiting between attempts."""
    hub = FakeHub(REPO, dict(published))
    with serving(hub):
        reach(hub.endpoint, monkeypatch)
        monkeypatch.setattr(file_download, "time", SimpleNamespace(sleep=lambda _: None))
        monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 100)
        yield hub


@pytest.fixture
def fetch(tmp_path: Path) -> Callable[..., DataManifest]:
    """Fetch two training shards of variant sp512 into `tmp_path / "data"`, or what the options say."""

    def run(place: HubPlace = PLACE, **options: object) -> DataManifest:
        return fetch_published(place, tmp_path / "data", **{"variant": "sp512", "train_shards": 2, **options})  # type: ignore[arg-type]

    return run
