"""A data folder, a finished run over it, and two data folders that differ in what is held out."""

import shutil
from pathlib import Path

import pytest

from bytegolf.text.prepare import prepare_text
from bytegolf.text.tokenizer_training import train_bpe
from support.runs import documents, finished, prepared, write_texts


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepared(tmp_path_factory)


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Finished and packed. Read only."""
    return finished(tmp_path_factory)


@pytest.fixture
def copied(run: Path, tmp_path: Path) -> Path:
    """Of the finished run, to be changed."""
    return shutil.copytree(run, tmp_path / "copied")


@pytest.fixture
def two_splits(tmp_path: Path) -> list[Path]:
    """The same training documents and tokenizer, and held-out documents that have nothing in common."""
    held_out, poison, training = documents(seed=2, count=4), ["Ω≈ç√∫ " * 300] * 4, documents(seed=1, count=40)
    (tmp_path / "given.model").write_bytes(train_bpe(training, 300).serialised)
    folders = []
    for name, texts in (("clean", held_out), ("poisoned", poison)):
        write_texts(tmp_path / f"{name} texts", [*texts, *training])
        prepare_text([str(tmp_path / f"{name} texts")], tmp_path / name, tokenizer=tmp_path / "given.model", val_docs=4)
        folders.append(tmp_path / name)
    return folders
